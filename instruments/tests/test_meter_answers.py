"""Multimeters: what the twins answer to anybody's client, and to others' programs."""

import asyncio
from collections.abc import Iterator
from shutil import which

import pytest

from instruments.doors import SocketDoor
from instruments.tests.stand_meters import Made, make


@pytest.fixture
def truevolt() -> Iterator[Made]:
    made = make("34465A")
    yield made
    made.library.close_all()


@pytest.fixture
def keithley() -> Iterator[Made]:
    made = make("DMM6500")
    yield made
    made.library.close_all()


# The 34465A, answer by answer: literals of the guide.


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param("SYST:ERR?", '+0,"No error"', id="no error"),
        pytest.param("VOLT:DC:NPLC?", "+1.00000000E+01", id="ten cycles"),
        pytest.param("VOLT:RANG? MAX", "+1.00000000E+03", id="highest range"),
        pytest.param("FUNC?", '"VOLT"', id="function"),
        pytest.param(
            "CONF:VOLT:DC 10,3e-6;:CONF?", '"VOLT +1.000000E+01,+3.000000E-06"', id="CONF"
        ),
        pytest.param("CONF:VOLT:DC MIN,MAX;:CONF?", '"VOLT +1.000000E-01,+3.000000E-07"', id="MIN"),
        pytest.param("CONF:CURR:AC;:FUNC?", '"CURR:AC"', id="AC current"),
        pytest.param('FUNC "RESISTANCE";:FUNC?', '"RES"', id="long name"),
        pytest.param("CONF:CONT;:CONF?", '"CONT"', id="continuity"),
        pytest.param("MEAS:RES?", "+9.90000000E+37", id="open"),
        pytest.param("MEAS:RES?;:STAT:QUES?", "+9.90000000E+37;+512", id="overload event"),
        pytest.param("SAMP:COUN 3;COUN?", "+3", id="samples"),
        pytest.param("TRIG:COUN INF;COUN?", "+9.90000000E+37", id="endless"),
        pytest.param("VOLT:NPLC 0.1;NPLC?", "+2.00000000E-01", id="next longer integration"),
        pytest.param("VOLT:RANG 11;RANG?;RANG:AUTO?", "+1.00000000E+02;0", id="next range"),
        pytest.param("R?", "#10", id="empty memory"),
        pytest.param("ROUT:TERM?", "FRON", id="terminals"),
    ],
)
def test_truevolt_answers(truevolt: Made, message: str, answer: str) -> None:
    assert truevolt.ask(message) == answer


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("MEAS", -113, id="MEAS is only asked"),
        pytest.param("CONF:VOLT:DC 2000", -222, id="range"),
        pytest.param("CONF:VOLT:DC AUTO,1e-5", -221, id="resolution without range"),
        pytest.param("VOLT:NPLC 200", -222, id="integration"),
        pytest.param('FUNC "WATT"', -224, id="function"),
        pytest.param("FETC?", -230, id="nothing measured"),
        pytest.param("*TRG", -211, id="not waiting"),
        pytest.param("TRIG:SOUR BUS;:READ?", -214, id="nobody would trigger"),
        pytest.param("SAMP:COUN 100;:INIT;:INIT", -213, id="already measuring"),
    ],
)
def test_truevolt_refuses(truevolt: Made, message: str, code: int) -> None:
    assert truevolt.ask(message) == ""

    assert int(truevolt.ask("SYST:ERR?").split(",")[0]) == code


def test_truevolt_takes_readings_while_time_passes(truevolt: Made) -> None:
    truevolt.say("CONF:VOLT:DC 10;:VOLT:NPLC 1;:TRIG:COUN INF;:INIT")

    truevolt.clock.now += 1_000_000

    # 1 cycle twice and the settling before it: 41.5 ms.
    assert truevolt.ask("DATA:POIN?") == "+24"
    assert truevolt.ask("ABOR;:R? 2")[:4] == "#231"


