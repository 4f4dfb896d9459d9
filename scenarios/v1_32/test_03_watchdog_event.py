"""v1.32-03: a restart by the watchdog is an event, 12, once the master is up again.

It is stored behind those before it: a loss of power afterwards leaves them there. Before, it was
lost.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.32-03")

WATCHDOG = 12  # public: register 0x2101
LAST_ERRORS = 0x2110  # public: VE.Can register
UP_AGAIN = chosen(seconds(4), "the watchdog's two seconds, and as much again")


async def logged(bench: Bench) -> list[int]:
    """The numbers of the event log; none without answer."""
    return [event.number for event in await answer_or_none(bench.tool.events()) or ()]


async def test_a_watchdog_restart_is_an_event_that_stays(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.press_emergency_stop()
        await bench.wait(seconds(5))
        await bench.release_emergency_stop()
        await bench.press_start_stop()  # the error is acknowledged
        await bench.wait(seconds(1))
        await bench.running()
        before = await logged(bench)
        await bench.inject("stalled loop")
        await bench.wait(UP_AGAIN)

    numbers = await logged(bench)
    expect.that("the event log has event 12, once", holds=numbers.count(WATCHDOG) == 1)
    in_order = [*before, WATCHDOG]
    expect.that("it comes after the emergency stop's", holds=bool(before) and numbers == in_order)
    expect.that("a running master has none", holds=WATCHDOG not in before)
    answer = await bench.gx.request(LAST_ERRORS)
    newest = None if answer is None else answer.values.get("last_error_1")
    expect.that("it is the newest of the last errors", holds=newest == WATCHDOG)
    await expect(bench.contactor).is_(OPEN)
    await bench.power_cycle()
    await bench.wait(seconds(2))
    numbers = await logged(bench)
    expect.that("both are still there, in order", holds=numbers[: len(in_order)] == in_order)
    expect.that("it is still there, once", holds=numbers.count(WATCHDOG) == 1)
