"""The twin of the DL3021, as the maker's programming guide and public logs have the real one."""

import random
from dataclasses import dataclass

import pytest

from instruments.protocols import Trip
from instruments.tests.stand import Battery, Clock
from instruments.twins.dl3021 import Dl3021Twin
from instruments.twins.electrical import OpenCircuit


@dataclass
class Stand:
    clock: Clock
    twin: Dl3021Twin
    circuit: Battery

    def ask(self, *messages: str) -> str:
        """The answer to the last of these messages, all of them in order."""
        peer = self.twin.conversation()
        return [peer.receive(f"{message}\n".encode()).decode() for message in messages][-1]

    def let_pass(self, seconds: float) -> None:
        self.clock.now += round(seconds * 1_000_000)
        self.twin.supervise()


def made(*, tail: bool = False) -> Stand:
    clock = Clock()
    twin = Dl3021Twin(serial="DL3A1", dice=random.Random(1), now_us=clock.now_us, tail=tail)
    circuit = Battery(twin.demand, emf_v=12.0, resistance_ohm=0.1)
    twin.connect(circuit)
    return Stand(clock, twin, circuit)


@pytest.fixture
def stand() -> Stand:
    return made()


def test_identity_has_the_makers_four_fields(stand: Stand) -> None:
    assert stand.ask("*IDN?") == "RIGOL TECHNOLOGIES,DL3021,DL3A1,00.01.05.00.01\n"


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ((":SOUR:FUNC?",), "CC"),
        ((":SOUR:FUNC VOLT", ":SOUR:FUNC?"), "CV"),
        ((":SOURCE:FUNCTION RESISTANCE", ":FUNC?"), "CR"),
        ((":FUNC POW", ":FUNC?"), "CP"),
        ((":SOUR:FUNC:MODE?",), "FIX"),
        ((":SOUR:FUNC:MODE BATTERY", ":SOUR:FUNC:MODE?"), "BATT"),
        ((":SOUR:FUNC:MODE BATT", ":SOUR:FUNC?"), "NONE"),
        ((":SOUR:FUNC:MODE BATT", ":SOUR:FUNC CURR", ":FUNC:MODE?"), "FIX"),
        ((":SOUR:FUNC:MODE WAVE", ":FUNC:MODE?"), "WAV"),
        ((":SOUR:INP:STAT?",), "0"),
        ((":SOUR:INP:STAT ON", ":INP?"), "1"),
        ((":SOURCE:INPUT:STAT ON", ":SOURCE:INPUT:STAT?"), "1"),
        ((":SOUR:CURR:LEV:IMM 1.5", ":SOUR:CURR:LEV:IMM?"), "1.5000"),
        ((":CURR 1.5", ":SOURCE:CURRENT?"), "1.5000"),
        ((":CURR 1500 mA", ":CURR?"), "1.5000"),
        ((":CURR? MAX",), "40.0000"),
        ((":CURR:RANG?",), "40"),
        ((":CURR:RANG 4", ":CURR:RANG?"), "4"),
        ((":CURR:RANG 3", ":CURR:RANG?"), "4"),
        ((":CURR:RANG 5", ":CURR:RANG?"), "40"),
        ((":CURR:RANG MIN", ":CURR? MAX"), "4.0000"),
        ((":CURR 10", ":CURR:RANG MIN", ":CURR?"), "4.0000"),
        ((":CURR:SLEW?",), "0.001"),
        ((":CURR:SLEW:BOTH 0.5", ":CURR:SLEW?"), "0.500"),
        ((":CURR:SLEW? MAX",), "2.500"),
        ((":CURR:RANG MIN", ":CURR:SLEW? MAX"), "0.250"),
        ((":SOURce:CURRent:VLIMt?",), "155.000"),
        ((":SOUR:CURR:ILIM?",), "70.0000"),
        ((":SOUR:POW:ILIM 20", ":SOUR:POW:ILIMT?"), "20.0000"),
        ((":SOUR:CURR:VON?",), "0.000"),
        ((":SOUR:VOLT:RANG?",), "150"),
        ((":SOUR:RES:LEV:IMM?",), "2.000"),
        ((":SOUR:RES:RANG?",), "15000"),
        ((":SOUR:RES:RANG MIN", ":SOUR:RES 0.5", ":SOUR:RES?"), "0.500"),
        ((":SOUR:POW 25", ":SOUR:POW:LEV:IMM?"), "25.000"),
        ((":SOUR:SENS ON", ":SOUR:SENS?"), "1"),
        ((":SOUR:SENS:STAT?",), "0"),
        ((":TRIG:SOUR?",), "MANU"),
        ((":TRIG:SOUR BUS", ":TRIG:SOUR?"), "BUS"),
        ((":SOUR:TRAN?",), "0"),
        ((":SOUR:CURR:TRAN:MODE PULS", ":SOUR:CURR:TRAN:MODE?"), "PULS"),
        ((":SOUR:CURR:TRAN:ALEV 3", ":SOUR:CURR:TRAN:ALEV?"), "3.0000"),
        ((":SOUR:CURR:TRAN:FREQ 0.1", ":SOUR:CURR:TRAN:PER?"), "10.000000"),
        ((":SOUR:CURR:TRAN:ADUT?",), "50"),
        ((":SOUR:BATT:VST 5", ":SOUR:BATT:VST?"), "5.000"),
        ((":SOUR:BATT:CST 1", ":SOUR:BATT:CST?"), "1.000"),
        ((":SOUR:BATT:TIM 60", ":SOUR:BATT:TIMESTOP?"), "60"),
        ((":SOUR:BATT:LEV:IMM 3", ":SOUR:BATTARY?"), "3.0000"),
        ((":SOUR:BATTERY:VSTOP 7", ":SOUR:BATTARY:VSTOP?"), "7.000"),
        ((":SOUR:BATT:TEN 1", ":SOUR:BATT:TEN?"), "1"),
        ((":SOUR:LIST:MODE CV", ":SOUR:LIST:MODE?"), "CV"),
        ((":SOUR:LIST:LEV 1,2.5", ":SOUR:LIST:LEV? 1"), "2.500000"),
        ((":SOUR:LIST:WID 1,0.5", ":SOUR:LIST:WID? 1"), "0.500000"),
        ((":SOUR:LIST:END LAST", ":SOUR:LIST:END?"), "LAST"),
        ((":SOUR:OCP:ISET?",), "0.0000"),
        ((":SOUR:OCP:TOCP?",), "500"),
        ((":SOUR:OPP:PMAX?",), "100.000"),
        ((":MEAS:CURR?",), "0.000000"),
        ((":MEAS:RES?",), "0.000000"),
        ((":MEAS:DISCT?",), "0:0:0"),
        ((":MEAS:WATT?",), "0.0000"),
        ((":MEAS:CAP?",), "0.000000"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_answers_are_in_the_makers_form(
    stand: Stand, messages: tuple[str, ...], answer: str
) -> None:
    assert stand.ask(*messages) == f"{answer}\n"
    assert stand.ask(":SYST:ERR?") == '0,"No error"\n'


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (":FUNC CC", '-224,"Illegal parameter value"'),
        (":CURR 41", '-222,"Data out of range"'),
        (":VOLT 151", '-222,"Data out of range"'),
        (":RES 1", '-222,"Data out of range"'),
        (":CURR:RANG 60", '-222,"Data out of range"'),
        (":FUNC:MODE OCP", '-221,"Settings conflict"'),
        (":FUNC:MODE OPP", '-221,"Settings conflict"'),
        (":INP:SHOR ON", '-113,"Undefined header"'),
        (":CURR:PROT:STAT ON", '-113,"Undefined header"'),
    ],
    ids=lambda value: value,
)
def test_what_the_guide_does_not_allow_is_refused(stand: Stand, message: str, error: str) -> None:
    assert stand.ask(message, ":SYST:ERR?") == f"{error}\n"


