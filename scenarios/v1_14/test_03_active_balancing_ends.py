"""v1.14-03: active balancing ends within its target spread.

Before, it went on past it, and charge was moved to and fro (chosen: the log says only that the
control was mended).
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import mean_spread_mv

pytestmark = [
    pytest.mark.item("v1.14-03"),
    pytest.mark.needs(
        battery="LFP 24 V 180 Ah",
        parallel=1,
        soc_pct=99.25,
        soc_spread_pct=0.6,
        soc_spread_exact=True,
    ),
]


async def test_balancing_ends_and_the_cells_are_together(bench: Bench) -> None:
    balancing = bench.private_can.signal("private.balancing", 0)
    async with bench.arrange():
        await bench.running()
        await expect(balancing).becomes(1, within=seconds(15))

    await expect(balancing).becomes(0, within=seconds(chosen(3600, "twice what it takes")))
    await expect(balancing).stays(0, for_=seconds(chosen(1800, "cells have settled by then")))
    target_mv = chosen(12.0, "where it would begin anew")
    expect.measure("spread", await mean_spread_mv(bench), "mV", high=target_mv)
