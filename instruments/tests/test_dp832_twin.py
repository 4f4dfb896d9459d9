"""The twin of the DP832, as the maker's programming guide and public logs have the real one."""

import asyncio
import random
import shutil
from dataclasses import dataclass

import pytest

from instruments.doors import SocketDoor
from instruments.protocols import Trip
from instruments.tests.stand import Battery, Clock
from instruments.twins.dp832 import Dp832Twin


@dataclass
class Stand:
    clock: Clock
    twin: Dp832Twin

    def ask(self, *messages: str) -> str:
        """The answer to the last of these messages, all of them in order."""
        peer = self.twin.conversation()
        return [peer.receive(f"{message}\n".encode()).decode() for message in messages][-1]


@pytest.fixture
def stand() -> Stand:
    clock = Clock()
    twin = Dp832Twin(serial="DP8C1", dice=random.Random(1), now_us=clock.now_us)
    for number in (1, 2, 3):
        demand = twin.stage(number).demand
        twin.connect(Battery(demand, emf_v=0.0, resistance_ohm=10.0), number)
    return Stand(clock, twin)


def test_identity_has_the_makers_four_fields(stand: Stand) -> None:
    assert stand.ask("*IDN?") == "RIGOL TECHNOLOGIES,DP832,DP8C1,00.01.16\n"


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ((":APPL CH1,5,1", ":APPL? CH1"), "CH1:30V/3A,5.000,1.000"),
        ((":APPL CH3,3.3,0.5", ":APPL?"), "CH3:5V/3A,3.300,0.500"),
        ((":APPL CH2,12", ":APPL? CH2"), "CH2:30V/3A,12.000,3.000"),
        ((":APPL CH2,MAX,MIN", ":APPL? CH2"), "CH2:30V/3A,32.000,0.000"),
        ((":APPL 6,0.2", ":APPL? CH1,CURR"), "0.200"),
        ((":APPL CH2,7,1", ":VOLT?"), "7.000"),
        ((":INST:NSEL 3", ":INST?"), "CH3"),
        ((":INST CH2", ":INST:NSEL?"), "2"),
        ((":INST:SEL CH2", ":INST:SELE?"), "CH2"),
        ((":SOUR2:VOLT 9", ":SOURCE2:VOLTAGE:LEVEL:IMMEDIATE:AMPLITUDE?"), "9.000"),
        ((":SOUR2:VOLT 9", ":SOUR1:VOLT?"), "0.000"),
        ((":INST:NSEL 2", ":VOLT 8", ":SOUR2:VOLT?"), "8.000"),
        ((":INST:NSEL 2", ":SOUR:CURR 1.5", ":SOUR2:CURR?"), "1.500"),
        ((":SOUR:VOLT 12.500000", ":SOUR:VOLT?"), "12.500"),
        ((":VOLT 2500 mV", ":VOLT?"), "2.500"),
        ((":VOLT? MAX",), "32.000"),
        ((":SOUR3:VOLT? MAX",), "5.300"),
        ((":SOUR3:CURR? MIN",), "0.000"),
        ((":CURR:STEP 0.1", ":CURR 1", ":CURR UP", ":CURR?"), "1.100"),
        ((":OUTP CH1,ON", ":OUTP? CH1"), "ON"),
        ((":OUTP ON", ":OUTP?"), "ON"),
        ((":OUTP CH2,1", ":OUTP:STAT? CH1"), "OFF"),
        ((":APPL CH1,5,1", ":OUTP CH1,ON", ":OUTP:MODE? CH1"), "CV"),
        ((":APPL CH1,5,0.1", ":OUTP CH1,ON", ":OUTP:CVCC? CH1"), "CC"),
        ((":OUTP:OVP:VAL CH1,8.8", ":OUTP:OVP:VAL? CH1"), "8.800"),
        ((":OUTP:OVP:VAL 9", ":SOUR1:VOLT:PROT?"), "9.000"),
        ((":OUTP:OVP:VAL? CH3,MAX",), "5.500"),
        ((":OUTP:OCP:VAL? MAX",), "3.300"),
        ((":OUTP:OVP CH2,ON", ":OUTP:OVP? CH2"), "ON"),
        ((":OUTP:OVP?",), "OFF"),
        ((":OUTP:OCP:STAT ON", ":SOUR1:CURR:PROT:STAT?"), "ON"),
        ((":OUTP:OVP:QUES? CH1",), "NO"),
        ((":SOUR2:CURR:PROT:TRIP?",), "NO"),
        ((":OUTP:TRAC? CH3",), "NONE"),
        ((":OUTP:TRAC CH1,ON", ":OUTP:TRAC? CH1"), "ON"),
        ((":OUTP:TRAC CH1,ON", ":SOUR1:VOLT 6", ":SOUR2:VOLT?"), "6.000"),
        ((":OUTP:SENS? CH1",), "NONE"),
        (("SYST:BEEP:STAT?",), "ON"),
        (("SYST:BEEP:STAT OFF", "SYST:BEEP?"), "OFF"),
        ((":SYST:OTP?",), "ON"),
        (("SYST:VERS?",), "1999.0"),
        (("SYST:TRACKMODE INDE", "SYST:TRACKM?"), "INDE"),
        (("*TST?",), "TopBoard:PASS,BottomBoard:PASS,Fan:PASS"),
        ((":TIME?",), "OFF"),
        ((":TIMER:CYCLES?",), "N,1"),
        ((":DELAY:ENDSTATE?",), "OFF"),
        ((":APPL CH1,9,1", "*SAV 3", "*RST", "*RCL 3", ":APPL? CH1"), "CH1:30V/3A,9.000,1.000"),
        ((":VOLT:TRIG 4", "*TRG", ":VOLT?"), "4.000"),
        ((":APPL CH1,5,1", "*RST", ":APPL? CH1"), "CH1:30V/3A,0.000,3.000"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_answers_are_in_the_makers_form(
    stand: Stand, messages: tuple[str, ...], answer: str
) -> None:
    assert stand.ask(*messages) == f"{answer}\n"
    assert stand.ask("SYST:ERR?") == '0,"No error"\n'


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (":VOLT 33", '-222,"Data out of range"'),
        (":SOUR3:VOLT 6", '-222,"Data out of range"'),
        (":APPL CH1,5,4", '-222,"Data out of range"'),
        (":OUTP:OVP:VAL CH3,6", '-222,"Data out of range"'),
        (":SOUR4:VOLT 1", '-114,"Header suffix out of range"'),
        (":INST:NSEL 4", '-222,"Data out of range"'),
        (":OUTP CH4,ON", '-224,"Illegal parameter value"'),
        (":OUTP CH1", '-109,"Missing parameter"'),
        (":OUTP ON,ON", '-108,"Parameter not allowed"'),
        (":OUTP:TRAC CH3,ON", '-221,"Settings conflict"'),
        (":TIME ON", '-221,"Settings conflict"'),
        (":DELAY ON", '-221,"Settings conflict"'),
        (":MEAS:POW?", '-113,"Undefined header"'),
        (":VOLT:RANG P20V", '-113,"Undefined header"'),
        ("*RCL 9", '-200,"Execution error"'),
    ],
    ids=lambda value: value,
)
def test_what_the_guide_does_not_allow_is_refused(stand: Stand, message: str, error: str) -> None:
    assert stand.ask(message, "SYST:ERR?") == f"{error}\n"


