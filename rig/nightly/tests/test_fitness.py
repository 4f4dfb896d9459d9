"""The bench's test of itself: it passes on a healthy bench, and each check can fail."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from instruments.drivers.psb10000 import EaPsb10000
from rig.attempt import Attempt
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.dut.model import DutSpec
from rig.dut.terminals import NullMode
from rig.kernel import VirtualLoop, kernel_of_the_run
from rig.needs import Needs
from rig.nightly.fitness import examine
from rig.safety.selftest import test_bench as look_at
from rig.signal import Sample

ALL = (
    "instruments are those of the bench file",
    "outputs are off",
    "voltages are plausible",
    "a step is seen by supply, load and meter",
    "a step that is not there is missed",
    "CAN is heard both ways",
    "a silent device is missed",
)


@pytest.fixture(scope="module")
def healthy():
    return examine(load_bench("sim"), "1.38")


def test_a_healthy_bench_passes_every_check_with_what_was_measured(healthy):
    assert [check.name for check in healthy.checks] == list(ALL)
    assert healthy.passed
    assert all(check.said for check in healthy.checks)


def test_a_spoilt_device_and_a_missing_load_are_found_by_its_own_checks(healthy):
    said = {check.name: check.said for check in healthy.checks}

    assert "with the load left off: load current" in said[ALL[4]]
    assert "with a silent device: ve_can: no answer" in said[ALL[6]]


def spoilt(
    spoil: Callable[[SimulatedBench], None], null: NullMode | None = None
) -> dict[str, tuple[bool, str]]:
    """The checks of a simulated bench that something has been done to."""

    async def look() -> dict[str, tuple[bool, str]]:
        kernel = kernel_of_the_run()
        attempt = Attempt(kernel, "self-test", "self-test", None)
        file = load_bench("sim")
        bench = SimulatedBench(kernel, file, Needs(), DutSpec(firmware="1.38"), attempt, null)
        await bench.open()
        bench.arranged()
        spoil(bench)
        found = await look_at(bench, file.envelope)
        await bench.close()
        return {check.name: (check.passed, check.said) for check in found}

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(look())


def always(value: float) -> Callable[[], Awaitable[Sample[float]]]:
    async def read() -> Sample[float]:
        return Sample(0, value)

    return read


def in_turn(first: float, later: float) -> Callable[[], Awaitable[Sample[float]]]:
    values = [first]

    async def read() -> Sample[float]:
        return Sample(0, values.pop() if values else later)

    return read


def failed(found: dict[str, tuple[bool, str]]) -> list[str]:
    return [name for name, (passed, _) in found.items() if not passed]


def test_a_load_that_draws_nothing_is_found():
    def spoil(bench):
        async def draw(_current_a):
            pass

        bench.load.draw = draw

    found = spoilt(spoil)

    assert failed(found) == [ALL[3]]
    assert found[ALL[3]][1] == "load current 0.00 A, expected 6.00 +- 0.48 A"


def test_a_meter_that_shows_a_step_where_there_is_none_is_found():
    def spoil(bench):
        for instrument in (bench.load, bench.charger):
            instrument.current.read = in_turn(0.0, 6.0)

    assert failed(spoilt(spoil)) == [ALL[4]]


def test_current_where_there_should_be_none_ends_the_test_before_anything_is_energised():
    def spoil(bench):
        bench.charger.current.read = always(7.0)

    found = spoilt(spoil)

    assert list(found) == [ALL[1]]
    assert not found[ALL[1]][0]


@pytest.mark.parametrize("voltage_v", [0.1, 70.0, float("nan")])
def test_a_battery_voltage_that_no_battery_has_is_found(voltage_v):
    def spoil(bench):
        bench.voltages["battery"].read = always(voltage_v)

    assert failed(spoilt(spoil)) == [ALL[2]]


def test_a_meter_on_another_node_than_supply_and_load_is_found():
    def spoil(bench):
        bench.voltages["system"].read = bench.voltages["battery"].read

    assert failed(spoilt(spoil)) == [ALL[2], ALL[3]]


def test_a_device_that_nobody_hears_is_found():
    found = spoilt(lambda bench: None, NullMode.SILENT)

    assert failed(found) == [ALL[5]]


def test_an_instrument_that_is_not_the_one_of_the_bench_file_is_found(monkeypatch):
    monkeypatch.setattr(EaPsb10000, "models", ("Another",))

    found = examine(load_bench("sim"), "1.38")

    (check,) = found.checks
    assert (check.name, check.passed, found.passed) == (ALL[0], False, False)
    assert "IdentityMismatch" in check.said
