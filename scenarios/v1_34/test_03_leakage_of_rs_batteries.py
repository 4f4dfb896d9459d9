"""v1.34-03: the leakage detection of RS batteries is monitored, and of RS batteries only.

Seen at the programmable relay, whose 'warning' tells of a leak (v1.34-05). Before, a leak had no
effect.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, seconds
from scenarios.procedures import sets, started_if_it_can

pytestmark = pytest.mark.item("v1.34-03")

LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
DAMP_KOHM = chosen(250.0, "a battery that is not quite dry, more than twice what is a leak")
BEFORE, WITHIN = chosen((seconds(8.5), seconds(11.5)), "a leak has to last 10 s")


@pytest.mark.needs(battery="RS176", parallel=1)
@pytest.mark.parametrize("pole", ["positive", "negative"])
async def test_a_leak_of_an_rs_battery_is_warned_of(bench: Bench, pole: str) -> None:
    async with bench.arrange():
        await sets(bench, "relay_function", "warning")
        await started_if_it_can(bench)
        await bench.inject("leakage to chassis", battery=0, pole=pole, leakage_kohm=DAMP_KOHM)
        await bench.wait(seconds(30))
        leak = await bench.inject(
            "leakage to chassis", battery=0, pole=pole, leakage_kohm=LEAK_KOHM
        )

    await expect(bench.relay).becomes(CLOSED, within=WITHIN, after=BEFORE)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(30))
    await leak.clear()
    await expect(bench.relay).becomes(OPEN, within=seconds(2))


@pytest.mark.parametrize(
    (),
    [
        pytest.param(marks=pytest.mark.needs(battery="HE100", parallel=1), id="HE"),
        pytest.param(marks=pytest.mark.needs(parallel=1), id="LFP"),
    ],
)
async def test_a_leak_of_another_battery_is_not_monitored(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "relay_function", "warning")
        await started_if_it_can(bench)
        await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    await expect(bench.relay).stays(OPEN, for_=seconds(60))
    await expect(bench.contactor).is_(CLOSED)
