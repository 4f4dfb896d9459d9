"""Programs and drivers that nobody here wrote, unchanged, on the twins.

More of them stand beside what they test: sigrok on N5767A, 62012P, DP832 and 34465A, PyMeasure on
the DMM6500 and on GENESYS in its GEN language.
"""

import asyncio
import random
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from instruments.doors import PtyDoor, SocketDoor, wall_us
from instruments.models import MODELS, Model, model_named
from instruments.twins.circuit import Circuit
from instruments.twins.metering import FixedInputs, Quantity
from instruments.twins.n5767a import N5767aTwin
from instruments.twins.truevolt34465a import Truevolt34465aTwin

pytestmark = pytest.mark.independent
WORDS = {
    "psb10000": "PSB 10080-1000",
    "rp7900": "RP7935A",
    "it6000c": "IT6010C-80-300",
    "genesys": "G80-65",
    "n5767a": "N5767A",
    "dp832": "DP832",
    "chroma62012p": "62012P-80-60",
    "chroma63206a": "63206A-150-600",
    "dl3021": "DL3021",
    "daq970a": "DAQ970A",
    "truevolt34465a": "34465A",
    "dmm6500": "DMM6500",
}
# PyMeasure does not know of these models that they speak SCPI, and says so.
unknown_to_pymeasure = pytest.mark.filterwarnings("ignore:It is not known whether:FutureWarning")
SCPI_MODELS = [model for model in MODELS if model.scpi]


def program(name: str) -> str:
    """Where a program is; skips with its name where it is not."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


async def output_of(*words: str) -> tuple[int, str]:
    """Exit code and output of a program."""
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), timeout=30.0)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def driven(twin: Any, drive: Callable[[str], list[object]]) -> list[object]:
    """What a blocking driver sees of a twin at its address."""
    async with SocketDoor(twin) as door:
        return await asyncio.to_thread(drive, door.resource_name)


# lxi-tools.


@pytest.mark.parametrize("model", SCPI_MODELS, ids=[model.name for model in SCPI_MODELS])
async def test_lxi_asks_every_scpi_model_who_it_is(model: Model) -> None:
    lxi = program("lxi")
    twin = model.make_twin(serial="SN42", dice=random.Random(1), now_us=wall_us)

    async with SocketDoor(twin) as door:
        there = ("-a", "127.0.0.1", "-p", str(door.port), "-r")
        code, output = await output_of(lxi, "scpi", *there, "*IDN?")

    assert code == 0
    assert WORDS[model.name] in output
    assert "SN42" in output


async def test_lxi_benchmark_gets_every_answer() -> None:
    lxi = program("lxi")
    twin = model_named("dp832").make_twin(
        serial="1", dice=random.Random(1), now_us=wall_us, latency_s=0.0
    )

    async with SocketDoor(twin) as door:
        there = ("-a", "127.0.0.1", "-p", str(door.port), "-r")
        code, output = await output_of(lxi, "benchmark", *there, "-c", "200")

    assert code == 0
    assert "Result:" in output


# PyMeasure.


@unknown_to_pymeasure
async def test_pymeasure_drives_the_n5767a() -> None:
    library = pytest.importorskip("pymeasure.instruments.keysight", reason="PyMeasure is missing")
    adapters = pytest.importorskip("pymeasure.adapters")
    twin = N5767aTwin(serial="US1", dice=random.Random(1), now_us=wall_us)
    twin.connect(Circuit(now_us=wall_us, resistor_ohm=10.0).attach_source(twin.stage.demand))

    # Its VISA adapter has lost the method that this driver calls: 0.16 opens it on others only.
    def drive(path: str) -> list[object]:
        line = adapters.SerialAdapter(
            path, read_termination="\n", write_termination="\n", timeout=5.0
        )
        psu = library.KeysightN5767A(line)
        psu.voltage_range = 12.5
        psu.current_range = 10
        psu.enable()
        for _ in range(20):
            seen_v, seen_a = psu.voltage, psu.current
        seen = [psu.voltage_range, psu.current_range, psu.is_enabled(), seen_v, seen_a]
        psu.disable()
        seen += [psu.is_enabled(), psu.check_errors()]
        line.close()
        return seen

    async with PtyDoor(twin) as door:
        seen = await asyncio.to_thread(drive, door.path)

    assert seen[:3] == pytest.approx([12.5, 10.0, True], abs=0.01)
    assert seen[3:5] == pytest.approx([12.5, 1.25], abs=0.06)
    assert seen[5:] == [False, []]


def truevolt() -> Truevolt34465aTwin:
    twin = Truevolt34465aTwin(serial="MY1", dice=random.Random(1), now_us=wall_us, latency_s=0.0)
    values = {
        Quantity.DC_VOLTAGE: 5.0,
        Quantity.AC_VOLTAGE: 2.0,
        Quantity.DC_CURRENT: 0.5,
        Quantity.AC_CURRENT: 0.25,
        Quantity.RESISTANCE: 1000.0,
    }
    twin.connect(inputs=FixedInputs(values))
    return twin


@unknown_to_pymeasure
async def test_pymeasure_reads_the_34465a_as_its_elder_34410a() -> None:
    library = pytest.importorskip("pymeasure.instruments.agilent", reason="PyMeasure is missing")

    def drive(address: str) -> list[object]:
        meter = library.Agilent34410A(
            address, read_termination="\n", write_termination="\n", timeout=5000
        )
        seen = [meter.voltage_dc, meter.voltage_ac, meter.current_dc, meter.current_ac]
        seen += [meter.resistance, meter.resistance_4w]
        errors = meter.check_errors()
        meter.adapter.close()
        return [*seen, errors]

    *seen, errors = await driven(truevolt(), drive)

    assert seen == pytest.approx([5.0, 2.0, 0.5, 0.25, 1000.0, 1000.0], rel=0.01)
    assert errors == []


@unknown_to_pymeasure
async def test_pymeasure_sets_the_34465a_as_its_smaller_34450a() -> None:
    library = pytest.importorskip("pymeasure.instruments.agilent", reason="PyMeasure is missing")

    def drive(address: str) -> list[object]:
        meter = library.Agilent34450A(address, read_termination="\n", write_termination="\n")
        meter.mode = "voltage"
        meter.voltage_range = 100
        seen = [meter.voltage_range, meter.voltage_auto_range, meter.voltage]
        meter.voltage_auto_range = True
        seen.append(meter.voltage_auto_range)
        meter.mode = "resistance"
        seen.append(meter.resistance)
        errors = meter.check_errors()
        meter.adapter.close()
        return [*seen, errors]

    seen = await driven(truevolt(), drive)

    assert seen[:2] == [100.0, False]
    assert seen[2] == pytest.approx(5.0, abs=0.01)
    assert seen[3:] == [True, pytest.approx(1000.0, rel=0.001), []]