def test_truevolt_waits_for_the_bus_trigger(truevolt: Made) -> None:
    truevolt.say("VOLT:NPLC 0.02;:TRIG:SOUR BUS;:SAMP:COUN 2;:INIT")
    truevolt.clock.now += 10_000_000
    before = truevolt.ask("DATA:POIN?")

    truevolt.say("*TRG")

    assert before == "+0"
    assert len(truevolt.ask("FETC?").split(",")) == 2


def test_truevolt_statistics_count_only_while_on(truevolt: Made) -> None:
    truevolt.say("CONF:VOLT:DC 100;:VOLT:NPLC 0.02")
    truevolt.ask("READ?")
    truevolt.say("CALC:AVER:STAT ON;:SAMP:COUN 5")
    truevolt.ask("READ?")

    assert truevolt.ask("CALC:AVER:COUN?") == "+5.00000000E+00"
    assert float(truevolt.ask("CALC:AVER:AVER?")) == pytest.approx(12.5, abs=0.01)


def test_truevolt_tells_readings_as_eight_bytes(truevolt: Made) -> None:
    answer = truevolt.ask("FORM REAL,64;:SAMP:COUN 2;:READ?")

    assert (answer[:4], len(answer)) == ("#216", 20)


# The DMM6500, answer by answer: literals of its family's manuals and of tests on a real one.


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param("*LANG?", "SCPI", id="language"),
        pytest.param("SYST:ERR?", '0,"No error;0;0 0"', id="no error"),
        pytest.param(":SENS:FUNC?", '"VOLT:DC"', id="function"),
        pytest.param(':SENS:FUNC "VOLT";FUNC?', '"VOLT:DC"', id="short function"),
        pytest.param(':SENS1:FUNC "FREQ:VOLT";FUNC?', '"FREQ:VOLT"', id="frequency"),
        pytest.param("VOLT:DC:APER?", "0.0166667", id="aperture of one cycle"),
        pytest.param("VOLT:DC:APER MIN;APER?", "8.33e-06", id="least aperture"),
        pytest.param("VOLT:DC:APER? MAX", "0.25", id="longest aperture"),
        pytest.param("VOLT:DC:RANG:AUTO 0;UPP 100", "", id="as PyMeasure sets a range"),
        pytest.param(":SENS:VOLT:RANG? DEF", "1000", id="range after reset"),
        pytest.param(":SENS:VOLT:RANG 11;RANG?;RANG:AUTO?", "100;0", id="next range"),
        pytest.param("TRAC:ACT?;:TRAC:POIN?", "0;100000", id="buffer of the factory"),
        pytest.param("TRIG:STAT?", "EMPTY;EMPTY;0", id="no model loaded"),
        pytest.param(':SENS:FUNC "RES";:READ?', "9.900000E+37", id="open"),
        pytest.param("ROUT:TERM?", "FRON", id="terminals"),
        pytest.param("SYST:LFR?", "60", id="mains"),
    ],
)
def test_keithley_answers(keithley: Made, message: str, answer: str) -> None:
    assert keithley.ask(message) == answer


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("CONF:VOLT:DC", -113, id="there is no CONF"),
        pytest.param(":SENS:VOLT:AC:NPLC 1", -113, id="AC has no cycles"),
        pytest.param(":SENS:VOLT:NPLC 16", -222, id="too long"),
        pytest.param('READ? "nowhere"', -224, id="no such buffer"),
        pytest.param("TRAC:DATA? 1,1", -222, id="empty buffer"),
        pytest.param('TRAC:DEL "defbuffer1"', -221, id="buffer of the factory stays"),
    ],
)
def test_keithley_refuses(keithley: Made, message: str, code: int) -> None:
    assert keithley.ask(message) == ""

    assert int(keithley.ask("SYST:ERR?").split(",")[0]) == code


