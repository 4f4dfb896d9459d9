"""v1.23-04c: a high temperature inside the master is an event.

Above 70 degC for 10 s: both chosen. Before, none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = pytest.mark.item("v1.23-04c")

EVENT = chosen(71, "events that are no public errors have numbers from 64 on")
WITHIN_C, BEYOND_C = chosen((69.0, 71.0), "on both sides of 70 degC")
BEFORE_S, BY_S = chosen((8.5, 11.5), "on both sides of 10 s")


async def test_a_hot_master_is_an_event(bench: Bench) -> None:
    async def hotter() -> None:
        await bench.inject("hot soak", temperature_c=BEYOND_C, reaching="surroundings")

    async with bench.arrange():
        await bench.running()
        await bench.inject("hot soak", temperature_c=WITHIN_C, reaching="surroundings")
        await bench.wait(seconds(30))
        before = len(await bench.tool.events())

    await warns(bench, hotter, EVENT, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
