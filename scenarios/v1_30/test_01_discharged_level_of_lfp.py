"""v1.30-01: LFP batteries are discharged at a higher level, for better protection.

2900 mV (chosen) instead of 2800 mV, the manual's value for earlier releases. What lies between is
less than 2 % of the capacity (chosen).
"""

import pytest

from rig import Bench, below, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.30-01")

ABOVE_V, BELOW_V = chosen((2.910, 2.890), "10 mV on either side of the level")
LEVEL_TIMES = seconds(21)  # public: 10 s for each of the two levels; and what a report takes
OLD_LEVEL_V = 2.80  # public: LFP series manual, boundary limits
CAPACITY_AH = 230.0
LOAD_A = chosen(115.0, "0.5 C")
HARDLY_PCT = chosen(2.0, "of the capacity: 'negligible' in the words of the log")


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=60)
async def test_discharging_is_withdrawn_at_2900_mv(bench: Bench) -> None:
    async with bench.arrange():
        cell = bench.battery(0).cell(3)
        await bench.running()
        cell.reads(ABOVE_V)

    await expect(bench.allow_discharge).stays(True, for_=2 * LEVEL_TIMES)
    cell.reads(BELOW_V)
    await expect(bench.allow_discharge).becomes(False, within=LEVEL_TIMES)


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=4)
async def test_less_than_2_pct_of_the_capacity_lies_below_it(bench: Bench) -> None:
    async with bench.arrange():
        lowest_v = bench.gx.register("cell_voltage_v_min")
        await bench.running()
        await bench.load.draw(LOAD_A)

    await expect(bench.allow_discharge).becomes(False, within=seconds(600))
    left_us = await expect(lowest_v).becomes(below(OLD_LEVEL_V + 0.001), within=seconds(300))
    drawn_pct = 100 * LOAD_A * left_us / 3.6e9 / CAPACITY_AH
    expect.measure("capacity below the level", drawn_pct, "%", low=0.0, high=HARDLY_PCT)
