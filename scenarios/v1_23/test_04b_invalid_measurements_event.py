"""v1.23-04b: a measurement of the master that cannot be true is an event.

Read so: its battery voltage is more than 20 % off the sum of the cells, which the batteries tell,
for 10 s (both chosen). Before, none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import warns

pytestmark = pytest.mark.item("v1.23-04b")

EVENT = chosen(70, "events that are no public errors have numbers from 64 on")
BEFORE_S, BY_S = chosen((8.5, 11.5), "on both sides of 10 s")


@pytest.mark.parametrize(
    ("within_pct", "beyond_pct"),
    [
        pytest.param(*chosen((-19.0, -21.0), "on both sides of 20 %"), id="too low"),
        pytest.param(*chosen((19.0, 21.0), "on both sides of 20 %"), id="too high"),
        pytest.param(*chosen((-5.0, -100.0), "off a little, and a broken wire"), id="broken wire"),
    ],
)
async def test_a_battery_voltage_that_cannot_be_true_is_an_event(
    bench: Bench, within_pct: float, beyond_pct: float
) -> None:
    async def misreads() -> None:
        await bench.inject("battery voltage misread", gain_pct=beyond_pct)

    async with bench.arrange():
        await bench.running()
        await bench.inject("battery voltage misread", gain_pct=within_pct)
        await bench.wait(seconds(30))
        before = len(await bench.tool.events())

    await warns(bench, misreads, EVENT, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
