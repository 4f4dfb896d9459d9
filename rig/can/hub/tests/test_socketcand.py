"""The socketcand protocol, byte by byte; literals from doc/protocol.md and python-can's client."""

import pytest
from can.interfaces.socketcand.socketcand import convert_ascii_message_to_can_message
from hypothesis import given
from hypothesis import strategies as st

from rig.can.frame import Frame
from rig.can.hub.records import ErrorClass
from rig.can.hub.socketcand import Stage, Stranger, error_text, frame_text


@pytest.fixture
def stranger():
    return Stranger(["can0", "can1"])


@pytest.fixture
def raw(stranger):
    stranger.receive(b"< open can1 >< rawmode >")
    stranger.answers.clear()
    return stranger


def said(stranger):
    told = b"".join(stranger.answers).decode()
    stranger.answers.clear()
    return told


def test_the_way_into_raw_mode(stranger):
    assert said(stranger) == "< hi >"

    stranger.receive(b"< open can1 >")
    assert said(stranger) == "< ok >"

    stranger.receive(b"< rawmode >")
    assert said(stranger) == "< ok >"
    assert (stranger.stage, stranger.bus) == (Stage.RAW, 1)


def test_a_bus_that_there_is_not_is_refused_and_the_others_are_named(stranger):
    said(stranger)

    stranger.receive(b"< open vcan7 >")

    assert said(stranger) == "< error could not open bus: can0, can1 >"
    assert stranger.stage is Stage.GREETED


@pytest.mark.parametrize("words", ["rawmode", "send 123 0", "bcmmode", "frobnicate", ""])
def test_what_has_no_meaning_before_open_is_an_error(stranger, words):
    said(stranger)

    stranger.receive(f"< {words} >".encode())

    assert said(stranger).startswith("< error ")
    assert stranger.frames == []


def test_echo_is_answered(raw):
    raw.receive(b"< echo >")

    assert said(raw) == "< echo >"


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        ("123 0 ", Frame(0x123, b"", extended=False)),
        ("7FF 2 1 FF", Frame(0x7FF, b"\x01\xff", extended=False)),
        ("00000123 1 0a", Frame(0x123, b"\x0a")),
        ("1CEFFF50 8 66 99 2 1 0 0 4 1", Frame(0x1CEFFF50, b"\x66\x99\x02\x01\x00\x00\x04\x01")),
    ],
)
def test_a_frame_to_send_with_bytes_of_one_digit_or_two(raw, words, frame):
    raw.receive(f"< send {words} >".encode())

    assert raw.frames == [frame]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("123 4", id="remote frame of python-can"),
        pytest.param("123 40 " + "0 " * 64, id="FD frame of python-can"),
        pytest.param("800 0", id="12 bits"),
        pytest.param("20000000 0", id="30 bits"),
        pytest.param("123 1 100", id="byte of three digits"),
        pytest.param("123 1 -1", id="negative"),
        pytest.param("123 1 0x1", id="prefix"),
        pytest.param("123", id="no length"),
        pytest.param("123 2 0", id="too few bytes"),
    ],
)
def test_what_is_no_classic_data_frame_is_counted_and_not_answered(raw, words):
    raw.receive(f"< send {words} >".encode())

    assert (raw.frames, raw.refused, said(raw)) == ([], 1, "")


@given(st.lists(st.integers(1, 12), max_size=40))
def test_sayings_may_come_in_any_pieces(sizes):
    stranger = Stranger(["can0"])
    text = b"< open can0 >< rawmode >" + b"< send 123 2 1 2 >" * 5

    for size in sizes:
        stranger.receive(text[:size])
        text = text[size:]
    stranger.receive(text)

    assert stranger.frames == [Frame(0x123, b"\x01\x02", extended=False)] * 5
    assert said(stranger) == "< hi >< ok >< ok >"


@pytest.mark.parametrize(
    "noise", [b"\xff\xfe" * 400, b"<" * 4000, b"GET / HTTP/1.1\r\n\r\n" * 40, b"< " + b"9" * 1000]
)
def test_noise_is_thrown_away_and_the_next_saying_is_understood(raw, noise):
    raw.receive(noise)
    raw.receive(b">< send 123 0 >< send 124 0 >")

    assert raw.frames[-1] == Frame(0x124, b"", extended=False)


def test_who_begins_in_another_protocol_is_not_listened_to_any_more(stranger):
    body = "< open can0 >< rawmode >< send 123 0 >"

    stranger.receive(f"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{body}".encode())

    assert stranger.is_foreign
    assert stranger.stage is Stage.GREETED
    assert stranger.frames == []


def test_a_frame_is_told_with_seconds_and_contiguous_bytes():
    standard = Frame(0x12, b"\x01\xab", extended=False)

    assert frame_text(1_700_000_000_000_042, standard) == b"< frame 012 1700000000.000042 01ab >"
    assert frame_text(3_500_000, Frame(0x12, b"")) == b"< frame 00000012 3.500000  >"


@given(
    st.integers(0, 2**50),
    st.integers(0, 0x1FFFFFFF),
    st.binary(max_size=8),
    st.booleans(),
)
def test_python_can_reads_what_is_told(time_us, identifier, data, extended):
    frame = Frame(identifier if extended else identifier & 0x7FF, data, extended)

    message = convert_ascii_message_to_can_message(frame_text(time_us, frame).decode())

    read = Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)
    assert read == frame
    assert message.timestamp == pytest.approx(time_us / 1e6, abs=1e-6)


def test_python_can_reads_an_error_frame():
    text = error_text(2_000_001, ErrorClass.PROTOCOL)

    message = convert_ascii_message_to_can_message(text.decode())

    assert message.is_error_frame
    assert message.arbitration_id == 0x88
