"""The twin of the RP7935A as a script sees it that nobody here wrote."""

import random
from collections.abc import Iterator

import pytest

from instruments.protocols import Trip
from instruments.tests.two_quadrants import Stand as TwoQuadrantStand
from instruments.tests.two_quadrants import stand_of
from instruments.twins.rp7900 import Rp7900Twin

Stand = TwoQuadrantStand[Rp7900Twin]


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = stand_of(Rp7900Twin)
    yield made
    made.library.close_all()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("VOLT 24;VOLT?", "+2.40000000E+01"),
        ("SOURce:VOLTage:LEVel:IMMediate:AMPLitude 12.5;AMPLitude?", "+1.25000000E+01"),
        ("VOLT 2500 mV,(@1);:VOLT? (@1)", "+2.50000000E+00"),
        ("SOURce:CURRent:LIMit:POSitive:IMMediate:AMPLitude 5;:CURR:LIM?", "+5.00000000E+00"),
        ("CURR:LIM:NEG -5;NEG?", "-5.00000000E+00"),
        ("VOLT? MAX;:CURR? MIN", "+8.16000000E+01;-2.55000000E+02"),
        ("SOURce:VOLTage:SLEW:IMMediate MAX;IMMediate?", "+9.90000000E+37"),
        ("VOLT:SLEW 5;SLEW:MAX?", "0"),
        ("VOLT:SLEW INF;SLEW:MAX?", "1"),
        ("SOURce:FUNCtion VOLT;FUNC?", "VOLT"),
        ("SOUR:CURR:PROT:STATE 1;STATE?", "1"),
        ("OUTPut:STATe ON;STATe?", "1"),
        ("OUTP:STAT 1;STAT?", "1"),
        ("OUTP:PROT:WDOG:DEL?", "60"),
        ("OUTP:PROT:WDOG ON;WDOG?", "1"),
        ("OUTP:INH:MODE LATCHING;MODE?", "LATC"),
        ("OUTP:DEL:RISE 0.1;RISE?", "+1.00000000E-01"),
        ("OUTP:PON:STAT RCL0;STAT?", "RCL0"),
        ("SYST:COMM:RLST RWL;RLST?", "RWL"),
        ("DIG:PIN7:FUNC FAUL;FUNC?", "FAUL"),
        ("STAT:QUES2:ENAB 64;ENAB?", "64"),
        ("SYST:VERS?", "1999.0"),
        ("SYST:ERR?", '+0,"No error"'),
        ("VOLT 90;:SYST:ERR?", '-222,"Data out of range"'),
        ("VOLT 5,(@2);:SYST:ERR?", '-222,"Data out of range"'),
        ("CURR:LIM:NEG 5;:SYST:ERR?", '-222,"Data out of range"'),
        ("MEASU:VOLT?;:SYST:ERR?", '-113,"Undefined header"'),
        ("TRIG:ACQ;:SYST:ERR?", '-211,"Trigger ignored"'),
        ("*RCL 3;:SYST:ERR?", '-200,"Execution error"'),
    ],
)
def test_stranger_is_answered_as_the_guide_says(stand: Stand, text: str, answer: str) -> None:
    assert stand.say(text) == answer


def test_current_priority_holds_a_current_of_either_sign(stand: Stand) -> None:
    stand.say("FUNC CURR;:VOLT:LIM 60;LIM:LOW 20;:CURR 15;:OUTP ON")
    sourced = float(stand.say("MEAS:CURR?")), stand.say("STAT:OPER:COND?")

    stand.say("CURR -15")
    sunk = float(stand.say("MEAS:CURR?")), stand.say("STAT:OPER:COND?")

    assert sourced == (pytest.approx(15.0, abs=0.25), "2")
    assert sunk == (pytest.approx(-15.0, abs=0.25), "2")


def test_current_priority_stops_at_its_voltage_limit(stand: Stand) -> None:
    stand.say("FUNC CURR;:VOLT:LIM 51;:CURR 50;:OUTP ON")

    assert float(stand.say("MEAS:VOLT?")) == pytest.approx(51.0, abs=0.05)
    assert (stand.say("STAT:OPER:COND?"), stand.say("STAT:QUES:COND?")) == ("0", "128")


