"""v1.24-05: batteries with NMC cells, HE and RS, warn of humidity; an LFP battery does not.

Above 75 % (public: data sheet of HE) for 60 s (chosen). Before, none did.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import does_not_warn, shown_warnings, started_if_it_can, warns

pytestmark = pytest.mark.item("v1.24-05")

EVENT = chosen(74, "events that are no public errors have numbers from 64 on")
WARNING = "humidity"
DRY_PCT, HUMID_PCT = chosen((74.0, 77.0), "on both sides of 75 %")
BEFORE_S, BY_S = chosen((57.0, 63.0), "on both sides of 60 s")


@pytest.mark.parametrize(
    (),
    [
        pytest.param(marks=pytest.mark.needs(battery="HE100", parallel=1), id="HE"),
        pytest.param(marks=pytest.mark.needs(battery="RS176", parallel=1), id="RS"),
    ],
)
async def test_a_humid_battery_of_nmc_cells_warns(bench: Bench) -> None:
    async def humid() -> None:
        await bench.inject("humid battery", battery=0, humidity_pct=HUMID_PCT)

    async with bench.arrange():
        await started_if_it_can(bench)  # RS batteries joined with 1.23
        await bench.inject("humid battery", battery=0, humidity_pct=DRY_PCT)
        await bench.wait(seconds(90))
        before = len(await bench.tool.events())

    await warns(bench, humid, EVENT, shown=WARNING, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await bench.inject("humid battery", battery=0, humidity_pct=DRY_PCT)
    await bench.wait(seconds(2))
    expect.that("less ends it", holds=WARNING not in await shown_warnings(bench))


@pytest.mark.needs(parallel=1)
async def test_a_humid_battery_of_lfp_cells_does_not(bench: Bench) -> None:
    async def humid() -> None:
        await bench.inject("humid battery", battery=0, humidity_pct=95.0)

    async with bench.arrange():
        await bench.running()

    await does_not_warn(bench, humid, EVENT, shown=WARNING, for_s=90)
    await expect(bench.contactor).is_(CLOSED)
