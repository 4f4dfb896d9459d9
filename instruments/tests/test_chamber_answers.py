"""Climate chambers: the twins' answers byte by byte, and the air inside."""

import random
from dataclasses import dataclass, field

import pytest

from instruments.tests.stand import Clock
from instruments.twins.p300 import P300Twin
from instruments.twins.simserv import SimservTwin
from instruments.twins.thermal import Box, ThermalBox


@dataclass
class Specimen:
    """Something in the chamber that remembers the air around it."""

    temperatures_c: list[float] = field(default_factory=list)

    def set_ambient(self, temperature_c: float) -> None:
        self.temperatures_c.append(temperature_c)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def weiss_twin(clock: Clock) -> SimservTwin:
    return SimservTwin(serial="58217", dice=random.Random(1), now_us=clock.now_us)


@pytest.fixture
def espec_twin(clock: Clock) -> P300Twin:
    return P300Twin(serial="7", dice=random.Random(2), now_us=clock.now_us)


def ask(twin: SimservTwin | P300Twin, request: bytes) -> bytes:
    return twin.conversation().receive(request)


# Simserv, byte by byte: the examples of the protocol's public descriptions.


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param(b"99997\xb61\xb63\r", b"1\xb658217\r\n", id="serial number"),
        pytest.param(b"10012\xb61\r", b"1\xb61\r\n", id="not running"),
        pytest.param(b"11018\xb61\r", b"1\xb61\r\n", id="one control variable"),
        pytest.param(b"14003\xb61\xb61\r", b"1\xb60\r\n", id="not started"),
        pytest.param(b"11001\xb61\xb61\xb640.0\r", b"1\r\n", id="set point taken"),
        pytest.param(b"11001\xb61\xb61\r", b"-6\r\n", id="value missing"),
        pytest.param(b"11001\xb61\xb61\xb6hot\r", b"-6\r\n", id="no number"),
        pytest.param(b"11001\xb61\xb61\xb6300\r", b"-6\r\n", id="outside the input limits"),
        pytest.param(b"11004\xb61\xb62\r", b"-6\r\n", id="no humidity"),
        pytest.param(b"11004\r", b"-6\r\n", id="index missing"),
        pytest.param(b"19031\xb61\r", b"-8\r\n", id="no program to name"),
        pytest.param(b"19014\xb61\xb64\xb61\r", b"-6\r\n", id="no program to start"),
        pytest.param(b"12345\xb61\r", b"-5\r\n", id="unknown number"),
        pytest.param(b"*IDN?\r", b"-5\r\n", id="no SCPI"),
        pytest.param(b"\r", b"", id="empty line"),
    ],
)
def test_simserv_answers(weiss_twin: SimservTwin, request_: bytes, answer: bytes) -> None:
    assert ask(weiss_twin, request_) == answer


def test_simserv_reads_a_request_that_comes_in_pieces(weiss_twin: SimservTwin) -> None:
    talk = weiss_twin.conversation()

    first = talk.receive(b"11002\xb61")
    second = talk.receive(b"\xb61\r10012\xb61\r\n")

    assert (first, second) == (b"", b"1\xb623.00\r\n1\xb61\r\n")


def test_simserv_obeys_a_little_after_it_acknowledges(
    weiss_twin: SimservTwin, clock: Clock
) -> None:
    ask(weiss_twin, b"11001\xb61\xb61\xb6-10.0\r")

    at_once = ask(weiss_twin, b"11002\xb61\xb61\r")
    clock.now += 500_000

    assert at_once == b"1\xb623.00\r\n"
    assert ask(weiss_twin, b"11002\xb61\xb61\r") == b"1\xb6-10.00\r\n"


def test_simserv_status_tells_running_and_alarm(weiss_twin: SimservTwin, clock: Clock) -> None:
    ask(weiss_twin, b"14001\xb61\xb61\xb61\r")
    clock.now += 500_000
    running = ask(weiss_twin, b"10012\xb61\r")

    weiss_twin.raise_alarm()

    assert (running, ask(weiss_twin, b"10012\xb61\r")) == (b"1\xb63\r\n", b"1\xb69\r\n")