def test_refused_application_changes_nothing(stand: Stand) -> None:
    assert stand.ask(":APPL CH2,5,9", ":INST?") == "CH1\n"
    assert stand.ask(":APPL? CH2") == "CH2:30V/3A,0.000,3.000\n"


def test_measurements_have_four_digits_and_power_three(stand: Stand) -> None:
    voltage, current, power = stand.ask(":APPL CH1,5,1", ":OUTP ON", ":MEAS:ALL?").split(",")

    assert [len(part.strip().partition(".")[2]) for part in (voltage, current, power)] == [4, 4, 3]
    assert float(voltage) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("header", [":MEAS?", ":MEAS:VOLT?", ":MEAS:DC?", ":MEAS:VOLT:DC?"])
def test_voltage_is_measured_under_each_of_its_headers(stand: Stand, header: str) -> None:
    answer = stand.ask(":APPL CH2,5,1", ":OUTP CH2,ON", f"{header} CH2")

    assert float(answer) == pytest.approx(5.0, abs=0.01)


def test_outputs_switch_together_when_they_are_told_to(stand: Stand) -> None:
    stand.ask("SYST:ONOFFS ON", ":OUTP CH2,ON")

    assert [stand.ask(f":OUTP? CH{number}") for number in (1, 2, 3)] == ["ON\n"] * 3