def test_changing_the_priority_switches_off_and_resets_the_levels(stand: Stand) -> None:
    stand.say("VOLT 24;:OUTP ON")

    stand.say("FUNC CURR")

    assert stand.say("OUTP?") == "0"
    assert stand.say("FUNC VOLT;:VOLT?") == "+0.00000000E+00"


def test_saved_state_comes_back_with_the_output_off(stand: Stand) -> None:
    stand.say("VOLT 24;VOLT:PROT 30;:OUTP ON;*SAV 1;*RST")

    stand.say("OUTP ON;*RCL 1")

    assert stand.say("VOLT?;VOLT:PROT?;:OUTP?") == "+2.40000000E+01;+3.00000000E+01;0"


def test_step_waits_for_its_trigger(stand: Stand) -> None:
    stand.say("VOLT 10;VOLT:TRIG 20;MODE STEP;:INIT:TRAN (@1)")
    before = stand.say("VOLT?"), stand.say("STAT:OPER:COND?")

    stand.say("*TRG")

    assert before == ("+1.00000000E+01", str(4 + 16))
    assert stand.say("VOLT?") == "+2.00000000E+01"


def test_array_has_as_many_samples_as_points(stand: Stand) -> None:
    answer = stand.say("SENS:SWE:POIN 5;:MEAS:ARR:VOLT?")

    assert [float(part) for part in answer.split(",")] == pytest.approx([50.0] * 5, abs=0.05)


def test_ampere_hours_are_counted_signed(stand: Stand) -> None:
    stand.say("CURR:LIM:NEG -36;:VOLT 40;:OUTP ON")
    stand.pass_s(100.0)

    assert float(stand.say("FETC:AHO?")) == pytest.approx(-1.0, rel=0.01)
    assert float(stand.say("FETC:WHO?")) == pytest.approx(-46.4, rel=0.01)
    assert stand.say("SENS:AHO:RES;:FETC:AHO?") == "+0.00000000E+00"


def test_questionable_events_of_both_groups_reach_the_status_byte(stand: Stand) -> None:
    stand.say("STAT:QUES2:ENAB 64;*SRE 8")

    stand.twin.inject_trip(Trip.UNDER_VOLTAGE)

    assert stand.say("*STB?") == str(8 + 64)
    assert stand.say("STAT:QUES2?") == "64"
    assert stand.say("*STB?") == "0"


def test_same_dice_give_the_same_readings() -> None:
    def readings(seed: int) -> list[bytes]:
        twin = Rp7900Twin(serial="1", dice=random.Random(seed), now_us=lambda: 0)
        return [twin.conversation().receive(b"MEAS:VOLT?\n") for _ in range(20)]

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)


@pytest.mark.parametrize(
    ("voltage_v", "bit"), [(80.0, 8), (20.0, 32)], ids=["delivering", "taking in"]
)
def test_power_above_the_rating_trips(stand: Stand, voltage_v: float, bit: int) -> None:
    for text in ("CURR:LIM 250;LIM:NEG -250", f"VOLT {voltage_v};:OUTP ON"):
        stand.say(text)
    stand.battery.emf_v = 60.0
    stand.pass_s(0.05)

    assert int(stand.say("STAT:QUES1:COND?")) == bit


def test_rated_power_does_not_trip(stand: Stand) -> None:
    stand.say("CURR:LIM 150;:VOLT 80;:OUTP ON")
    stand.pass_s(1.0)

    assert float(stand.say("MEAS:POW?")) == pytest.approx(9750.0, rel=0.01)
    assert stand.say("STAT:QUES1:COND?") == "128"


def test_live_inhibit_lets_the_output_come_back(stand: Stand) -> None:
    stand.say("DIG:PIN3:FUNC INH;:OUTP:INH:MODE LIVE;:CURR:LIM 10;:VOLT 60;:OUTP ON")
    stand.twin.inhibit(True)
    off = stand.say("STAT:QUES:COND?")

    stand.twin.inhibit(False)

    assert off == "512"
    assert float(stand.say("MEAS:CURR?")) > 5.0


def test_inhibit_wire_does_nothing_unless_the_pin_is_set_up(stand: Stand) -> None:
    stand.say("OUTP:INH:MODE LATC;:CURR:LIM 10;:VOLT 60;:OUTP ON")

    stand.twin.inhibit(True)

    assert stand.twin.stage.on
