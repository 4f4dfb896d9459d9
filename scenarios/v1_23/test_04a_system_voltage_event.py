"""v1.23-04a: a system voltage that the batteries as configured cannot have is an event.

Between the critical levels of the cells (public: LFP series manual, 2400 and 3650 mV) it is one
that they can have; beyond for 20 s (chosen) it is an event. Before, none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = pytest.mark.item("v1.23-04a")

EVENT = chosen(69, "events that are no public errors have numbers from 64 on")
BEFORE_S, BY_S = chosen((18.5, 21.5), "on both sides of 20 s")
CURRENT_A = chosen(10.0, "moves the bus within a moment")


@pytest.mark.parametrize(
    ("within_v", "beyond_v"),
    # Public: eight cells of 3650 mV are 29.2 V, of 2400 mV 19.2 V.
    [pytest.param(29.1, 29.35, id="too high"), pytest.param(19.35, 19.1, id="too low")],
)
async def test_a_system_voltage_beyond_the_batteries_is_an_event(
    bench: Bench, within_v: float, beyond_v: float
) -> None:
    async def leaves_the_window() -> None:
        await bench.charger.charge(CURRENT_A, beyond_v)

    async with bench.arrange():
        await bench.charger.charge(CURRENT_A, 26.0)
        await bench.running()
        # What the charger does is what the bus has, once nothing else holds it.
        await bench.inject("main fuse blown")
        await bench.charger.charge(CURRENT_A, within_v)
        await bench.wait(seconds(40))
        before = len(await bench.tool.events())

    await warns(bench, leaves_the_window, EVENT, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("within the window there is none", holds=EVENT not in numbers[:before])
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
