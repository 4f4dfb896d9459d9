"""The twin of the IT6010C-80-300 as a script sees it that nobody here wrote."""

import random
from collections.abc import Iterator

import pytest

from instruments.protocols import Trip
from instruments.tests.two_quadrants import Stand as TwoQuadrantStand
from instruments.tests.two_quadrants import stand_of
from instruments.twins.it6000c import It6000cTwin

Stand = TwoQuadrantStand[It6000cTwin]


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = stand_of(It6000cTwin)
    yield made
    made.library.close_all()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("VOLT 12.5;VOLT?", "12.5"),
        ("SOURce:VOLTage:LEVel:IMMediate:AMPLitude 12;AMPLitude?", "12"),
        ("VOLT? MIN;:VOLT? DEF;:VOLT? MAX", "0;0.8;80.8"),
        ("CURR:LIM:POS 5;POS?", "5"),
        ("CURR:LIM:NEG -2.27;NEG?", "-2.27"),
        ("POW:LIM?;LIM:NEG?", "10000;-10000"),
        ("FUNC CURR;FUNC?", "CURRent"),
        ("FUNC:MODE FIXED;MODE?", "FIXed"),
        ("CURR:LIM 5;:CURR?", "5"),
        ("CURR 7;:CURR:LIM?", "7"),
        ("FUNC CURR;:VOLT:LIM 20;:VOLT?", "20"),
        ("FUNC CURR;:VOLT 21;:VOLT:LIM?", "21"),
        ("FUNC CURR;:CURR -0.1;:CURR?", "-0.1"),
        ("FUNC CURR;:VOLT:LIM:LOW 10;NEG?", "10"),
        ("SOURce:CURRent:OVER:PROTection:STATe ON;STATe?", "1"),
        ("SOURce:CURRent:OVER:PROTection:LEVel 200;LEVel?", "200"),
        ("VOLT:UND:PROT 10;PROT:DEL 1;WARM 20;WARM?", "20"),
        ("CURR:UND:PROT:STAT?;LEV?", "0;0"),
        ("VOLT:PROT:DEL?", "60"),
        ("OUTP:PROT:WDOG:STAT ON;STAT?", "1"),
        ("OUTP:PROT:WDOG 1;:OUTP:PROT:WDOG:DEL?", "30"),
        ("OUTP:DEL:RISE 6;RISE?", "6"),
        ("OUTP:PON:STAT LAST_OFF;STAT?", "LAST_OFF"),
        ("OUTPut 1;:OUTP?", "1"),
        ("SYST:REM;:SYST:RWL;:SYST:LOC;:SYST:ERR?", '0,"No error"'),
        ("SYST:VERS?", "IT60xxSrc-v1.3.7.xx"),
        ("VOLT 90;:SYST:ERR?", '-222,"Data out of range"'),
        ("CURR:LIM:NEG 5;:SYST:ERR?", '-222,"Data out of range"'),
        ("CURR -5;:SYST:ERR?", '-222,"Data out of range"'),
        ("VOLT:LIM 5;:SYST:ERR?", '-221,"Settings conflict"'),
        ("FUNC CURR;:CURR:LIM 5;:SYST:ERR?", '-221,"Settings conflict"'),
        ("FUNC:MODE LIST;:SYST:ERR?", '-224,"Illegal parameter value"'),
        ("BAD:HEAD 1;:SYST:CLE;ERR?", '0,"No error"'),
        ("SENS:AHO:RES;:MEAS:AHO?", "0"),
    ],
)
def test_stranger_is_answered_as_the_guide_says(stand: Stand, text: str, answer: str) -> None:
    assert stand.say(text) == answer


def test_change_of_priority_hands_the_active_levels_over(stand: Stand) -> None:
    stand.say("VOLT 24;:CURR:LIM 11;:FUNC CURR")
    in_current = stand.say("VOLT:LIM?;:CURR?")

    stand.say("CURR 9;:VOLT:LIM 30;:FUNC VOLT")

    assert in_current == "24;11"
    assert stand.say("VOLT?;:CURR:LIM?;:VOLT:LIM?") == "30;9;30"


