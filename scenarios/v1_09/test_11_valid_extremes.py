"""v1.09-11: the highest and lowest cell voltage and temperature are always valid ones.

A sensor of the first battery breaks, then the whole battery is gone: the extremes are those of what
is still measured. Before, an invalid reading could become an extreme (which, is chosen).
"""

import pytest

from rig import Bench, between, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.09-11"), pytest.mark.needs(parallel=2)]

HIGH_V, LOW_V = chosen((3.40, 3.20), "beyond all other cells, and within the plateau of LFP")
HIGH_C, LOW_C = chosen((29.0, 21.0), "beyond all other sensors, and within what is mild")
FREEZING_K, NEAR_V, NEAR_K = 273.15, 0.006, 0.06  # a step of each, and half of one
TOLD_WITHIN = seconds(6)  # public: the registers are told every 5 s


async def test_voltages_are_valid_beside_a_broken_sensor_and_without_a_battery(
    bench: Bench,
) -> None:
    highest, lowest = (bench.gx.register(f"cell_voltage_v_{which}") for which in ("max", "min"))
    left, gone = bench.battery(1), bench.battery(0)
    async with bench.arrange():
        await bench.running()
        await bench.inject("cell voltage open", battery=0, cell=0)

    left.cell(2).reads(HIGH_V)
    await expect(highest).becomes(between(HIGH_V - NEAR_V, HIGH_V + NEAR_V), within=TOLD_WITHIN)
    left.cell(5).reads(LOW_V)
    await expect(lowest).becomes(between(LOW_V - NEAR_V, LOW_V + NEAR_V), within=TOLD_WITHIN)
    gone.fall_silent()
    left.cell(2).reads_true()
    await expect(highest).becomes(between(LOW_V, HIGH_V - NEAR_V), within=TOLD_WITHIN)
    await expect(lowest).stays(between(LOW_V - NEAR_V, LOW_V + NEAR_V), for_=TOLD_WITHIN)


async def test_temperatures_are_valid_beside_a_broken_sensor_and_without_a_battery(
    bench: Bench,
) -> None:
    highest, lowest = (bench.gx.register(f"cell_temperature_k_{which}") for which in ("max", "min"))
    high_k, low_k = HIGH_C + FREEZING_K, LOW_C + FREEZING_K
    left, gone = bench.battery(1), bench.battery(0)
    async with bench.arrange():
        await bench.running()
        await bench.inject("cell temperature open", battery=0, sensor=0)

    left.temperature_sensor(1).reads(HIGH_C)
    await expect(highest).becomes(between(high_k - NEAR_K, high_k + NEAR_K), within=TOLD_WITHIN)
    left.temperature_sensor(2).reads(LOW_C)
    await expect(lowest).becomes(between(low_k - NEAR_K, low_k + NEAR_K), within=TOLD_WITHIN)
    gone.fall_silent()
    left.temperature_sensor(1).reads_true()
    await expect(highest).becomes(between(low_k, high_k - NEAR_K), within=TOLD_WITHIN)
    await expect(lowest).stays(between(low_k - NEAR_K, low_k + NEAR_K), for_=TOLD_WITHIN)
