"""v1.09-09: VE_REG_LINK_CHARGE_CURRENT_PERCENTAGE (0x2014) carries the controlled percentage.

It falls with the limits as the highest cell nears the charged level, to 0 when charging is not
allowed. Before, it was 0 or 100 %.
"""

import math

import pytest

from rig import Bench, below, between, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.09-09"), pytest.mark.needs(parallel=2, soc_pct=60)]

FULL_A = chosen(230.0, "what the two batteries of 230 Ah take: 0.5 C")
NEAR_PCT = chosen(1.5, "the register's step of 1 %, and what the current limit is rounded by")
# Public: LFP series manual; almost charged is 3440 mV, charged 3520 mV.
CELLS_V = (3.47, 3.50)
FROZEN_C = -3.0  # public: below the 0 degC from which batteries are charged
TOLD_WITHIN = seconds(8)  # public: on change within 1 s; chosen: limits that fall by 10 % a second


async def test_the_percentage_is_that_of_the_controlled_current(bench: Bench) -> None:
    percentage = bench.gx.register("link_charge_current_pct")
    limit_a = bench.gx.register("charge_current_limit_a")
    async with bench.arrange():
        await bench.running()
        await expect(percentage).becomes(100, within=seconds(6))

    before_pct = 99.0
    for cell_v in CELLS_V:
        bench.battery(0).cell(4).reads(cell_v)
        await expect(percentage).becomes(below(before_pct), within=TOLD_WITHIN)
        await bench.wait(TOLD_WITHIN)
        share_pct = 100 * limit_a.latest.value / FULL_A if limit_a.latest else math.nan
        before_pct = (await percentage.read()).value
        expect.measure(
            "percentage", before_pct, "%", low=share_pct - NEAR_PCT, high=share_pct + NEAR_PCT
        )
    expect.measure("percentage near charged", before_pct, "%", low=1.0, high=75.0)
    bench.battery(0).temperature_reads(FROZEN_C)
    await expect(percentage).becomes(0, within=TOLD_WITHIN)
    await expect(bench.allow_charge).is_(False)


async def test_while_charging_is_allowed_the_percentage_is_told(bench: Bench) -> None:
    percentage = bench.gx.register("link_charge_current_pct")
    async with bench.arrange():
        await bench.running()

    bench.battery(0).cell(4).reads(CELLS_V[1])
    await expect(percentage).becomes(between(1, 99), within=TOLD_WITHIN)
