"""v1.17-07: cells of a battery that are far apart in voltage are a warning and an event.

More than 100 mV for 30 s, neither nearly full nor nearly empty: all chosen. Before, neither.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import cells_read, does_not_warn, shown_warnings, warns

pytestmark = pytest.mark.item("v1.17-07")

EVENT = chosen(66, "events that are no public errors have numbers from 64 on")
WARNING = "cell voltage deviation"
WITHIN_MV, BEYOND_MV = chosen((95, 106), "on both sides of 100 mV")
BEFORE_S, BY_S = chosen((28.5, 31.5), "on both sides of 30 s")


async def test_cells_apart_are_a_warning_and_an_event(bench: Bench) -> None:
    async def far_apart() -> None:
        cells_read(bench, 3.28, BEYOND_MV)

    async with bench.arrange():
        await bench.running()
        cells_read(bench, 3.28, WITHIN_MV)
        await bench.wait(seconds(40))
        before = len(await bench.tool.events())

    await warns(bench, far_apart, EVENT, shown=WARNING, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await expect(bench.contactor).is_(CLOSED)
    cells_read(bench, 3.28, WITHIN_MV)
    await bench.wait(seconds(2))
    expect.that("less ends it", holds=WARNING not in await shown_warnings(bench))


# Public: LFP is almost charged from 3440 mV on, and almost discharged from 3075 mV down.
ENDS = [pytest.param(3.36, id="nearly-full"), pytest.param(3.00, id="nearly-empty")]


@pytest.mark.parametrize("others_v", ENDS)
async def test_near_both_ends_it_is_none(bench: Bench, others_v: float) -> None:
    async def near_the_end() -> None:
        cells_read(bench, others_v, BEYOND_MV)

    async with bench.arrange():
        await bench.running()

    await does_not_warn(bench, near_the_end, EVENT, shown=WARNING, for_s=60)
    await expect(bench.contactor).is_(CLOSED)
