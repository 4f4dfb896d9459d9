"""v1.23-04d: more current than the batteries are rated for is an event.

More than 110 % for 10 s: both chosen. Before, none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = [pytest.mark.item("v1.23-04d"), pytest.mark.needs(battery="HE100", parallel=1)]

EVENT = chosen(72, "events that are no public errors have numbers from 64 on")
WITHIN, BEYOND = chosen((1.07, 1.13), "on both sides of 110 %")
BEFORE_S, BY_S = chosen((8.5, 11.5), "on both sides of 10 s, and the charger's settling")


@pytest.mark.parametrize(
    ("way", "rated_a"),
    # Public: HE data sheet, 1.0C; stated: change log, 1.15, charged with 0.6C.
    [pytest.param("draws", 100.0, id="discharge"), pytest.param("charges", 60.0, id="charge")],
)
async def test_more_than_the_batteries_are_rated_for_is_an_event(
    bench: Bench, way: str, rated_a: float
) -> None:
    async def flows(current_a: float) -> None:
        if way == "draws":
            await bench.load.draw(current_a)
        else:
            await bench.charger.charge(current_a, chosen(28.0, "above the battery's voltage"))

    async with bench.arrange():
        await bench.running()
        await flows(WITHIN * rated_a)
        await bench.wait(seconds(20))
        before = len(await bench.tool.events())

    await warns(bench, lambda: flows(BEYOND * rated_a), EVENT, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
