"""v1.21-05: new LFP batteries bleed a cell that is too high, and end at the target spread.

Before, the bleed of one cell was never released (our reading: the log says only that passive
balancing was mended). Before 1.20 there was no such battery.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import cells_read

pytestmark = [
    pytest.mark.item("v1.21-05"),
    pytest.mark.needs(battery="LFP 24 V 100 Ah passive", parallel=1, soc_spread_pct=0.0),
]

NEAR_FULL_V = chosen(3.36, "above the plateau, where LFP is balanced")
ONLY_THE_FOURTH = 1 << 3


async def test_a_bleed_begins_above_the_target_and_ends_within_it(bench: Bench) -> None:
    async with bench.arrange():
        balancing = bench.private_can.signal("private.balancing", 0)
        cells = bench.private_can.signal("private.mask", 0)

    await bench.press_start_stop()
    await bench.wait(seconds(60))
    states = []
    for deviation_mv in chosen((11.0, 12.0, 9.5, 8.5), "beside 11.5 and 9 mV; ours"):
        cells_read(bench, NEAR_FULL_V, deviation_mv)
        await bench.wait(seconds(chosen(600, "much longer than a decision takes")))
        told = balancing.latest, cells.latest
        states.append(tuple(each.value if each else None for each in told))
    bleeds, rests = (1, ONLY_THE_FOURTH), (0, 0)
    expect.that(
        f"the fourth cell bleeds from 11.5 mV until 9 mV above the others: {states}",
        holds=states[1:] == [bleeds, bleeds, rests] and states[0][0] == 0,
    )
