"""Digital lines, relays and voltages: the driver on its twin."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from instruments.drivers.daq970a import DAQ970A
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    DigitalIO,
    IdentityMismatch,
    OutsideRating,
    Relay,
    SetpointNotTaken,
)
from instruments.tests.stand import DAQ, Bench, Clock, Wires
from instruments.twins import daq970a
from instruments.twins.daq970a import DAQ970ATwin


@dataclass
class Outputs:
    """Wires that remember the voltages they were driven to."""

    volts: dict[int, float] = field(default_factory=dict)

    def drive_v(self, channel: int, voltage_v: float) -> None:
        self.volts[channel] = voltage_v


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twin(clock: Clock) -> DAQ970ATwin:
    twin = DAQ970ATwin(serial="MY1", dice=random.Random(4), now_us=clock.now_us)
    twin.connect(analog=Wires(volts={301: 1.5, 302: -2.5, 303: 48.0}))
    return twin


def ask(twin: DAQ970ATwin, message: str) -> str:
    return twin.conversation().receive(f"{message}\n".encode()).decode("latin-1").strip()


async def test_driver_is_digital_io(daq: DAQ970A) -> None:
    assert isinstance(daq, DigitalIO)


async def test_driver_is_relays(daq: DAQ970A) -> None:
    assert isinstance(daq, Relay)


async def test_wrong_card_in_a_slot_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(daq970a.CARDS, 200, "DAQM901A")
    daq = DAQ970A(bench.session(DAQ), lines={})

    with pytest.raises(IdentityMismatch, match="slot 200: 'DAQM901A', expected 'DAQM903A'"):
        await daq.open()


async def test_byte_is_made_of_its_lines(bench: Bench, daq: DAQ970A) -> None:
    bench.wires.levels = dict.fromkeys(range(8), False) | {0: True, 3: True}

    assert await daq.read_byte(101) == 0b1001


async def test_line_is_read_by_its_name(bench: Bench, daq: DAQ970A) -> None:
    bench.wires.levels = {0: False, 3: True}

    assert (await daq.get("allow_to_charge"), await daq.get("led")) == (False, True)


async def test_all_lines_cost_one_query_a_byte(bench: Bench, daq: DAQ970A) -> None:
    bench.wires.levels = {0: False, 3: True}
    bench.log.clear()

    levels = await daq.get_all()

    assert levels == {"allow_to_charge": False, "led": True, "button": True, "remote": True}
    assert [text for _, direction, text in bench.log if direction == ">"] == [
        "SENS:DIG:DATA:BYTE? (@101)",
        "SOUR:DIG:DATA:BYTE? (@102)",
    ]


async def test_setting_a_line_leaves_its_neighbours(bench: Bench, daq: DAQ970A) -> None:
    await daq.set("button", level=False)
    await daq.set("remote", level=False)
    await daq.set("button", level=True)

    assert (bench.wires.levels[8], bench.wires.levels[9], bench.wires.levels[10]) == (
        True,
        False,
        True,
    )


async def test_two_lines_set_together_are_both_set(bench: Bench) -> None:
    async def turn(_seconds: float) -> None:
        await asyncio.sleep(0)

    session = bench.library.open_session(DAQ, now_us=bench.clock.now_us, settle=turn)
    daq = DAQ970A(session, lines={"a": (102, 0), "b": (102, 1)})
    await daq.open()
    await daq.set("a", level=True)

    tasks = [asyncio.create_task(daq.set(name, level=False)) for name in ("a", "b")]
    for task in tasks:
        await task

    assert (bench.wires.levels[8], bench.wires.levels[9]) == (False, False)


async def test_input_line_cannot_be_set(bench: Bench, daq: DAQ970A) -> None:
    with pytest.raises(CommandRefused, match="'led' is an input"):
        await daq.set("led", level=True)


async def test_unknown_line_is_named_with_those_there_are(daq: DAQ970A) -> None:
    with pytest.raises(ValueError, match="no line 'buton'; this bench has allow_to_charge, led"):
        await daq.get("buton")


def test_line_outside_the_card_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="channel 103 bit 0"):
        DAQ970A(bench.session(DAQ), lines={"x": (103, 0)})


async def test_pulse_lasts_its_time(bench: Bench, daq: DAQ970A) -> None:
    bench.daq_twin.latency_s = 0.0
    await daq.set("button", level=True)
    bench.wires.history.clear()

    await daq.pulse("button", 0.5, level=False)

    (start, _, down), (end, _, up) = bench.wires.history
    assert (down, up, end - start) == (False, True, 500_000)


async def test_pulse_ends_though_it_is_interrupted(bench: Bench, daq: DAQ970A) -> None:
    async def interrupted(_seconds: float) -> None:
        raise asyncio.CancelledError

    daq.session.sleep = interrupted

    with pytest.raises(asyncio.CancelledError):
        await daq.pulse("button", 0.5, level=False)

    assert bench.wires.levels[8] is True


async def test_reading_a_driven_byte_as_input_lets_it_go(bench: Bench) -> None:
    session = bench.session(DAQ)
    await session.command("SOUR:DIG:DATA:BYTE 0,(@102)")
    assert bench.wires.levels[8] is False

    await session.query("SENS:DIG:DATA:BYTE? (@102)")

    assert bench.wires.levels[8] is True
    assert await session.query("SOUR:DIG:STAT? (@101,102)") == "0,0"


async def test_relay_closes_and_opens_and_counts(bench: Bench, daq: DAQ970A) -> None:
    await daq.close_relay(203)
    assert (await daq.relay_is_closed(203), bench.contacts.levels[203]) == (True, True)

    await daq.open_relay(203)

    assert (await daq.relay_is_closed(203), bench.contacts.levels[203]) == (False, False)
    assert await daq.relay_cycles(203) == 1


async def test_relay_that_is_not_there_is_refused(daq: DAQ970A) -> None:
    with pytest.raises(CommandRefused, match="112"):
        await daq.close_relay(221)


async def test_voltage_is_read_within_the_published_uncertainty(bench: Bench, daq: DAQ970A) -> None:
    bench.wires.volts[305] = 53.2

    errors = [abs(await daq.read_voltage(305) - 53.2) for _ in range(200)]

    assert max(errors) <= daq.voltage_uncertainty_v(53.2)


async def test_overload_is_no_voltage(bench: Bench, daq: DAQ970A) -> None:
    bench.wires.volts[301] = 400.0

    with pytest.raises(AnswerGarbled, match="overload"):
        await daq.read_voltage(301)


async def test_measurement_takes_an_optional_range(bench: Bench) -> None:
    bench.wires.volts[301] = 53.2
    session = bench.session(DAQ)

    assert float(await session.query("MEAS:VOLT:DC? 10,(@301)")) == 9.9e37
    assert float(await session.query("MEAS:VOLT:DC? AUTO,0.001,(@301)")) == pytest.approx(
        53.2, abs=0.01
    )


async def test_safe_state_opens_relays_and_lets_the_lines_go(bench: Bench, daq: DAQ970A) -> None:
    await daq.close_relay(201)
    await daq.set("button", level=False)

    await daq.safe_state()

    assert (bench.contacts.levels[201], bench.wires.levels[8]) == (False, True)


async def test_all_relays_open_at_once(bench: Bench, daq: DAQ970A) -> None:
    for channel in (201, 207, 220):
        await daq.close_relay(channel)

    await daq.open_all()

    assert bench.daq_twin.closed == set()


async def test_relay_that_sticks_is_named(
    bench: Bench, daq: DAQ970A, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = daq.session.query

    async def stuck(text: str) -> str:
        answer = await asked(text)
        return "1" + answer[1:] if text.startswith("ROUT:CLOS? (@201:") else answer

    monkeypatch.setattr(daq.session, "query", stuck)

    with pytest.raises(SetpointNotTaken, match="relays 201 did not open"):
        await daq.open_all()


async def test_voltage_output_drives_its_wire_and_is_silent_in_the_safe_state(
    bench: Bench, daq: DAQ970A
) -> None:
    outputs = Outputs()
    bench.daq_twin.connect(outputs=outputs)
    await daq.set_source(104, 3.3)
    driven_v = outputs.volts[104]

    await daq.safe_state()

    assert driven_v == pytest.approx(3.3, abs=0.0002)
    assert outputs.volts == {104: 0.0}


@pytest.mark.parametrize(
    ("channel", "voltage_v"), [(104, 12.1), (105, float("nan")), (103, 1.0)], ids=str
)
async def test_voltage_output_outside_its_rating_is_refused(
    daq: DAQ970A, channel: int, voltage_v: float
) -> None:
    with pytest.raises(OutsideRating):
        await daq.set_source(channel, voltage_v)


async def test_totaliser_counts_until_it_is_cleared(bench: Bench, daq: DAQ970A) -> None:
    bench.daq_twin.count(1200)
    counted = await daq.count()

    await daq.clear_count()

    assert (counted, await daq.count()) == (1200, 0)


# What the twin answers to anybody's client: literals of the 34970A's manual.


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param("SYST:ERR?", '+0,"No error"', id="no error"),
        pytest.param("ROUT:SCAN (@301:303);SCAN?", "#214(@301,302,303)", id="scan list"),
        pytest.param("ROUT:SCAN (@303,301,301);SCAN:SIZE?", "+2", id="each once"),
        pytest.param("ROUT:SCAN (@);SCAN?", "#13(@)", id="empty list"),
        pytest.param("CONF:VOLT:DC 10,(@301);:ROUT:SCAN?", "#16(@301)", id="CONF makes the list"),
        pytest.param("SOUR:VOLT? (@104,105)", "+0.00000000E+00,+0.00000000E+00", id="sources"),
        pytest.param("SENS:TOT:TYPE RRES,(@103);TYPE? (@103)", "RRES", id="totaliser"),
        pytest.param("SENS:DIG:DATA:WORD? (@101)", "+65535", id="both bytes"),
        pytest.param("ROUT:CLOS (@201,203);CLOS? (@201:203)", "1,0,1", id="relays closed"),
        pytest.param("ROUT:CLOS (@201);OPEN? (@201,202)", "0,1", id="relays open"),
        pytest.param(
            "ROUT:CLOS (@201);CLOS:EXCL (@202);:ROUT:CLOS? (@201,202)", "0,1", id="only one"
        ),
        pytest.param("DIAG:REL:CYCL? (@201,202)", "+0,+0", id="cycles"),
        pytest.param("ROUT:DONE?", "1", id="done"),
        pytest.param("TRIG:TIM 5;TIM?", "+5.00000000E+00", id="timer"),
        pytest.param("MEAS:RES? (@301)", "+9.90000000E+37", id="open terminals"),
        pytest.param("R?", "#10", id="empty memory"),
    ],
)
def test_daq_answers(twin: DAQ970ATwin, message: str, answer: str) -> None:
    assert ask(twin, message) == answer


@pytest.mark.parametrize("slot", ["200", "2"], ids=["hundred", "number"])
def test_card_is_told_by_its_slot(twin: DAQ970ATwin, slot: str) -> None:
    assert ask(twin, f"SYST:CTYP? {slot}").split(",")[1] == "DAQM903A"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("ROUT:SCAN (@201)", 112, id="relays cannot be scanned"),
        pytest.param("READ?", -221, id="nothing to scan"),
        pytest.param("FETC?", -230, id="nothing read"),
        pytest.param("ROUT:SCAN (@301);:TRIG:SOUR BUS;:READ?", -214, id="nobody would trigger"),
        pytest.param("*TRG", -211, id="not waiting"),
        pytest.param("SOUR:VOLT 13,(@104)", -222, id="too high"),
        pytest.param("OUTP:ALAR1:MODE LATC", -113, id="no alarms"),
        pytest.param("SYST:CTYP? 400", -222, id="no fourth slot"),
    ],
)
def test_daq_refuses(twin: DAQ970ATwin, message: str, code: int) -> None:
    assert ask(twin, message) == ""

    assert int(ask(twin, "SYST:ERR?").split(",")[0]) == code


def test_scan_reads_its_channels_in_order(twin: DAQ970ATwin) -> None:
    volts = [float(value) for value in ask(twin, "ROUT:SCAN (@303,301,302);:READ?").split(",")]

    assert volts == pytest.approx([1.5, -2.5, 48.0], abs=0.005)


def test_scan_counts_the_cycles_of_the_multiplexer(twin: DAQ970ATwin) -> None:
    ask(twin, "ROUT:SCAN (@301,302);:TRIG:COUN 3;:READ?")

    assert ask(twin, "DIAG:REL:CYCL? (@301:303)") == "+3,+3,+0"


def test_scan_tells_unit_time_channel_and_alarm(twin: DAQ970ATwin) -> None:
    answer = ask(
        twin,
        "ROUT:SCAN (@301);:FORM:READ:UNIT ON;:FORM:READ:TIME ON;"
        ":FORM:READ:CHAN ON;:FORM:READ:ALAR ON;:READ?",
    )

    value, time, channel, alarm = answer.split(",")
    assert value.endswith(" VDC")
    assert (time, channel, alarm) == ("000000000.000", "301", "0")


def test_timer_scans_while_nobody_looks(twin: DAQ970ATwin, clock: Clock) -> None:
    ask(twin, "ROUT:SCAN (@301,302);:TRIG:SOUR TIM;:TRIG:TIM 2;:TRIG:COUN 4;:INIT")

    clock.now += 5_000_000

    assert ask(twin, "DATA:POIN?") == "+6"
    assert len(ask(twin, "FETC?").split(",")) == 6


def test_bus_trigger_takes_one_sweep(twin: DAQ970ATwin) -> None:
    ask(twin, "ROUT:SCAN (@301,302);:TRIG:SOUR BUS;:TRIG:COUN 2;:INIT")
    before = ask(twin, "DATA:POIN?")

    ask(twin, "*TRG")

    assert (before, ask(twin, "DATA:POIN?")) == ("+0", "+2")


def test_reading_memory_is_taken_from_its_beginning(twin: DAQ970ATwin) -> None:
    ask(twin, "ROUT:SCAN (@301,302);:INIT")

    first = ask(twin, "R? 1")

    assert first.startswith("#215+1.")
    assert ask(twin, "DATA:POIN?") == "+1"


def test_totaliser_that_resets_begins_anew_when_read(twin: DAQ970ATwin) -> None:
    twin.count(7)

    assert ask(twin, "MEAS:TOT? RRES,(@103)") == "+7.00000000E+00"
    assert ask(twin, "SENS:TOT:DATA? (@103)") == "+0.00000000E+00"


def test_totaliser_wraps_at_26_bits(twin: DAQ970ATwin) -> None:
    twin.count(67_108_864 + 5)

    assert ask(twin, "SENS:TOT:DATA? (@103)") == "+5.00000000E+00"


def test_reset_silences_the_outputs_and_opens_the_relays(twin: DAQ970ATwin) -> None:
    ask(twin, "SOUR:VOLT 5,(@104);:ROUT:CLOS (@201);:SOUR:DIG:DATA:BYTE 0,(@102)")

    ask(twin, "*RST")

    assert ask(twin, "SOUR:VOLT? (@104)") == "+0.00000000E+00"
    assert (twin.closed, twin.outputs) == (set(), {})
