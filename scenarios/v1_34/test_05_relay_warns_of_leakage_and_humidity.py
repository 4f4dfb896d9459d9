"""v1.34-05: 'warning' of the programmable relay also tells of a leak, and of a humid battery.

Before, it told of neither.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, seconds
from scenarios.procedures import sets, started_if_it_can

pytestmark = [pytest.mark.item("v1.34-05"), pytest.mark.needs(battery="RS176", parallel=1)]

LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
LEAK_BEFORE, LEAK_WITHIN = chosen((seconds(8.5), seconds(11.5)), "a leak has to last 10 s")
# Public: 75 % is the most that the data sheet allows.
DRY_PCT, HUMID_PCT = chosen((74.0, 77.0), "on both sides of 75 %")
BEFORE, WITHIN = chosen((seconds(57), seconds(63)), "humidity has to last 60 s")


async def warning_started(bench: Bench) -> None:
    """The relay is to warn, and the system is started."""
    await sets(bench, "relay_function", "warning")
    await started_if_it_can(bench)


async def test_a_leak_closes_the_relay_while_it_lasts(bench: Bench) -> None:
    async with bench.arrange():
        await warning_started(bench)
        leak = await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    await expect(bench.relay).becomes(CLOSED, within=LEAK_WITHIN, after=LEAK_BEFORE)
    await leak.clear()
    await expect(bench.relay).becomes(OPEN, within=seconds(2))
    await expect(bench.contactor).is_(CLOSED)


@pytest.mark.parametrize(
    (),
    [
        pytest.param(id="RS"),
        pytest.param(marks=pytest.mark.needs(battery="HE100", parallel=1), id="HE"),
    ],
)
async def test_humidity_closes_the_relay_while_it_lasts(bench: Bench) -> None:
    async with bench.arrange():
        await warning_started(bench)
        await bench.inject("humid battery", battery=0, humidity_pct=DRY_PCT)
        await bench.wait(seconds(90))
        humid = await bench.inject("humid battery", battery=0, humidity_pct=HUMID_PCT)

    await expect(bench.relay).becomes(CLOSED, within=WITHIN, after=BEFORE)
    await humid.clear()
    await expect(bench.relay).becomes(OPEN, within=seconds(2))
    await expect(bench.contactor).is_(CLOSED)
