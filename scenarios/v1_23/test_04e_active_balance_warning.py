"""v1.23-04e: a battery that cannot move charge between its cells is an event: active balancing.

Before, none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import shown_warnings, warns

pytestmark = [
    pytest.mark.item("v1.23-04e"),
    pytest.mark.needs(battery="LFP 24 V 180 Ah", parallel=2),
]

EVENT = chosen(73, "events that are no public errors have numbers from 64 on")
WARNING = "active balancing"


async def test_a_failed_balancer_is_an_event_and_a_warning(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(15))
        before = len(await bench.tool.events())

    failures = []

    async def fails() -> None:
        failures.append(await bench.inject("balancer failed", battery=1))

    await warns(bench, fails, EVENT, shown=WARNING, within_s=3.0)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("while it works there is none", holds=EVENT not in numbers[:before])
    await failures[0].clear()
    await bench.wait(seconds(3))
    expect.that("its repair ends it", holds=WARNING not in await shown_warnings(bench))
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
