"""v1.17-08: cells of a battery that are far apart in temperature are a warning and an event.

More than 10 K for 30 s: chosen. Shown with an HE battery; LFP 24 V follows with v1.38-09. Before,
neither.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds
from scenarios.procedures import shown_warnings, warns

pytestmark = [pytest.mark.item("v1.17-08"), pytest.mark.needs(battery="HE100", parallel=1)]

EVENT = chosen(67, "events that are no public errors have numbers from 64 on")
WARNING = "cell temperature deviation"
BASE_C, WITHIN_C, BEYOND_C = chosen((20.0, 29.5, 30.5), "on both sides of 10 K")
BEFORE_S, BY_S = chosen((28.5, 31.5), "on both sides of 30 s")


@pytest.mark.parametrize("sign", [1, -1], ids=["hot", "cold"])
async def test_temperatures_apart_are_a_warning_and_an_event(bench: Bench, sign: int) -> None:
    battery = bench.battery(0)
    sensor = battery.temperature_sensor(2)

    async def deviates() -> None:
        sensor.reads(BASE_C + sign * (BEYOND_C - BASE_C))

    async with bench.arrange():
        await bench.running()
        battery.temperature_reads(BASE_C)
        sensor.reads(BASE_C + sign * (WITHIN_C - BASE_C))
        await bench.wait(seconds(40))
        before = len(await bench.tool.events())

    await warns(bench, deviates, EVENT, shown=WARNING, after_s=BEFORE_S, within_s=BY_S)
    numbers = [event.number for event in await bench.tool.events()]
    expect.that("less is none", holds=EVENT not in numbers[:before])
    await expect(bench.contactor).is_(CLOSED)
    sensor.reads(BASE_C)
    await bench.wait(seconds(2))
    expect.that("less ends it", holds=WARNING not in await shown_warnings(bench))
