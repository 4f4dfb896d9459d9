"""v1.34-02a: a system of more batteries than the master supports is an event of its own.

96 is the most that the settings 0x0387 and 0x0388 take (public: communication guide). Before, the
start ended with error 5, as it still does, and the log had nothing more of it.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = pytest.mark.item("v1.34-02a")

EVENT = chosen(75, "events that are no public errors have numbers from 64 on")
WRONG_NUMBER = 5  # public: register 0x2101


@pytest.mark.needs(parallel=97)
async def test_too_many_batteries_are_an_event(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await warns(bench, bench.press_start_stop, EVENT, within_s=8.0)
    await expect(bench.gx.register("error")).becomes(WRONG_NUMBER, within=seconds(1))
    await expect(bench.contactor).is_(OPEN)


@pytest.mark.needs(parallel=96)
async def test_as_many_as_are_supported_are_none(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await bench.press_start_stop()
    # Public: register 0x0371, 9 is running. Before that the log is refused (v1.38-06).
    await expect(bench.gx.register("state")).becomes(9, within=seconds(30))
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("the log has no such event", holds=EVENT not in numbers)
