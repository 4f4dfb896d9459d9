"""v1.09-05: the charge limits are controlled, they fall as the highest cell nears charged.

They are told within 1 s of a change, and every 5 s. Before, they were full or nothing.
"""

import pytest

from rig import Bench, below, between, chosen, expect, seconds
from scenarios.procedures import tells

pytestmark = [
    pytest.mark.item("v1.09-05"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=60),
]

FULL_A = chosen(230.0, "0.5 C of 460 Ah")
# Public: LFP series manual; almost charged is 3440 mV, charged 3520 mV.
CELLS_V = (3.46, 3.48, 3.50)
FALL = chosen(0.9, "of the limit before: the three steps are a quarter each")
NEARLY_CHARGED_V = chosen(3.538, "as far as the cell may go for a while")
LITTLE_A = chosen(between(4.6, 18.4), "2 to 8 % of the current, which is never quite nothing")
FALLEN_WITHIN = chosen(seconds(9), "limits fall by 10 % a second; a level takes 10 s")
TOLD_WITHIN = seconds(3)  # public: on change within 1 s; and what reports and averages take
CCL = 0x0391  # public: communication guide
PERIODS = 4


async def test_charge_current_limit_falls_as_the_highest_cell_nears_charged(bench: Bench) -> None:
    limit_a = bench.gx.register("charge_current_limit_a")
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(6))  # public: the register is told every 5 s

    before_a = FULL_A
    for cell_v in CELLS_V:
        bench.battery(0).cell(4).reads(cell_v)
        await expect(limit_a).becomes(below(FALL * before_a), within=TOLD_WITHIN)
        before_a = limit_a.latest.value if limit_a.latest else 0.0
    expect.measure("limit near charged", before_a, "A", low=1.0)
    bench.battery(0).cell(4).reads(NEARLY_CHARGED_V)
    await expect(limit_a).becomes(LITTLE_A, within=FALLEN_WITHIN)


async def test_charge_current_limit_is_told_every_5_s(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(6))  # it is told on change as well, which a start is full of
        told = bench.ve_can.count(tells(bench, CCL))

    await bench.wait(PERIODS * seconds(5))
    await expect(told).becomes(PERIODS, within=seconds(1))
