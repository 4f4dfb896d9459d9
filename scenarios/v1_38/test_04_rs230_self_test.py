"""v1.38-04: the self-tests of RS230 batteries' processors are monitored.

A failed one is an event of its own. Before, it was ignored.
"""

import pytest

from rig import CLOSED, Bench, expect, seconds
from scenarios.procedures import new_events, started_if_it_can

pytestmark = pytest.mark.item("v1.38-04")

LAST_ERROR = 41  # public: register 0x2101; an event of its own is none of these


@pytest.mark.needs(battery="RS230", parallel=2)
async def test_a_failed_self_test_of_an_rs230_is_an_event(bench: Bench) -> None:
    async with bench.arrange():
        await started_if_it_can(bench)
        known = len(await bench.tool.events())

    await bench.wait(seconds(10))
    before = await new_events(bench, known)
    failure = await bench.inject("battery self-test failed", battery=1)
    await bench.wait(seconds(3))
    logged = await new_events(bench, known) - before
    expect.that(
        "a failed self-test is an event with a number of its own",
        holds=len(logged) == 1 and min(logged) > LAST_ERROR,
    )
    expect.that("nothing is logged while self-tests pass", holds=not before)
    await expect(bench.contactor).is_(CLOSED)
    await failure.clear()


@pytest.mark.needs(battery="RS176", parallel=2)
async def test_the_self_test_of_another_rs_battery_is_not_monitored(bench: Bench) -> None:
    async with bench.arrange():
        await started_if_it_can(bench)
        known = len(await bench.tool.events())
        await bench.inject("battery self-test failed", battery=1)

    await bench.wait(seconds(10))
    logged = await new_events(bench, known)
    expect.that("no event of its own is logged", holds=not logged)
    await expect(bench.contactor).is_(CLOSED)
