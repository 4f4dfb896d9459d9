"""The GENESYS' native language: lines, errors, registers, addresses, checksums."""

import asyncio
import random
from importlib.util import find_spec

import pytest

from instruments.doors import SocketDoor, wall_us
from instruments.protocols import Trip
from instruments.tests.stand import Clock
from instruments.tests.supply_stand import SupplyStand, stand_of
from instruments.twins.circuit import Circuit
from instruments.twins.genesys import GenesysTwin
from instruments.twins.twin import Fault


class Line:
    """A serial line to a supply that has been called by its address."""

    def __init__(self, stand: SupplyStand, *, call: str = "ADR 6") -> None:
        self.peer = stand.twin.conversation()
        self.said = self.send(call)

    def send(self, *lines: str) -> str:
        """The answer to the last of these lines."""
        answers = [self.peer.receive(f"{line}\r".encode("latin-1")) for line in lines]
        return answers[-1].decode("latin-1").removesuffix("\r")


@pytest.fixture
def stand() -> SupplyStand:
    clock = Clock()
    twin = GenesysTwin(
        serial="1234-567", dice=random.Random(1), now_us=clock.now_us, language="gen"
    )
    return stand_of(clock, twin, Circuit(now_us=clock.now_us, resistor_ohm=10.0))


@pytest.fixture
def line(stand: SupplyStand) -> Line:
    return Line(stand)


def test_nothing_is_answered_before_the_supply_was_called(stand: SupplyStand) -> None:
    assert stand.twin.conversation().receive(b"PV?\rPV 5\r\r") == b""


def test_called_supply_answers_ok(line: Line) -> None:
    assert line.said == "OK"


def test_call_to_another_address_silences_it(line: Line) -> None:
    assert line.send("ADR 7") == ""
    assert line.send("PV?") == ""
    assert line.send("ADR 06") == "OK"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(["PV 24"], "OK", id="a set"),
        pytest.param(["PV 024.0", "PV?"], "024.0", id="read back as it was sent"),
        pytest.param(["pv 24", "Pv?"], "24", id="small letters"),
        pytest.param([""], "OK", id="empty line"),
        pytest.param(["IDN?"], "LAMBDA,G80-65", id="identity"),
        pytest.param(["SN?"], "1234-567", id="serial number"),
        pytest.param(["OVP?"], "88.000", id="highest protection after reset"),
        pytest.param(["OVP 30", "OVM", "OVP?"], "88.000", id="OVM"),
        pytest.param(["PV 84.1"], "E01", id="above 105 % of the rating"),
        pytest.param(["OVP 20", "PV 19.1"], "E01", id="above 95 % of OVP"),
        pytest.param(["PV 20", "UVL 10", "PV 10.1"], "E02", id="below UVL"),
        pytest.param(["PV 20", "OVP 20.9"], "E04", id="OVP below 105 % of PV"),
        pytest.param(["OVP 4"], "E04", id="OVP below its range"),
        pytest.param(["PV 20", "UVL 19.1"], "E06", id="UVL above 95 % of PV"),
        pytest.param(["XYZ 1"], "C01", id="no command"),
        pytest.param(["XYZ?"], "C01", id="no query"),
        pytest.param(["PV24"], "C01", id="no space"),
        pytest.param(["PV"], "C02", id="no parameter"),
        pytest.param(["PV abc"], "C03", id="no number"),
        pytest.param(["PV 1_0"], "C03", id="underscore"),
        pytest.param(["PC nan"], "C03", id="not a number"),
        pytest.param(["PC -1"], "C05", id="below nothing"),
        pytest.param(["OUT maybe"], "C03", id="no state"),
        pytest.param(["PV 0000000024.00"], "C03", id="more than 12 characters"),
        pytest.param(["PC 68.3"], "C05", id="current above 105 %"),
        pytest.param(["OVP 88.1"], "C05", id="OVP above its range"),
        pytest.param(["FBD 256"], "C05", id="delay above its range"),
        pytest.param(["FBD 5", "FBD?"], "5", id="delay in tenths"),
        pytest.param(["FBD 5", "FBDRST", "FBD?"], "0", id="delay reset"),
        pytest.param(["FLD 1", "FLD?"], "ON", id="foldback"),
        pytest.param(["AST ON", "AST?"], "ON", id="auto-start"),
        pytest.param(["OUT 1", "OUT?"], "ON", id="output"),
        pytest.param(["MODE?"], "OFF", id="mode without output"),
        pytest.param(["RMT LLO", "RMT?"], "LLO", id="panel locked"),
        pytest.param(["RMT 0", "RMT?"], "LOC", id="local by number"),
        pytest.param(["RMT LOC", "PC 1", "RMT?"], "REM", id="a set takes remote"),
        pytest.param(["FILTER 46", "FILTER?"], "46", id="filter"),
        pytest.param(["FILTER 40"], "C03", id="no such filter"),
        pytest.param(["PV 7", "SAV", "PV 9", "RCL", "PV?"], "07.000", id="memory"),
        pytest.param(["PV 7", "RST", "PV?"], "00.000", id="reset"),
        pytest.param(["GPV 12"], "", id="to all: no answer"),
        pytest.param(["GPV 12", "PV?"], "12", id="to all: obeyed"),
        pytest.param(["GPV 999"], "", id="to all: no error either"),
        pytest.param(["PV 5", "\\"], "OK", id="repeated"),
        pytest.param(["PC 3", "PC?", "\\"], "3", id="query repeated"),
        pytest.param(["PX\x08V 6", "PV?"], "6", id="backspace"),
        pytest.param(["\nPV\n 6", "PV?"], "6", id="line feeds are ignored"),
        pytest.param(["STAT?"], "0204", id="status: no fault, interlock looked at"),
        pytest.param(["FLT?"], "0000", id="no fault"),
        pytest.param(["FENA 0010", "FENA?"], "0010", id="enable in hexadecimal"),
        pytest.param(["FENA XYZ"], "C03", id="no hexadecimal"),
    ],
)
def test_line_is_answered_as_the_manual_says(line: Line, sent: list[str], answer: str) -> None:
    assert line.send(*sent) == answer


