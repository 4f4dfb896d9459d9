"""v1.09-10: VE_REG_LINK_CHARGE_CURRENT_LIMIT (0x2015) carries the controlled current in amperes.

It equals the charge current limit, 0x0391, at every point on the way to the charged level. Before,
it was the greatest current or 0.
"""

import math

import pytest

from rig import Bench, below, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.09-10"), pytest.mark.needs(parallel=2, soc_pct=60)]

FULL_A = chosen(230.0, "what the two batteries of 230 Ah take: 0.5 C")
STEP_A = 0.1  # public: of both registers
# Public: LFP series manual; almost charged is 3440 mV, charged 3520 mV.
CELLS_V = (3.47, 3.50)
FROZEN_C = -3.0  # public: below the 0 degC from which batteries are charged
TOLD_WITHIN = seconds(8)  # public: on change within 1 s; chosen: limits that fall by 10 % a second


async def test_the_link_limit_is_the_controlled_current(bench: Bench) -> None:
    link_a = bench.gx.register("link_charge_current_limit_a")
    limit_a = bench.gx.register("charge_current_limit_a")
    async with bench.arrange():
        await bench.running()
        await expect(link_a).becomes(FULL_A, within=seconds(6))

    before_a = FULL_A - STEP_A
    for cell_v in CELLS_V:
        bench.battery(0).cell(4).reads(cell_v)
        await expect(link_a).becomes(below(before_a), within=TOLD_WITHIN)
        await bench.wait(TOLD_WITHIN)
        before_a = (await link_a.read()).value
        control_a = limit_a.latest.value if limit_a.latest else math.nan
        expect.measure("link limit", before_a, "A", low=control_a - STEP_A, high=control_a + STEP_A)
    expect.measure("link limit near charged", before_a, "A", low=1.0, high=170.0)
    bench.battery(0).temperature_reads(FROZEN_C)
    await expect(link_a).becomes(0.0, within=TOLD_WITHIN)
    await expect(bench.allow_charge).is_(False)