@pytest.mark.parametrize("root", ["MEAS", "FETC", "MEASURE:SCALAR"])
def test_readings_have_six_digits(stand: Stand, root: str) -> None:
    voltage = stand.ask(":CURR 2", ":INP ON", f":{root}:VOLT?")
    current, power = stand.ask(f":{root}:CURR?"), stand.ask(f":{root}:POW?")

    assert [len(answer.strip().partition(".")[2]) for answer in (voltage, current, power)] == [
        6
    ] * 3
    assert float(current) == pytest.approx(2.0, abs=0.02)
    assert float(power) == pytest.approx(23.6, abs=0.3)


def test_answers_end_in_a_line_feed_and_a_zero_where_asked_for() -> None:
    assert made(tail=True).ask(":CURR?") == "0.0000\n0"


def test_load_waits_for_its_start_voltage_and_then_keeps_drawing(stand: Stand) -> None:
    stand.ask(":CURR 2", ":CURR:VON 13", ":INP ON")
    waits = not stand.twin.demand.enabled
    stand.circuit.emf_v = 14.0
    stand.let_pass(0.1)
    stand.circuit.emf_v = 12.0
    stand.let_pass(0.1)

    assert waits
    assert stand.twin.demand.enabled


def test_status_tells_that_it_draws(stand: Stand) -> None:
    off = stand.ask(":STAT:QUES:COND?")
    on = stand.ask(":CURR 2", ":INP ON", ":STAT:QUES:COND?")

    assert (off, on) == ("0\n", "16384\n")


