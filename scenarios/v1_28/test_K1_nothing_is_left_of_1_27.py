"""v1.28-K1: what 1.27 brought is gone: every stop request is taken, every update is possible.

The advice is the log's: a device that has been on 1.27 must go to 1.28 or later, and where the
update is not possible, support is to be contacted.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import moments

pytestmark = [pytest.mark.item("v1.28-K1"), pytest.mark.needs(parallel=1)]
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
REQUESTS = chosen(30, "they leave no gap that one in ten would fit into")
ADVICE = "a device that has been on 1.27 must go to 1.28 or later; where it cannot, ask support"


async def test_every_stop_request_is_taken(bench: Bench) -> None:
    async with bench.arrange():
        bench.note(ADVICE)
        await bench.running()

    state = bench.gx.register("state")
    async for _ in moments(bench, REQUESTS):
        await bench.press_start_stop()
        await expect(state).becomes(SHUTTING_DOWN, within=seconds(1))
        await expect(state).becomes(STANDBY, within=seconds(30))
        await bench.running()


async def test_an_update_begins_whenever_it_is_asked_for(bench: Bench) -> None:
    async with bench.arrange():
        bench.note(ADVICE)
        await bench.tool.firmware()

    async for number in moments(bench, REQUESTS):
        outcome = await bench.begin_an_update()
        expect.that(f"update {number + 1} begins", holds=outcome.completed)
