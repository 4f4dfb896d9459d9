"""v1.11-04: the average temperature of today is the mean weighted by time.

Before, it was wrong; how is not told: the middle of the day's extremes (chosen).
"""

import math

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.11-04")

COOL_C, WARM_C = chosen((20.0, 40.0), "within all limits of use, and far apart")
COOL, WARM = chosen((seconds(270), seconds(90)), "cool for three times as long")
MEAN_C = 25.0  # of 20 degC for three parts of the time, and 40 degC for one
SHARE_K = chosen(0.7, "of the start, and of a report's delay; 5 K from the extremes' middle")


async def test_each_temperature_counts_by_its_time(bench: Bench) -> None:
    async def reads(temperature_c: float) -> None:
        for battery in bench.batteries:
            battery.temperature_reads(temperature_c)

    async with bench.arrange():
        await reads(COOL_C)
        await bench.running()

    await bench.wait(COOL)
    await reads(WARM_C)
    await bench.wait(WARM)
    told_c = (await answer_or_none(bench.tool.today()) or {}).get("temperature_c_mean", math.nan)
    expect.measure(
        "average temperature of today",
        told_c,
        "degC",
        low=MEAN_C - SHARE_K,
        high=MEAN_C + SHARE_K,
    )
