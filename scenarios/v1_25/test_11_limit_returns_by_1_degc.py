"""v1.25-11: when the temperature returns to the operating area the limit moves by steps of 1 degC.

Before, by steps of 2 degC. Shown by the charge current limit above the hot end of the area.
"""

import math
from itertools import pairwise

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.25-11"), pytest.mark.needs(parallel=1)]

# Charging is allowed up to 45 degC (public: HE data sheet; the project takes it for LFP too), and
# the limit falls before that.
OUTSIDE_C, INSIDE_C = 46.0, chosen(41.0, "three steps, or two of the old ones, into the area")
SENSOR_STEP_C = 0.1  # the resolution of the batteries' sensors
SETTLED = seconds(1)  # public: a register follows its change within 1 s


async def test_charge_current_limit_rises_once_a_degree_as_the_cells_cool(bench: Bench) -> None:
    battery, limit_a = bench.battery(0), bench.gx.register("charge_current_limit_a")
    async with bench.arrange():
        await bench.running()
        battery.temperature_reads(OUTSIDE_C)
        await bench.wait(10 * SETTLED)

    rises_c: list[float] = []
    highest_a = 0.0
    for step in range(round((OUTSIDE_C - INSIDE_C) / SENSOR_STEP_C) + 1):
        temperature_c = OUTSIDE_C - step * SENSOR_STEP_C
        battery.temperature_reads(temperature_c)
        await bench.wait(SETTLED)
        told_a = 0.0 if limit_a.latest is None else limit_a.latest.value or 0.0
        if told_a > highest_a:
            rises_c.append(temperature_c)
            highest_a = told_a

    steps_k = [before_c - after_c for before_c, after_c in pairwise(rises_c)]
    expect.measure(
        "temperature step of the limit, the one that is farthest from 1 K",
        max(steps_k, key=lambda step_k: abs(step_k - 1.0), default=math.nan),
        "K",
        low=0.75,
        high=1.25,
        uncertainty=SENSOR_STEP_C,
    )
