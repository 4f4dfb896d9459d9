"""Faults of sensors, as the battery then tells on the private bus."""

import asyncio
import statistics

import pytest

from rig.faults.sensors import Quantity, Sensors, drift, offset
from rig.faults.tests.stand import HE, bench_of, reading
from rig.kernel import seconds
from rig.tests.virtual import virtual

CELL_3 = "cell_3_voltage_v"
SENSOR_2 = "sensor_2_temperature_c"
PLUS = "positive_terminal_temperature_c"
PLACES = {
    "cell voltage": ({"battery": 0, "cell": 2}, CELL_3, "v", "v"),
    "cell temperature": ({"battery": 0, "sensor": 1}, SENSOR_2, "k", "c"),
    "terminal temperature": ({"battery": 0, "terminal": "positive"}, PLUS, "k", "c"),
}
sensor = pytest.mark.parametrize("kind", list(PLACES))


@sensor
@virtual
async def test_an_offset_is_added_until_it_is_cleared(kind):
    place, name, step, _ = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()
        true = await reading(bench, name)

        fault = await bench.inject(f"{kind} offset", **place, **{f"offset_{step}": 0.5})
        wrong = await reading(bench, name)
        await fault.clear()

        assert wrong - true == pytest.approx(0.5, abs=0.11)
        assert await reading(bench, name) == pytest.approx(true, abs=0.11)


@sensor
@virtual
async def test_a_drift_grows_with_time(kind):
    place, name, step, _ = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()
        true = await reading(bench, name)

        await bench.inject(f"{kind} drift", **place, **{f"drift_{step}_per_h": 60.0})
        await asyncio.sleep(60 - 1.5)

        assert await reading(bench, name) - true == pytest.approx(1.0, abs=0.12)


@sensor
@virtual
async def test_a_stuck_sensor_reads_what_it_is_told(kind):
    place, name, _, absolute = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()

        await bench.inject(f"{kind} stuck", **place, **{f"at_{absolute}": 3.5})

        assert await reading(bench, name) == pytest.approx(3.5, abs=1e-3)


@virtual
async def test_a_sensor_stuck_where_it_is_does_not_follow_its_cell():
    async with bench_of(soc_pct=50.0) as (bench, _parts):
        await bench.running()
        before_v = await reading(bench, CELL_3)
        await bench.inject("cell voltage stuck", battery=0, cell=2)

        await bench.load.draw(200.0)

        assert await reading(bench, CELL_3) == pytest.approx(before_v, abs=0.002)
        assert await reading(bench, "cell_4_voltage_v") < before_v - 0.02


@sensor
@virtual
async def test_a_noisy_sensor_scatters_around_the_true_value_as_told(kind):
    place, name, step, _ = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()
        true = await reading(bench, name)
        await bench.inject(f"{kind} noisy", **place, **{f"noise_{step}": 0.4})
        signal, read = bench.private_can.signal(f"private.{name}", 0), []
        for _ in range(100):
            await asyncio.sleep(0.3)
            read.append(signal.latest.value)

        assert statistics.mean(read) == pytest.approx(true, abs=0.2)
        assert statistics.stdev(read) == pytest.approx(0.4, rel=0.3)


@sensor
@virtual
async def test_an_open_sensor_has_no_valid_reading(kind):
    place, name, _, _ = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()

        await bench.inject(f"{kind} open", **place)

        assert await reading(bench, name) is None


@pytest.mark.parametrize(
    ("kind", "reads"),
    [("cell voltage", None), ("cell temperature", None), ("terminal temperature", 125.0)],
)
@virtual
async def test_a_short_reads_the_end_of_the_range_which_can_be_no_valid_reading(kind, reads):
    place, name, _, _ = PLACES[kind]
    async with bench_of(**HE) as (bench, _parts):
        await bench.running()

        await bench.inject(f"{kind} short", **place)

        read = await reading(bench, name)
        assert read is None if reads is None else read == pytest.approx(reads, abs=1e-6)


@virtual
async def test_a_fault_on_one_sensor_leaves_its_neighbours_alone():
    async with bench_of() as (bench, _parts):
        await bench.running()
        before_v = await reading(bench, "cell_4_voltage_v")

        await bench.inject("cell voltage offset", battery=0, cell=2, offset_v=0.3)

        assert await reading(bench, "cell_4_voltage_v") == pytest.approx(before_v, abs=0.002)


@virtual
async def test_faults_add_up_and_each_is_cleared_for_itself():
    async with bench_of() as (bench, _parts):
        await bench.running()
        bench.battery(0).cell(2).reads(3.0)
        first = await bench.inject("cell voltage offset", battery=0, cell=2, offset_v=0.1)
        await bench.inject("cell voltage offset", battery=0, cell=2, offset_v=0.03)
        both_v = await reading(bench, CELL_3)

        await first.clear()
        await first.clear()

        assert both_v == pytest.approx(3.13, abs=1e-4)
        assert await reading(bench, CELL_3) == pytest.approx(3.03, abs=1e-4)


@virtual
async def test_insertion_and_end_stand_in_the_record():
    async with bench_of() as (bench, parts):
        notes = []
        parts.note = notes.append
        fault = await bench.inject("cell voltage offset", battery=0, cell=2, offset_v=0.1)
        await fault.clear()

    text = "cell voltage offset (battery 0, cell 2, offset_v 0.1 V)"
    assert notes == [f"fault inserted: {text}", f"fault cleared: {text}"]
    assert not fault.stands


def test_equal_faults_are_undone_one_at_a_time():
    sensors, same = Sensors(), offset(1.0)
    undo = sensors.insert(Quantity.CELL_VOLTAGE, 0, same)
    sensors.insert(Quantity.CELL_VOLTAGE, 0, same)

    undo()

    assert sensors.read(Quantity.CELL_VOLTAGE, [3.0], 0) == [4.0]


def test_a_drift_begins_at_its_insertion():
    assert drift(3600.0, seconds(10))(20.0, seconds(12)) == pytest.approx(22.0)


def test_only_what_moves_by_itself_is_read_again_and_again():
    sensors = Sensors()
    sensors.insert(Quantity.CELL_VOLTAGE, 0, offset(1.0))
    seen = [sensors.disturbed, sensors.disturbed]
    undo = sensors.insert(Quantity.CELL_VOLTAGE, 1, drift(1.0, 0), moves=True)
    seen += [sensors.disturbed, sensors.disturbed]
    undo()
    seen += [sensors.disturbed, sensors.disturbed]

    assert seen == [True, False, True, True, True, False]
