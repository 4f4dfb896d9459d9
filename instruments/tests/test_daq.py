"""Digital lines, relays and voltages: the driver on its twin."""

import asyncio

import pytest

from instruments.drivers.keysight_daq970a import DAQ970A
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    DigitalIO,
    IdentityMismatch,
)
from instruments.tests.stand import DAQ, Bench
from instruments.twins import keysight_daq970a


async def test_driver_is_digital_io(daq: DAQ970A) -> None:
    assert isinstance(daq, DigitalIO)


async def test_wrong_card_in_a_slot_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keysight_daq970a.CARDS, 200, "DAQM901A")
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
