"""v1.38-11: fully charged, charging is allowed again after 1 % of the capacity is discharged.

Before, after 2 %. The voltage has to be clear as well, and fully discharged it is likewise with
what is charged.
"""

import pytest

from rig import Bench, below, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.38-11")

# The battery has 230 Ah: 1 % of it are 2.3 Ah, at 100 A 82.8 s.
FLOW_A = chosen(100.0, "moves 1 % of the capacity in one to two minutes")
BEFORE = chosen(seconds(78.6), "0.95 % of the capacity")
AFTER = chosen(seconds(87.0), "1.05 % of the capacity")
CHARGE_LIMIT_V = chosen(28.4, "3550 mV a cell: above the charged level of LFP, 3520 mV")
LEVEL_TIME = chosen(seconds(15), "a level takes 10 s to be set or cleared")
CLEAR_V, NOT_CLEAR_V = chosen((3.43, 3.46), "on both sides of the clear level of LFP, 3440 mV")


async def fully_charged(bench: Bench) -> None:
    """Charge until it is not allowed any more."""
    await bench.running()
    await bench.charger.charge(FLOW_A, CHARGE_LIMIT_V)
    await expect(bench.allow_charge).becomes(False, within=seconds(600))
    await bench.charger.off()


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=99.3)
async def test_charge_is_allowed_again_after_1_pct_discharged(bench: Bench) -> None:
    async with bench.arrange():
        await fully_charged(bench)
        highest_cell_v = bench.gx.register("cell_voltage_v_max")
        await expect(highest_cell_v).becomes(below(CLEAR_V), within=seconds(300))
        await bench.wait(LEVEL_TIME)
        await bench.load.draw(FLOW_A)

    await expect(bench.allow_charge).becomes(True, within=AFTER, after=BEFORE)


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=99.3)
async def test_charge_is_not_allowed_again_before_the_voltage_is_clear(bench: Bench) -> None:
    async with bench.arrange():
        await fully_charged(bench)
        bench.battery(0).cell(2).reads(NOT_CLEAR_V)
        await bench.load.draw(FLOW_A)

    await expect(bench.allow_charge).stays(False, for_=AFTER)
    bench.battery(0).cell(2).reads_true()
    await expect(bench.allow_charge).becomes(True, within=LEVEL_TIME)


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=60)
async def test_discharge_is_allowed_again_after_1_pct_charged(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        bench.battery(0).cell(2).reads(2.75)  # below the discharged level of LFP, 2800 mV
        await expect(bench.allow_discharge).becomes(False, within=seconds(60))
        bench.battery(0).cell(2).reads_true()
        await bench.wait(LEVEL_TIME)
        await bench.charger.charge(FLOW_A, CHARGE_LIMIT_V)

    await expect(bench.allow_discharge).becomes(True, within=AFTER, after=BEFORE)
