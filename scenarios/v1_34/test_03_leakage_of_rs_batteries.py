"""v1.34-03: the leakage detection of RS batteries is monitored, and of RS batteries only.

Seen in the warnings that the tool shows, which tell of a leak (v1.34-04). Before, a leak had no
effect.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import shown_warnings, started_if_it_can

pytestmark = pytest.mark.item("v1.34-03")

LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
DAMP_KOHM = chosen(250.0, "a battery that is not quite dry, more than twice what is a leak")
BEFORE, REST = chosen((seconds(8.5), seconds(3)), "on both sides of the 10 s it has to last")
WARNING = "leakage detected"


@pytest.mark.needs(battery="RS176", parallel=1)
@pytest.mark.parametrize("pole", ["positive", "negative"])
async def test_a_leak_of_an_rs_battery_is_warned_of(bench: Bench, pole: str) -> None:
    async with bench.arrange():
        await started_if_it_can(bench)
        await bench.inject("leakage to chassis", battery=0, pole=pole, leakage_kohm=DAMP_KOHM)
        await bench.wait(seconds(30))
        leak = await bench.inject(
            "leakage to chassis", battery=0, pole=pole, leakage_kohm=LEAK_KOHM
        )

    await bench.wait(BEFORE)
    before = await shown_warnings(bench)
    await bench.wait(REST)
    expect.that("a leak is warned of", holds=WARNING in await shown_warnings(bench))
    expect.that("it has to last 10 s for it", holds=WARNING not in before)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(30))
    await leak.clear()
    await bench.wait(seconds(2))
    expect.that("its end ends the warning", holds=WARNING not in await shown_warnings(bench))


@pytest.mark.parametrize(
    (),
    [
        pytest.param(marks=pytest.mark.needs(battery="HE100", parallel=1), id="HE"),
        pytest.param(marks=pytest.mark.needs(parallel=1), id="LFP"),
    ],
)
async def test_a_leak_of_another_battery_is_not_monitored(bench: Bench) -> None:
    async with bench.arrange():
        await started_if_it_can(bench)
        await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    await bench.wait(seconds(60))
    expect.that("no leak is warned of", holds=WARNING not in await shown_warnings(bench))
    await expect(bench.contactor).is_(CLOSED)
