"""v1.34-02c: a broken fuse is an event of the master.

Read so: of the main fuse, when no current flows through a closed contactor though the voltages on
its two sides differ, for 3 s (chosen). Before, none.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = pytest.mark.item("v1.34-02c")

EVENT = chosen(65, "the number after that of the charger, above the public errors")


async def test_a_blown_main_fuse_is_an_event(bench: Bench) -> None:
    async def blows() -> None:
        await bench.inject("main fuse blown")

    async with bench.arrange():
        await bench.running()
        await bench.load.draw(chosen(200.0, "most of what the load takes: a sound fuse drops mV"))
        await bench.wait(seconds(10))
        await bench.load.off()
        await bench.wait(seconds(10))
        before = len(await bench.tool.events())

    await warns(bench, blows, EVENT, after_s=2.0, within_s=chosen(7.0, "the link has to fall"))
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("a sound fuse is none", holds=EVENT not in numbers[:before])
    await expect(bench.contactor).is_(CLOSED)
