"""v1.27-K2: an update is possible, whenever it is asked for; on 1.27 it can be locked out for good.

On 1.27 that depends on the moment of the request (chosen: one in ten), and all later ones fail.
"""

import pytest

from rig import Bench, chosen, expect
from scenarios.procedures import moments

pytestmark = [pytest.mark.item("v1.27-K2"), pytest.mark.needs(parallel=1)]
ADVICE = "a device that has been on 1.27 must go to 1.28 or later; where it cannot, ask support"
REQUESTS = chosen(30, "they leave no gap that one in ten would fit into")


async def test_an_update_begins_whenever_it_is_asked_for(bench: Bench) -> None:
    async with bench.arrange():
        bench.note(ADVICE)
        await bench.tool.firmware()

    async for number in moments(bench, REQUESTS):
        outcome = await bench.begin_an_update()
        expect.that(f"update {number + 1} begins", holds=outcome.completed)
