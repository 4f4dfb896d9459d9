"""Frames and identifiers."""

import pytest

from rig.can.frame import Frame, Header, header_of, identifier_of, parse_frame
from rig.can.timing import bits_us, frame_bits


@pytest.mark.parametrize(
    ("identifier", "header"),
    [
        (0x1CEF5020, Header(priority=7, pgn=61184, source=0x20, destination=0x50)),
        (0x1CEFFF50, Header(priority=7, pgn=61184, source=0x50)),
        (0x18EEFF50, Header(priority=6, pgn=60928, source=0x50)),
        (0x19F21450, Header(priority=6, pgn=127508, source=0x50)),
        (0x1DEFFF50, Header(priority=7, pgn=126720, source=0x50)),
    ],
    ids=["addressed", "broadcast", "claim", "battery status", "long vreg"],
)
def test_an_identifier_reads_as_its_header_and_back(identifier: int, header: Header) -> None:
    assert (header_of(identifier), identifier_of(header)) == (header, identifier)


@pytest.mark.parametrize("text", ["1CEFFF50#6699020100000401", "351#4302", "00000351#"])
def test_a_frame_is_written_as_it_is_parsed(text: str) -> None:
    assert str(parse_frame(text)) == text


@pytest.mark.parametrize("text", ["1CEF#00", "FFF#00", "100#0011223344556677AA", "100", "100#0"])
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no frame"):
        parse_frame(text)


def test_equal_frames_are_equal() -> None:
    assert Frame(1, b"\x01") == Frame(1, b"\x01") != Frame(1, b"\x01", extended=False)


@pytest.mark.parametrize(
    ("length", "extended", "least", "most"),
    [(8, True, 128, 157), (0, True, 64, 77), (8, False, 108, 132)],
    ids=["extended 8", "extended 0", "standard 8"],
)
def test_a_length_lies_between_no_and_worst_stuffing(
    length: int, extended: bool, least: int, most: int
) -> None:
    assert least <= frame_bits(length, extended=extended) <= most


def test_a_bit_at_250_kbit_lasts_4_us() -> None:
    assert bits_us(1408, 250_000) == 5632