def test_measurements_and_settings_in_one_answer(stand: SupplyStand, line: Line) -> None:
    line.send("PV 24", "PC 10", "OVP 60", "OUT ON")
    stand.wait(0.5)

    fields = [float(field) for field in line.send("DVC?").split(",")]

    assert fields == pytest.approx([24.0, 24.0, 2.4, 10.0, 60.0, 0.0], abs=0.05)
    assert all(len(field) == 6 for field in line.send("DVC?").split(","))
    assert line.send("STT?").endswith(",PC(10.000),SR(0205),FR(0000)")
    assert line.send("MODE?") == "CV"


def test_answer_to_a_line_with_checksum_has_one(line: Line) -> None:
    assert line.send("STAT?$7B") == "0204$C6"
    assert line.send("PV 5$FB") == "OK$9A"


def test_wrong_checksum_is_an_error_and_nothing_is_obeyed(line: Line) -> None:
    assert line.send("PV 5$00") == "C04$A7"
    assert line.send("PV?") == "00.000"


def test_line_may_come_in_pieces(line: Line) -> None:
    answers = [line.peer.receive(bytes([byte])) for byte in b"PV 5\rPV?\r"]

    assert b"".join(answers) == b"OK\r5\r"


def test_output_during_an_open_interlock_is_an_error(stand: SupplyStand, line: Line) -> None:
    stand.twin.interlock_open = True

    assert line.send("OUT ON") == "E07"
    assert line.send("FLT?") == "0080"


def test_output_on_recovers_from_a_latched_over_voltage(stand: SupplyStand, line: Line) -> None:
    line.send("OUT ON")
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)
    assert line.send("FLT?") == "0010"
    assert line.send("MODE?") == "OFF"

    assert line.send("OUT ON") == "OK"

    assert line.send("FLT?") == "0000"


def test_enabled_fault_is_remembered_until_read(stand: SupplyStand, line: Line) -> None:
    line.send("FENA 0010")
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)
    line.send("OUT ON")

    assert line.send("FEVE?") == "0010"
    assert line.send("FEVE?") == "0000"


def test_foldback_trips_in_constant_current_after_a_quarter_of_a_second(
    stand: SupplyStand, line: Line
) -> None:
    line.send("PV 50", "PC 2", "FLD ON", "OUT ON")

    stand.wait(0.2)
    before = line.send("OUT?")
    stand.wait(0.3)

    assert before == "ON"
    assert (line.send("OUT?"), line.send("FLT?")) == ("OFF", "0008")


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.MUTE])
def test_fault_takes_the_answer_away(stand: SupplyStand, line: Line, fault: Fault) -> None:
    stand.twin.fault = fault

    assert line.send("PV?") == ""


def test_garbage_still_ends_a_line(stand: SupplyStand, line: Line) -> None:
    stand.twin.fault = Fault.GARBAGE

    assert line.peer.receive(b"PV?\r")[-1:] == b"\r"
    assert line.send("PV?") != "00.000"


def test_wrong_identity_shows_in_this_language_too(stand: SupplyStand, line: Line) -> None:
    stand.twin.fault = Fault.WRONG_IDENTITY

    assert line.send("IDN?") == "OTHER MAKER,OTHER MODEL"


def charge_by_pymeasure(resource_name: str) -> tuple[object, ...]:
    """Blocking, as its users write it; its model is the older GENESYS 80-65."""
    from pymeasure.instruments.tdk import TDK_Gen80_65

    psu = TDK_Gen80_65(
        resource_name, visa_library="@py", read_termination="\r", write_termination="\r"
    )
    psu.remote = "REM"
    psu.over_voltage = 60
    psu.voltage_setpoint = 24
    psu.current_setpoint = 1
    psu.output_enabled = True
    psu.adapter.connection.timeout = 5000
    for _ in range(20):
        mode = psu.mode
    seen = (psu.id, psu.remote, psu.over_voltage, psu.voltage_setpoint, mode)
    psu.shutdown()
    return seen


@pytest.mark.independent
@pytest.mark.skipif(find_spec("pymeasure") is None, reason="PyMeasure is not installed")
async def test_pymeasure_drives_the_twin() -> None:
    twin = GenesysTwin(serial="1", dice=random.Random(1), now_us=wall_us, language="gen")
    stand = stand_of(Clock(), twin, Circuit(now_us=wall_us, resistor_ohm=10.0))

    async with SocketDoor(twin) as door:
        seen = await asyncio.to_thread(charge_by_pymeasure, door.resource_name)

    assert seen == (["LAMBDA", "G80-65"], "REM", 60.0, 24.0, "CC")
    assert not stand.twin.stage.on