def test_priority_cannot_change_while_the_output_is_on(stand: Stand) -> None:
    stand.say("OUTP ON;:FUNC CURR")

    assert stand.say("SYST:ERR?") == '-221,"Settings conflict"'
    assert stand.say("FUNC?") == "VOLTage"


@pytest.mark.parametrize(("current_a", "bit"), [(15.0, "128"), (-15.0, "2048")])
def test_current_priority_holds_a_current_of_either_sign(
    stand: Stand, current_a: float, bit: str
) -> None:
    stand.say(f"FUNC CURR;:VOLT:LIM 60;:CURR {current_a};:OUTP ON")
    stand.pass_s(1.0)

    assert float(stand.say("MEAS:CURR?")) == pytest.approx(current_a, abs=0.6)
    assert stand.say("STAT:OPER:COND?") == bit


def test_discharge_in_current_priority_stops_at_the_lower_voltage_limit(stand: Stand) -> None:
    stand.say("FUNC CURR;:VOLT:LIM:NEG 48;:CURR -50;:OUTP ON")
    stand.pass_s(1.0)

    assert float(stand.say("MEAS:VOLT?")) == pytest.approx(48.0, abs=0.04)


def test_all_readings_come_in_one_answer(stand: Stand) -> None:
    stand.say("CURR:LIM:NEG -36;:VOLT 40;:CURR:SLEW 2000;:OUTP ON")
    stand.pass_s(100.0)

    volts, amperes, watts, charge_ah, energy_wh = map(float, stand.say("MEAS?").split(","))

    assert (volts, amperes) == (pytest.approx(46.4, abs=0.04), pytest.approx(-36.0, abs=0.6))
    assert watts == pytest.approx(-1670.0, abs=32.0)
    assert charge_ah == pytest.approx(-1.0, rel=0.01)
    assert energy_wh == pytest.approx(-46.4, rel=0.01)


def test_charge_until_a_trip_is_counted(stand: Stand) -> None:
    stand.say("CURR:LIM 36;:VOLT 60;:CURR:SLEW 2000;:OUTP ON")
    stand.pass_s(1.0)
    before_ah = float(stand.say("MEAS:AHO?"))
    stand.clock.now += 100_000_000

    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)

    assert float(stand.say("MEAS:AHO?")) - before_ah == pytest.approx(1.0, rel=0.01)


def test_saved_state_comes_back_with_the_output_off(stand: Stand) -> None:
    stand.say("VOLT 24;VOLT:PROT 30;:OUTP ON;*SAV 1;*RST")

    stand.say("OUTP ON;*RCL 1")

    assert stand.say("VOLT?;VOLT:PROT?;:OUTP?") == "24;30;0"


def test_same_dice_give_the_same_readings() -> None:
    def readings(seed: int) -> list[bytes]:
        twin = It6000cTwin(serial="1", dice=random.Random(seed), now_us=lambda: 0)
        return [twin.conversation().receive(b"MEAS:VOLT?\n") for _ in range(20)]

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)


def test_identity_has_six_fields(stand: Stand) -> None:
    answer = stand.say("*IDN?")

    assert answer.startswith("ITECH Electronics,IT6010C-80-300,1234,")
    assert answer.count(",") == 5


@pytest.mark.parametrize(("mode", "back"), [("LATC", "0"), ("LIVE", "1")])
def test_inhibit_latches_or_lets_the_output_come_back(stand: Stand, mode: str, back: str) -> None:
    stand.say(f"OUTP:INH:MODE {mode};:VOLT 60;:OUTP ON")

    stand.twin.inhibit(True)
    assert (stand.say("OUTP?"), stand.say("STAT:QUES:COND?")) == ("0", "2048")
    stand.twin.inhibit(False)

    assert stand.say("OUTP?") == back
