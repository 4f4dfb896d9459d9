"""Exchanges: one at a time, checked, logged, and clean after something went wrong."""

import asyncio

import pytest
from pyvisa.errors import VisaIOError

from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    IdentityMismatch,
    InstrumentLost,
    InstrumentTimeout,
)
from instruments.tests.stand import DAQ, PSU, Bench
from instruments.twins.twin import Fault

MODELS = ("DAQ970A",)


async def test_opening_tells_the_identity(bench: Bench) -> None:
    identity = await bench.session(DAQ).open(MODELS)

    assert (identity.manufacturer, identity.model, identity.serial) == (
        "Keysight Technologies",
        "DAQ970A",
        "MY1",
    )


async def test_another_model_is_refused(bench: Bench) -> None:
    bench.daq_twin.fault = Fault.WRONG_IDENTITY

    with pytest.raises(IdentityMismatch, match="'OTHER MODEL', expected 'DAQ970A'"):
        await bench.session(DAQ).open(MODELS)


async def test_another_serial_number_is_refused(bench: Bench) -> None:
    with pytest.raises(IdentityMismatch, match="'MY1', expected 'MY2'"):
        await bench.session(DAQ).open(MODELS, serial="MY2")


async def test_query_takes_the_latency_of_the_twin(bench: Bench) -> None:
    bench.daq_twin.latency_s = 0.25

    await bench.session(DAQ).query("*OPC?")

    assert bench.clock.now == 250_000


async def test_answer_that_never_comes_costs_the_time_out(bench: Bench) -> None:
    bench.daq_twin.fault = Fault.MUTE

    with pytest.raises(InstrumentTimeout, match=r"'\*OPC\?' within 2000 ms"):
        await bench.session(DAQ).query("*OPC?")

    assert bench.clock.now == 2_000_000


async def test_late_answer_does_not_answer_the_next_query(bench: Bench) -> None:
    session = bench.session(DAQ)
    bench.daq_twin.latency_s = 3.0
    with pytest.raises(InstrumentTimeout):
        await session.query("*IDN?")

    bench.daq_twin.latency_s = 0.01

    assert await session.query("*OPC?") == "1"


async def test_answer_left_behind_by_a_cancelled_query_does_not_answer_the_next(
    bench: Bench,
) -> None:
    class Impatient(Exception):
        pass

    async def settle(seconds: float) -> None:
        if impatient:
            raise Impatient
        await bench.clock.settle(seconds)

    session = bench.library.open_session(DAQ, now_us=bench.clock.now_us, settle=settle)
    impatient = True
    with pytest.raises(Impatient):
        await session.query("*IDN?")

    impatient = False

    assert await session.query("*OPC?") == "1"


async def test_two_coroutines_get_each_its_own_answers(bench: Bench) -> None:
    session = bench.library.open_session(DAQ, now_us=bench.clock.now_us, settle=_turns)
    wrong = []

    async def ask(query: str, expected: str) -> None:
        for _ in range(50):
            answer = await session.query(query)
            if answer != expected:
                wrong.append((query, answer))

    tasks = [
        asyncio.create_task(ask(*pair))
        for pair in (("*OPC?", "1"), ("*TST?", "+0"), ("SYST:VERS?", "1999.0"))
    ]
    for task in tasks:
        await task

    assert wrong == []