# P-300, byte by byte: as the maker's own library sends and takes them apart.


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param(b"MODE?\r\n", b"OFF\r\n", id="mode"),
        pytest.param(b"1,MODE?\r\n", b"OFF\r\n", id="with a station's address"),
        pytest.param(b"ALARM?\r\n", b"0\r\n", id="no alarm"),
        pytest.param(b"CONSTANT SET?,TEMP\r\n", b"23.0,ON\r\n", id="constant set point"),
        pytest.param(b"TEMP, S40.0 H90.0 L-40.0\r\n", b"OK:TEMP, S40.0 H90.0 L-40.0\r\n", id="set"),
        pytest.param(b"TEMP,S400\r\n", b"NA:DATA OUT OF RANGE\r\n", id="too hot"),
        pytest.param(b"TEMP,S20 H10\r\n", b"NA:DATA OUT OF RANGE\r\n", id="above its limit"),
        pytest.param(b"TEMP,X20\r\n", b"NA:PARA ERR\r\n", id="unknown level"),
        pytest.param(b"MODE,FAST\r\n", b"NA:PARA ERR\r\n", id="unknown mode"),
        pytest.param(b"MODE,RUN3\r\n", b"NA:DATA NOT READY\r\n", id="no such program"),
        pytest.param(b"HUMI?\r\n", b"NA:CONT NOT READY-1\r\n", id="no humidity"),
        pytest.param(b"PRGM MON?\r\n", b"NA:CONT NOT READY-2\r\n", id="no program runs"),
        pytest.param(b"KEYPROTECT,ON\r\n", b"NA:CONT NOT READY-4\r\n", id="no lock while off"),
        pytest.param(b"*IDN?\r\n", b"NA:CMD ERR\r\n", id="no SCPI"),
        pytest.param(b"RELAY,ON,1,12\r\n", b"OK:RELAY,ON,1,12\r\n", id="time signals"),
        pytest.param(b"RELAY,ON,13\r\n", b"NA:PARA ERR\r\n", id="thirteenth time signal"),
    ],
)
def test_p300_answers(espec_twin: P300Twin, request_: bytes, answer: bytes) -> None:
    assert ask(espec_twin, request_) == answer


def test_p300_tells_actual_set_high_and_low(espec_twin: P300Twin) -> None:
    ask(espec_twin, b"TEMP, S40.0 H90.0 L-40.0\r\n")

    actual, *levels = ask(espec_twin, b"TEMP?\r\n").decode().strip().split(",")

    assert levels == ["40.0", "90.0", "-40.0"]
    assert float(actual) == pytest.approx(23.0, abs=0.5)


def test_p300_monitor_has_four_fields_without_humidity(espec_twin: P300Twin) -> None:
    ask(espec_twin, b"POWER,ON\r\n")

    fields = ask(espec_twin, b"MON?\r\n").decode().strip().split(",")

    assert fields[1:] == ["", "STANDBY", "0"]


def test_p300_clock_goes_on_from_where_it_is_set(espec_twin: P300Twin, clock: Clock) -> None:
    ask(espec_twin, b"DATE,26.11/22. SUN\r\nTIME,23:59:50\r\n")

    clock.now += 15_000_000

    assert ask(espec_twin, b"DATE?\r\nTIME?\r\n") == b"26.11/23\r\n00:00:05\r\n"


# The air inside.


def test_air_reaches_its_goal_at_the_rate_the_box_can(clock: Clock) -> None:
    quick = Box(heating_k_per_min=6.0, cooling_k_per_min=3.0, lag_s=10.0, drift_s=600.0)
    box = ThermalBox(quick, now_us=clock.now_us)
    box.condition(83.0)

    clock.now += 300_000_000
    box.advance()
    halfway_c = box.temperature_c
    clock.now += 600_000_000
    box.advance()

    assert halfway_c == pytest.approx(53.0)
    assert box.temperature_c == pytest.approx(83.0, abs=0.01)


def test_looking_often_changes_nothing(clock: Clock) -> None:
    made = Box(heating_k_per_min=6.0, cooling_k_per_min=3.0, lag_s=30.0, drift_s=600.0)
    seldom, often = (ThermalBox(made, now_us=clock.now_us) for _ in range(2))
    for box in (seldom, often):
        box.condition(-5.0)

    for _ in range(1000):
        clock.now += 700_000
        often.advance()
    seldom.advance()

    assert often.temperature_c == pytest.approx(seldom.temperature_c, abs=1e-9)


def test_air_drifts_back_when_nothing_conditions_it(clock: Clock) -> None:
    made = Box(heating_k_per_min=6.0, cooling_k_per_min=3.0, lag_s=30.0, drift_s=600.0)
    box = ThermalBox(made, now_us=clock.now_us)
    box.temperature_c = 63.0

    clock.now += 600_000_000
    box.advance()

    assert box.temperature_c == pytest.approx(23.0 + 40.0 * 0.36788, abs=0.001)


def test_specimen_feels_the_air_without_anyone_asking(
    weiss_twin: SimservTwin, clock: Clock
) -> None:
    specimen = Specimen()
    weiss_twin.connect(specimen)
    ask(weiss_twin, b"11001\xb61\xb61\xb6-20\r14001\xb61\xb61\xb61\r")

    while (due_us := weiss_twin.due_us()) is not None:
        clock.now = max(clock.now, due_us)
        weiss_twin.supervise()

    assert specimen.temperatures_c[0] == 23.0
    assert specimen.temperatures_c[-1] == pytest.approx(-20.0, abs=0.02)
    assert clock.now / 1e6 == pytest.approx(43 / 5 * 60, rel=0.9)
