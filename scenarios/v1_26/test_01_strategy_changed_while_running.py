"""v1.26-01: a strategy that is changed while the system runs trips nothing.

With a cell between the critical levels of both, 4200 and 4250 mV, the limits become those of
Economic and the contactor stays closed; once the cell has come back, Economic's level holds for it.
Before, the change was taken, and ended in fail-safe.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [
    pytest.mark.item("v1.26-01"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=50),
]

ECONOMIC, PERFORMANCE, OVER_VOLTAGE = 0, 1, 13  # public: registers 0x0376 and 0x2101
BETWEEN_V = 4.21  # public: NMC is critical from 4.20 V in Economic, and warned from 4.225 V else
ECONOMIC_LIMIT_V = 28.6  # public: 7 cells, charged at 4.05 V; in Performance 4.20 V, 29.4 V in all
INSIDE_V = 4.00  # public: below the charged level of both
LONGER_THAN_A_TRIP = chosen(seconds(60), "45 s from almost charged to the trip, and 5 s to open")


async def test_a_cell_between_both_strategies_levels_trips_nothing(bench: Bench) -> None:
    limit_v, error = bench.gx.register("charge_voltage_limit_v"), bench.gx.register("error")
    cell = bench.battery(0).cell(2)
    async with bench.arrange():
        await bench.tool.set("battery_strategy", PERFORMANCE)
        await bench.power_cycle()
        await bench.running()
        cell.reads(BETWEEN_V)
        await bench.wait(seconds(25))  # public: almost charged and charged, 10 s each
        await expect(bench.contactor).is_(CLOSED)

    await sets(bench, "battery_strategy", ECONOMIC)
    await bench.wait(LONGER_THAN_A_TRIP)
    told_v = limit_v.latest.value if limit_v.latest else None
    closed = (await bench.contactor.read()).value is CLOSED
    expect.that(
        f"the charge voltage is that of Economic ({told_v} V), and the contactor is closed",
        holds=closed and told_v is not None and told_v < ECONOMIC_LIMIT_V,
    )
    cell.reads(INSIDE_V)
    await bench.wait(seconds(40))
    cell.reads(BETWEEN_V)
    await expect(error).becomes(OVER_VOLTAGE, within=seconds(47), after=seconds(20))