async def _turns(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_refused_command_raises_with_what_the_instrument_says(bench: Bench) -> None:
    with pytest.raises(CommandRefused, match=r"'NOSUCH 1': -113,\"Undefined header\""):
        await bench.session(DAQ).command("NOSUCH 1")


async def test_batch_checks_once_for_all(bench: Bench) -> None:
    session = bench.session(DAQ, check="batch")
    await session.command("NOSUCH 1")
    await session.command("*ESE 999")

    with pytest.raises(CommandRefused, match=r"-113.*-222"):
        await session.check()


async def test_checking_switched_off_leaves_the_errors_in_the_instrument(bench: Bench) -> None:
    session = bench.session(DAQ, check="off")
    await session.command("NOSUCH 1")

    assert await session.errors() == ['-113,"Undefined header"']


async def test_every_exchange_is_logged_with_its_time(bench: Bench) -> None:
    bench.clock.now = 7_000_000
    bench.daq_twin.latency_s = 0.5

    await bench.session(DAQ).query("*OPC?")

    assert bench.log == [(7_000_000, ">", "*OPC?"), (7_500_000, "<", "1")]


async def test_garbage_is_named_so(bench: Bench) -> None:
    bench.daq_twin.fault = Fault.GARBAGE

    with pytest.raises(AnswerGarbled):
        await bench.session(DAQ).query("*OPC?")


async def test_lost_connection_is_told_from_a_slow_one(bench: Bench) -> None:
    session = bench.session(DAQ)
    bench.daq_twin.fault = Fault.LOST

    with pytest.raises(InstrumentLost):
        await session.query("*OPC?")


async def test_session_comes_back_after_its_connection_did(bench: Bench) -> None:
    session = bench.session(DAQ)
    bench.daq_twin.fault = Fault.LOST
    with pytest.raises(InstrumentLost):
        await session.query("*OPC?")

    bench.daq_twin.fault = None

    assert await session.query("*OPC?") == "1"


@pytest.mark.parametrize("name", [DAQ, "TCPIP::daq.bench::hislip0::INSTR"])
async def test_time_out_opens_the_connection_anew(bench: Bench, name: str) -> None:
    bench.library.register(name, bench.daq_twin)
    session = bench.session(name)
    bench.daq_twin.fault = Fault.SILENT
    with pytest.raises(InstrumentTimeout):
        await session.query("*OPC?")
    handles = bench.library._links.copy()
    bench.daq_twin.fault = None

    assert await session.query("*OPC?") == "1"
    assert bench.library._links.keys().isdisjoint(handles)


async def test_closed_session_refuses_and_can_be_opened_again(bench: Bench) -> None:
    session = bench.session(DAQ)
    await session.close()
    with pytest.raises(InstrumentLost, match="closed"):
        await session.query("*OPC?")

    assert (await session.open(MODELS)).model == "DAQ970A"


def test_reading_before_an_answer_is_there_times_out_at_once(bench: Bench) -> None:
    resource = bench.library.resource(DAQ)
    resource.write("*OPC?")

    with pytest.raises(VisaIOError, match="VI_ERROR_TMO"):
        resource.read()


def test_socket_without_read_termination_times_out_though_the_answer_is_there(
    bench: Bench,
) -> None:
    bench.daq_twin.latency_s = 0.0
    resource = bench.library.resource(DAQ)
    resource.read_termination = None
    resource.write("*OPC?")

    with pytest.raises(VisaIOError, match="VI_ERROR_TMO"):
        resource.read()


def test_unread_answer_of_a_message_interface_is_thrown_away_with_410(bench: Bench) -> None:
    bench.daq_twin.latency_s = 0.0
    bench.library.register("TCPIP::daq.bench::hislip0::INSTR", bench.daq_twin)
    resource = bench.library.resource("TCPIP::daq.bench::hislip0::INSTR")
    resource.write("*IDN?")

    assert resource.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'


def test_reading_a_message_interface_unasked_is_420(bench: Bench) -> None:
    bench.daq_twin.latency_s = 0.0
    bench.library.register("TCPIP::daq.bench::hislip0::INSTR", bench.daq_twin)
    resource = bench.library.resource("TCPIP::daq.bench::hislip0::INSTR")
    with pytest.raises(VisaIOError):
        resource.read()

    assert resource.query("SYST:ERR?") == '-420,"Query UNTERMINATED"'


def test_names_of_the_bench_are_listed(bench: Bench) -> None:
    from pyvisa import ResourceManager

    assert len(ResourceManager(bench.library).list_resources("?*::SOCKET")) == 3


def test_name_that_nobody_registered_is_not_found(bench: Bench) -> None:
    with pytest.raises(VisaIOError, match="VI_ERROR_RSRC_NFOUND"):
        bench.library.resource("TCPIP::nobody::5025::SOCKET")


def test_two_libraries_share_no_twins(bench: Bench) -> None:
    other = type(bench.library).create()

    with pytest.raises(VisaIOError, match="VI_ERROR_RSRC_NFOUND"):
        other.resource(PSU)
    other.close_all()


def test_answer_longer_than_one_read_comes_whole(bench: Bench) -> None:
    bench.daq_twin.latency_s = 0.0
    resource = bench.library.resource(DAQ)
    resource.chunk_size = 4

    resource.write("SYST:VERS?;:SYST:VERS?")

    assert resource.read() == "1999.0;1999.0"