def test_tracking_channel_follows_the_other_only_while_told(stand: Stand) -> None:
    stand.ask(":OUTP:TRAC CH1,ON", ":SOUR2:VOLT 6", ":OUTP:TRAC CH1,OFF", ":SOUR2:VOLT 7")

    assert stand.ask(":SOUR1:VOLT?") == "6.000\n"


def test_channel_status_tells_regulation_and_trip(stand: Stand) -> None:
    cv = stand.ask(":APPL CH2,5,1", ":OUTP CH2,ON", ":STAT:QUES:INST:ISUM2:COND?")
    cc = stand.ask(":APPL CH2,5,0.1", ":STAT:QUES:INST:ISUM2:COND?")
    tripped = stand.ask(":OUTP:OCP:VAL CH2,0.05", ":OUTP:OCP CH2,ON", ":STAT:QUES:INST:ISUM2:COND?")

    assert (cv, cc, tripped) == ("2\n", "1\n", "8\n")


def test_channel_event_reaches_the_status_byte_through_its_enables(stand: Stand) -> None:
    before = stand.ask("STAT:QUES:INST:ISUM1:ENAB 8", "STAT:QUES:INST:ENAB 2", "*STB?")
    stand.ask("STAT:QUES:ENAB 8192", ":APPL CH1,5,1", ":OUTP ON")
    stand.ask(":OUTP:OCP:VAL CH1,0.05", ":OUTP:OCP ON")

    after = stand.ask("*STB?")

    assert (int(before) & 8, int(after) & 8) == (0, 8)
    assert stand.ask("STAT:QUES:INST?") == "2\n"


def test_a_message_is_256_bytes_at_most(stand: Stand) -> None:
    assert stand.ask("X" * 300, "SYST:ERR?") == '-363,"Input buffer overrun"\n'


async def sigrok(port: int, *options: str) -> str:
    address = f"scpi-pps:conn=tcp-raw/127.0.0.1/{port}"
    program = await asyncio.create_subprocess_exec(
        "sigrok-cli", "-d", address, *options, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(program.communicate(), timeout=20.0)
    return output.decode()


@pytest.mark.independent
@pytest.mark.skipif(shutil.which("sigrok-cli") is None, reason="sigrok-cli is not installed")
async def test_sigrok_sets_switches_and_reads_the_twin(stand: Stand) -> None:
    async with SocketDoor(stand.twin) as door:
        target = ("-g", "2", "--config", "voltage_target=5.5:current_limit=1.25", "--set")
        await sigrok(door.port, *target)
        await sigrok(door.port, "-g", "2", "--config", "enabled=yes", "--set")
        readings = await sigrok(door.port, "--samples", "1")
        regulation = await sigrok(door.port, "-g", "2", "--get", "regulation")

    assert "V2: 5.5" in readings
    assert "I2: 5" in readings
    assert "CV" in regulation
    assert stand.ask(":APPL? CH2") == "CH2:30V/3A,5.500,1.250\n"
    assert stand.ask("SYST:ERR?") == '0,"No error"\n'


def test_heat_can_be_injected_and_switches_off(stand: Stand) -> None:
    stand.ask(":APPL CH1,5,1", ":OUTP ON")

    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)

    assert not stand.twin.stage().on
    assert int(stand.ask(":STAT:QUES?")) & 16
