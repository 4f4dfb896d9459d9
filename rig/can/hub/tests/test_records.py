"""Frames as bytes between the hub and our processes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.can.frame import Frame
from rig.can.hub.records import (
    ECHO,
    BadRecord,
    ErrorClass,
    datagram,
    dropped_before,
    error_record,
    frame_record,
    frames_to_send,
    seen_in,
)

FRAMES = st.one_of(
    st.builds(Frame, st.integers(0, 0x1FFFFFFF), st.binary(max_size=8), st.just(True)),
    st.builds(Frame, st.integers(0, 0x7FF), st.binary(max_size=8), st.just(False)),
)


@given(st.lists(st.tuples(st.integers(0, 3), FRAMES), max_size=20))
def test_what_is_sent_is_what_arrives(sent):
    packed = datagram([frame_record(0, bus, frame) for bus, frame in sent])

    assert frames_to_send(packed, 4) == sent
    assert [(seen.bus, seen.frame) for seen in seen_in(packed)] == sent


def test_a_frame_takes_24_bytes_behind_a_head_of_8():
    record = frame_record(1_700_000_000_123_456, 2, Frame(0x1CEFFF50, b"\x66\x99\x02"))

    assert record.hex() == "40222018240a0600" + "50ffef1c" + "02010300" + "6699020000000000"
    assert datagram([record], dropped=5) == bytes([1, 0, 0, 0, 5, 0, 0, 0]) + record


def test_a_datagram_says_how_many_were_dropped_before_it():
    assert dropped_before(datagram([], dropped=70_000)) == 70_000


def test_an_error_frame_is_none_of_the_data_frames():
    (seen,) = seen_in(datagram([error_record(7, 1, ErrorClass.NO_ACKNOWLEDGE)]))

    assert (seen.time_us, seen.bus, seen.is_error, seen.identifier) == (7, 1, True, 0xA0)


def test_an_own_frame_that_comes_back_is_marked():
    (seen,) = seen_in(datagram([frame_record(1, 0, Frame(1, b""), ECHO)]))

    assert seen.is_echo
    assert not seen.is_error


@pytest.mark.parametrize(
    ("bus", "identifier", "flags", "length"),
    [
        pytest.param(1, 0x100, 1, 8, id="bus that the client is not on"),
        pytest.param(0, 1 << 29, 1, 8, id="identifier of 30 bits"),
        pytest.param(0, 0x800, 0, 8, id="standard identifier of 12 bits"),
        pytest.param(0, 0x100, 1, 9, id="9 bytes"),
    ],
)
def test_a_frame_that_no_bus_can_carry_is_refused(bus, identifier, flags, length):
    record = struct.pack("<QIBBBx8s", 0, identifier, bus, flags, length, b"")

    with pytest.raises(BadRecord, match=r"allowed: 11 or 29 bits, up to 8 bytes, bus below 1"):
        frames_to_send(datagram([record]), 1)


@pytest.mark.parametrize("read", [seen_in, lambda packed: frames_to_send(packed, 1)])
def test_a_cut_datagram_is_refused(read):
    packed = datagram([frame_record(0, 0, Frame(1, b""))])

    with pytest.raises(BadRecord, match="a datagram of 31 bytes; allowed: 8 and a multiple of 24"):
        read(packed[:-1])
