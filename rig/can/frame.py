"""One CAN frame, and how a 29-bit identifier of NMEA 2000 reads.

Rules of this file: a `Frame` is immutable by convention (nobody assigns to one after it was made;
a frozen dataclass would cost half a microsecond more a frame); data frames only, 0 to 8 bytes.
"""

import re
from dataclasses import dataclass

BROADCAST = 0xFF
"""The destination that means everybody."""

_ADDRESSED_BELOW = 0xF0
"""PDU formats under this carry a destination where the others carry the end of their PGN."""

_CANDUMP = re.compile("([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#((?:[0-9A-Fa-f]{2}){0,8})")


@dataclass(slots=True, unsafe_hash=True)
class Frame:
    """A data frame: identifier (11 or 29 bit), up to 8 bytes."""

    identifier: int
    data: bytes
    extended: bool = True

    def __str__(self) -> str:
        """The candump form: `1CEFFF50#6699020100000401`."""
        digits = 8 if self.extended else 3
        return f"{self.identifier:0{digits}X}#{self.data.hex().upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a 29-bit identifier says; `destination` is 255 for a broadcast."""

    priority: int
    pgn: int
    source: int
    destination: int = BROADCAST


def parse_frame(text: str) -> Frame:
    """A frame from its candump form; three digits of identifier make it a standard frame.

    Raises ValueError for anything else.
    """
    shape = _CANDUMP.fullmatch(text.strip())
    if shape is None:
        raise ValueError(f"{text!r} is no frame: expected 351#00.. or 1CEFFF50#00.., 0 to 8 bytes")
    identifier = int(shape[1], 16)
    extended = len(shape[1]) == 8
    if identifier >= 1 << (29 if extended else 11):
        raise ValueError(f"{text!r} is no frame: its identifier has more than 29 or 11 bits")
    return Frame(identifier, bytes.fromhex(shape[2]), extended)


def header_of(identifier: int) -> Header:
    """The parts of a 29-bit identifier."""
    pgn = identifier >> 8 & 0x3FFFF
    destination = BROADCAST
    if pgn >> 8 & 0xFF < _ADDRESSED_BELOW:
        destination = pgn & 0xFF
        pgn &= 0x3FF00
    return Header(
        priority=identifier >> 26 & 7, pgn=pgn, source=identifier & 0xFF, destination=destination
    )


def identifier_of(header: Header) -> int:
    """The 29-bit identifier of a header. Raises ValueError for a PGN that cannot be addressed."""
    pgn = header.pgn
    if pgn >> 8 & 0xFF < _ADDRESSED_BELOW:
        if pgn & 0xFF:
            raise ValueError(f"PGN {pgn} is addressed: its low byte must be 0")
        pgn |= header.destination
    return header.priority << 26 | pgn << 8 | header.source
