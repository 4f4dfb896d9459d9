"""v1.12-02: charging and discharging are allowed again below and above the clear levels.

LFP: below 3440 mV, and above 3075 mV, for 10 s. Before, at the levels at which they are withdrawn,
and at once. More energy is moved first than any release asks for (v1.38-11).
"""

import pytest

from rig import Bench, chosen, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.12-02")

FLOW_A = chosen(100.0, "moves 2 % of the capacity, 4.6 Ah, in less than three minutes")
ENERGY = chosen(seconds(200), "2.4 % of the capacity")
LATE = chosen(milliseconds(900), "a report of the battery, a control period, and what is averaged")


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=90)
async def test_charging_is_allowed_again_10_s_below_3440_mv(bench: Bench) -> None:
    async with bench.arrange():
        cell = bench.battery(0).cell(2)
        await bench.running()
        cell.reads(3.56)  # public: above the charged level of LFP, 3520 mV
        await expect(bench.allow_charge).becomes(False, within=seconds(30))

    cell.reads(3.45)  # public: 10 mV above the clear level
    await bench.load.draw(FLOW_A)
    await expect(bench.allow_charge).stays(False, for_=ENERGY)
    cell.reads(3.43)  # public: 10 mV below it
    await expect(bench.allow_charge).becomes(
        True, within=seconds(10) + LATE, after=seconds(10) - LATE
    )


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=60)
async def test_discharging_is_allowed_again_10_s_above_3075_mv(bench: Bench) -> None:
    async with bench.arrange():
        cell = bench.battery(0).cell(2)
        await bench.running()
        cell.reads(2.75)  # public: below the discharged level of LFP, 2800 mV
        await expect(bench.allow_discharge).becomes(False, within=seconds(30))

    cell.reads(3.065)  # public: 10 mV below the clear level
    await bench.charger.charge(FLOW_A, 28.4)
    await expect(bench.allow_discharge).stays(False, for_=ENERGY)
    cell.reads(3.085)  # public: 10 mV above it
    await expect(bench.allow_discharge).becomes(
        True, within=seconds(10) + LATE, after=seconds(10) - LATE
    )