def test_keithley_reading_has_the_elements_that_are_asked(keithley: Made) -> None:
    value, unit, second = keithley.ask('READ? "defbuffer1", READ, UNIT, REL').split(",")

    assert float(value) == pytest.approx(12.5, abs=0.01)
    assert (unit, second) == ("Volt DC", "0.000000000")


def test_keithley_buffer_is_read_without_being_emptied(keithley: Made) -> None:
    keithley.say(':TRAC:MAKE "log", 100;:SENS:COUN 5')
    keithley.ask('READ? "log"')

    twice = [keithley.ask('TRAC:DATA? 2, 4, "log"') for _ in range(2)]

    assert twice[0] == twice[1]
    assert len(twice[0].split(",")) == 3
    assert keithley.ask('TRAC:ACT? "log"') == "5"


def test_keithley_loop_measures_while_time_passes(keithley: Made) -> None:
    keithley.say('TRIG:LOAD "SimpleLoop", 10, 0.05, "defbuffer1";:INIT')
    running = keithley.ask("TRIG:STAT?")

    keithley.clock.now += 500_000
    during = int(keithley.ask("TRAC:ACT?"))
    keithley.clock.now += 1_000_000

    assert running.startswith("RUNNING")
    assert 0 < during < 10
    assert (keithley.ask("TRAC:ACT?"), keithley.ask("TRIG:STAT?")) == ("10", "IDLE;IDLE;6")


def test_keithley_full_buffer_drops_the_oldest_and_counts_on(keithley: Made) -> None:
    keithley.say("TRAC:POIN 10;:SENS:COUN 25")
    keithley.ask("READ?")

    assert keithley.ask("TRAC:ACT?;:TRAC:ACT:STAR?;:TRAC:ACT:END?") == "10;16;25"


def test_keithley_relative_takes_the_present_value_away(keithley: Made) -> None:
    keithley.say(":SENS:VOLT:REL:ACQ")

    assert float(keithley.ask("READ?")) == pytest.approx(0.0, abs=0.001)
    assert keithley.ask(":SENS:VOLT:REL:STAT?") == "1"


# Programs that nobody here wrote.


@pytest.mark.independent
async def test_sigrok_reads_the_34465a(truevolt: Made) -> None:
    if which("sigrok-cli") is None:
        pytest.skip("sigrok-cli is not installed")
    truevolt.twin.latency_s = 0.0
    async with SocketDoor(truevolt.twin, now_us=truevolt.clock.now_us) as door:
        program = await asyncio.create_subprocess_exec(
            "sigrok-cli",
            *("-d", f"scpi-dmm:conn=tcp-raw/127.0.0.1/{door.port}", "--samples", "2"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(program.communicate(), 20)

    assert output.decode().count("P1: 12.") == 2
    assert "V DC" in output.decode()


@pytest.mark.independent
async def test_pymeasure_drives_the_dmm6500(keithley: Made) -> None:
    library = pytest.importorskip("pymeasure.instruments.keithley")
    keithley.twin.latency_s = 0.0

    def drive(address: str) -> list[object]:
        meter = library.KeithleyDMM6500(address, timeout=5000)
        meter.measure_voltage(max_voltage=100)
        seen = [meter.mode, meter.voltage_range, round(meter.voltage, 2)]
        meter.nplc = 10
        meter.autorange_enabled = True
        seen += [meter.nplc, meter.autorange_enabled, meter.check_errors()]
        meter.close()
        return seen

    async with SocketDoor(keithley.twin, now_us=keithley.clock.now_us) as door:
        seen = await asyncio.to_thread(drive, door.resource_name)

    assert seen == ["voltage", 100.0, 12.5, 10.0, True, []]


def test_a_billion_readings_keep_only_what_memory_holds(truevolt: Made) -> None:
    truevolt.say("CONF:VOLT:DC 10;:VOLT:NPLC 0.02;:SAMP:COUN 1e9;:INIT")

    truevolt.clock.now += 1_000_000_000_000

    assert truevolt.ask("DATA:POIN?") == "+50000"
