"""v1.34-02b: a leak that a battery detects is an event of the master. Before, none."""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = [pytest.mark.item("v1.34-02b"), pytest.mark.needs(battery="RS176", parallel=1)]

EVENT = chosen(76, "events that are no public errors have numbers from 64 on")
LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
DAMP_KOHM = chosen(250.0, "a battery that is not quite dry, more than twice what is a leak")
BEFORE_S, BY_S = chosen((8.5, 11.5), "on both sides of the 10 s that a leak has to last")


async def test_a_leak_is_an_event(bench: Bench) -> None:
    async def leaks() -> None:
        await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    async with bench.arrange():
        await bench.running()
        await bench.inject("leakage to chassis", battery=0, leakage_kohm=DAMP_KOHM)
        await bench.wait(seconds(30))
        before = len(await bench.tool.events())

    await warns(bench, leaks, EVENT, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("damp is none", holds=EVENT not in numbers[:before])
    await expect(bench.contactor).is_(CLOSED)