def test_status_tells_that_there_is_too_little_to_draw(stand: Stand) -> None:
    stand.twin.connect(OpenCircuit(stand.twin.demand))

    assert stand.ask(":CURR 2", ":INP ON", ":STAT:QUES:COND?") == f"{16384 | 1024}\n"


@pytest.mark.parametrize(
    ("setting", "emf_v", "bits"),
    [
        (":CURR:ILIM 1", 12.0, 2 | 8192),
        (":CURR:VLIM 10", 12.0, 4096 | 1),
        (":CURR 30", 12.0, 8 | 8192),
        (":CURR 1", -3.0, 2048 | 1),
    ],
    ids=["over-current", "over-voltage", "over-power", "reverse voltage"],
)
def test_protections_show_in_the_guides_bits(
    stand: Stand, setting: str, emf_v: float, bits: int
) -> None:
    stand.ask(":CURR 2", setting)
    stand.circuit.emf_v = emf_v

    stand.ask(":INP ON")
    stand.let_pass(0.01)

    assert int(stand.ask(":STAT:QUES:COND?")) & ~16384 == bits
    assert stand.ask(":INP?") == "0\n"


def test_toggle_goes_to_the_other_level_at_each_trigger(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:MODE TOGG", ":CURR:TRAN:ALEV 6", ":CURR:TRAN:BLEV 2", ":TRIG:SOUR BUS")
    stand.ask(":CURR:SLEW:POS 2;NEG 2", ":TRAN ON")
    levels = [stand.twin.demand.level]

    for trigger in ("*TRG", ":TRIG", ":TRIGGER:IMMEDIATE"):
        stand.ask(trigger)
        levels.append(stand.twin.demand.level)

    assert levels == [2.0, 6.0, 2.0, 6.0]


def test_arming_switches_the_input_on(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:MODE TOGG", ":TRAN ON")

    assert stand.ask(":INP?") == "1\n"


def test_pulse_lasts_its_width_and_disarms(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:MODE PULS", ":CURR:TRAN:ALEV 6", ":CURR:TRAN:BLEV 2", ":TRIG:SOUR BUS")
    stand.ask(":CURR:SLEW:POS 2;NEG 2", ":CURR:TRAN:AWID 500", ":TRAN ON", "*TRG")
    during = stand.twin.demand.level
    assert stand.twin.due_us() == 500_000

    stand.let_pass(0.5)

    assert (during, stand.twin.demand.level) == (6.0, 2.0)
    assert stand.ask(":TRAN?") == "0\n"


def test_continuous_transient_follows_period_and_duty(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:ALEV 6;BLEV 2;PER 100;ADUT 30", ":TRIG:SOUR BUS", ":TRAN ON", "*TRG")
    levels = [stand.twin.demand.level]

    for seconds in (0.029, 0.001, 0.069, 0.001):
        stand.let_pass(seconds)
        levels.append(stand.twin.demand.level)

    assert levels == [6.0, 6.0, 2.0, 2.0, 6.0]


def test_transient_too_fast_for_the_circuit_is_drawn_as_its_mean(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:ALEV 6;BLEV 2;FREQ 10;ADUT 75", ":TRIG:SOUR BUS", ":TRAN ON", "*TRG")

    assert stand.twin.demand.level == 5.0


def test_trigger_by_bus_does_nothing_while_the_source_is_the_panel(stand: Stand) -> None:
    stand.ask(":CURR:TRAN:MODE TOGG", ":TRAN ON", "*TRG")

    assert stand.twin.demand.level == 1.0


def test_list_walks_through_its_steps_and_switches_off(stand: Stand) -> None:
    stand.ask(":FUNC:MODE LIST", ":LIST:STEP 2", ":LIST:COUN 2", ":TRIG:SOUR BUS")
    stand.ask(":LIST:LEV 0,1;WID 0,1;LEV 1,3;WID 1,2", ":LIST:SLEW 0,2;SLEW 1,2")
    stand.ask(":TRAN ON", "*TRG")
    running = int(stand.ask(":STAT:QUES:COND?")) & 128
    levels = [stand.twin.demand.level]

    for seconds in (1.0, 2.0, 1.0):
        stand.let_pass(seconds)
        levels.append(stand.twin.demand.level)
    stand.let_pass(2.0)

    assert running == 128
    assert levels == [1.0, 3.0, 1.0, 3.0]
    assert stand.ask(":INP?") == "0\n"


def test_extremes_are_those_since_the_input_went_on(stand: Stand) -> None:
    stand.circuit.emf_v = 20.0
    stand.let_pass(1.0)
    stand.circuit.emf_v = 12.0
    stand.ask(":CURR 2", ":CURR:SLEW 2", ":INP ON")
    stand.let_pass(0.1)
    stand.ask(":CURR 5")

    highest_a, highest_v = stand.ask(":MEAS:CURR:MAX?"), stand.ask(":MEAS:VOLT:MAX?")
    lowest_v = stand.ask(":MEAS:VOLT:MIN?")

    assert float(highest_a) == pytest.approx(5.0)
    assert float(highest_v) < 12.1
    assert float(lowest_v) == pytest.approx(11.5, abs=0.01)


def test_panel_key_shorts_the_input_and_ends_that(stand: Stand) -> None:
    stand.circuit.resistance_ohm = 10.0
    stand.ask(":CURR 0.1", ":INP ON", ":SYST:KEY 33")
    shorted = float(stand.ask(":MEAS:CURR?"))

    after = float(stand.ask(":SYST:KEY 33", ":MEAS:CURR?"))

    assert shorted == pytest.approx(1.2, abs=0.02)
    assert after == pytest.approx(0.1, abs=0.02)


def test_energy_of_a_discharge_is_counted_in_watt_hours(stand: Stand) -> None:
    stand.ask(":FUNC:MODE BATT", ":BATT 3.6", ":INP ON")
    stand.let_pass(100.0)

    assert float(stand.ask(":MEAS:WATT?")) == pytest.approx(1.164, abs=0.002)
    assert stand.ask(":MEAS:CAP?") == "100.000000\n"
    assert stand.ask(":MEAS:DISC?") == "0:1:40\n"


def test_reset_brings_the_delivered_settings(stand: Stand) -> None:
    stand.ask(":CURR:RANG MIN", ":CURR 3", ":FUNC VOLT", ":TRIG:SOUR BUS", ":INP ON", "*RST")

    answers = [
        stand.ask(f"{header}?").strip() for header in (":CURR", ":CURR:RANG", ":FUNC", ":INP")
    ]

    assert answers == ["0.0000", "40", "CC", "0"]


def test_heat_can_be_injected_and_switches_off(stand: Stand) -> None:
    stand.ask(":CURR 2", ":INP ON")

    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)

    assert not stand.twin.stage.on
    assert int(stand.ask(":STAT:QUES:COND?")) & 8192


def test_end_of_a_discharge_disturbs_without_anybody_asking(stand: Stand) -> None:
    stand.ask(":FUNC:MODE BATT", ":BATT 2", ":BATT:VST 10", ":BATT:VEN 1", ":INP ON")
    before = stand.twin.programs.disturbed()

    stand.circuit.emf_v = 10.1

    assert not before
    assert stand.twin.programs.disturbed()
