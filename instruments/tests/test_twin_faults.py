"""Faults that a twin has on request, seen by a client."""

import random

import pytest

from instruments.drivers.psb10000 import EaPsb10000
from instruments.protocols import InstrumentTimeout, Trip
from instruments.tests.stand import DAQ, PSU, Bench
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.twins.twin import Fault


def psb(now_us: int = 0) -> EaPsb10000Twin:
    return EaPsb10000Twin(serial="1", dice=random.Random(1), now_us=lambda: now_us)


def test_answers_out_of_order_are_those_of_the_query_before() -> None:
    peer = (twin := psb()).conversation()
    peer.receive(b"*OPC?\n")

    twin.fault = Fault.WRONG_ORDER

    assert peer.receive(b"OUTP?\n") == b"1\n"
    assert peer.receive(b"SYST:VERS?\n") == b"OFF\n"


def test_slow_twin_answers_later() -> None:
    twin = psb()
    usual_s = twin.latency_s

    twin.fault, twin.slow_s = Fault.SLOW, 1.5
    slow_s = twin.latency_s
    twin.fault = None

    assert slow_s == pytest.approx(usual_s + 1.5)
    assert twin.latency_s == usual_s


async def test_answer_after_the_time_out_is_no_answer(bench: Bench, psu: EaPsb10000) -> None:
    bench.psu_twin.fault, bench.psu_twin.slow_s = Fault.SLOW, 60.0

    with pytest.raises(InstrumentTimeout):
        await psu.measure()


def test_lock_cannot_be_lost_by_a_model_without_one() -> None:
    twin = DAQ970ATwin(serial="1", dice=random.Random(1))

    with pytest.raises(ValueError, match="no remote lock"):
        twin.fault = Fault.LOCK_LOST


def test_trip_cannot_be_injected_where_nothing_can_trip() -> None:
    twin = DAQ970ATwin(serial="1", dice=random.Random(1))

    with pytest.raises(ValueError, match="no terminals"):
        twin.inject_trip(Trip.OVER_VOLTAGE)


async def test_what_is_not_heard_feeds_no_watchdog(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_watchdog(2.0)
    bench.psu_twin.fault = Fault.SILENT
    peer = bench.psu_twin.conversation()

    for _ in range(3):
        bench.clock.now += 1_000_000
        peer.receive(b"*STB?\n")

    assert not bench.psu_twin.remote


async def test_wrong_identity_is_only_the_identity(bench: Bench) -> None:
    bench.psu_twin.fault = Fault.WRONG_IDENTITY
    session = bench.session(PSU)

    assert await session.query("*IDN?") == "OTHER MAKER,OTHER MODEL,0,0"
    assert await session.query("OUTP?") == "OFF"
    assert bench.daq_twin.fault is None
    assert (await bench.session(DAQ).query("*IDN?")).startswith("Keysight")
