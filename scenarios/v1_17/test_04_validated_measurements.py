"""v1.17-04: a battery marks as invalid what is out of range, and what is frozen.

Nothing relies on such a reading: neither the highest nor the lowest is one. Frozen is what stands
still for a minute after most others have moved far. Before, the battery told all (limits and times
are chosen: the log says only that the validation was updated).
"""

import pytest

from rig import Bench, above, below, between, chosen, expect, seconds
from scenarios.procedures import cells_read

pytestmark = [
    pytest.mark.item("v1.17-04"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=30),
]

TOLD_WITHIN = seconds(6)  # public: the registers are told every 5 s
CELL_V, BESIDE_V = chosen((5.0, 0.05), "the highest voltage that is one, and a little")
HOT_C, COLD_C, BESIDE_K = chosen((120.0, -45.0, 1.0), "the range of the sensors, and a little")
FREEZING_K = 273.15
USUAL_V, USUAL_K = chosen((above(3.3), between(293.0, 303.0)), "where all sound sensors are")
STILL_V = chosen(3.70, "a usual voltage")
MOVED_V, LITTLE_V = chosen((0.1, 0.01), "so far have others moved, and a little")


async def test_voltage_out_of_range_is_no_voltage(bench: Bench) -> None:
    lowest, highest = (bench.gx.register(f"cell_voltage_v_{which}") for which in ("min", "max"))
    cell = bench.battery(0).cell(2)
    async with bench.arrange():
        await bench.running()

    cell.reads(CELL_V - BESIDE_V)
    near_v = between(CELL_V - 1.5 * BESIDE_V, CELL_V)
    await expect(highest).becomes(near_v, within=TOLD_WITHIN)
    cell.reads(CELL_V + BESIDE_V)
    await expect(highest).becomes(below(CELL_V - 2 * BESIDE_V), within=TOLD_WITHIN)
    cell.reads_true()
    await bench.inject("cell voltage short", battery=0, cell=2)
    await expect(lowest).stays(USUAL_V, for_=2 * TOLD_WITHIN)


@pytest.mark.parametrize(
    ("end_c", "inwards_k", "which"),
    [
        pytest.param(HOT_C, -BESIDE_K, "max", id="hot"),
        pytest.param(COLD_C, BESIDE_K, "min", id="cold"),
    ],
)
async def test_temperature_out_of_range_is_no_temperature(
    bench: Bench, end_c: float, inwards_k: float, which: str
) -> None:
    extreme = bench.gx.register(f"cell_temperature_k_{which}")
    sensor = bench.battery(0).temperature_sensor(1)
    async with bench.arrange():
        await bench.running()

    sensor.reads(end_c + inwards_k)
    end_k = end_c + inwards_k + FREEZING_K
    near_k = between(end_k - 0.2, end_k + 0.2)
    await expect(extreme).becomes(near_k, within=TOLD_WITHIN)
    sensor.reads(end_c - inwards_k)
    await expect(extreme).becomes(USUAL_K, within=TOLD_WITHIN)


async def test_voltage_that_stands_still_beside_others_that_moved_is_none_after_a_minute(
    bench: Bench,
) -> None:
    highest, cell = bench.gx.register("cell_voltage_v_max"), bench.battery(0).cell(2)
    async with bench.arrange():
        cells_read(bench, STILL_V, 0.0)
        await bench.running()

    others_read(bench, STILL_V - MOVED_V + LITTLE_V)
    still_v = between(STILL_V - 0.006, STILL_V + 0.006)
    await expect(highest).becomes(still_v, within=TOLD_WITHIN)
    await expect(highest).stays(still_v, for_=seconds(75))
    others_read(bench, STILL_V - MOVED_V - LITTLE_V)
    await expect(highest).stays(still_v, for_=seconds(55))
    others_v = below(STILL_V - MOVED_V)
    await expect(highest).becomes(others_v, within=seconds(65 - 55) + TOLD_WITHIN)
    cell.reads(STILL_V + LITTLE_V)
    moved_v = STILL_V + LITTLE_V
    await expect(highest).becomes(between(moved_v - 0.006, moved_v + 0.006), within=TOLD_WITHIN)


def others_read(bench: Bench, voltage_v: float) -> None:
    """All cells but the third."""
    for index in {*range(7)} - {2}:
        bench.battery(0).cell(index).reads(voltage_v)
