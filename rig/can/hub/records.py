"""Frames between the hub and our processes: many to a datagram, each 24 bytes.

Rules of this file: bytes and nothing else, little-endian. A datagram that begins with `{` is a
request or an answer (`requests`); one that begins with `FRAMES` holds a header, then records. The
header counts the frames that the hub had to drop for this client before this datagram. Times are
the hub's: microseconds since 1970 of the one clock that all its buses share; from a client, 0.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from rig.can.frame import Frame

FRAMES = 1
HEADER = struct.Struct("<BxxxI")
"""Kind, frames dropped until now."""

RECORD = struct.Struct("<QIBBBx8s")
"""Time, identifier, bus, flags, length, data."""

EXTENDED, ERROR, ECHO = 1, 2, 4
"""Flags: 29 bits of identifier; an error frame; the receiver's own frame."""

RECORDS_A_DATAGRAM = 512
DATAGRAM_BYTES_MAX = HEADER.size + RECORDS_A_DATAGRAM * RECORD.size

_pack = RECORD.pack


class BadRecord(ValueError):
    """A datagram that holds no frames that could be on a bus."""


class Seen(NamedTuple):
    """One frame as a client sees it. An error frame's data are those of `error_record`."""

    time_us: int
    bus: int
    identifier: int
    data: bytes
    flags: int

    @property
    def extended(self) -> bool:
        """Whether the identifier has 29 bits."""
        return bool(self.flags & EXTENDED)

    @property
    def is_error(self) -> bool:
        """Whether it is an error frame."""
        return bool(self.flags & ERROR)

    @property
    def is_echo(self) -> bool:
        """Whether the receiver itself has sent it."""
        return bool(self.flags & ECHO)

    @property
    def frame(self) -> Frame:
        """The frame itself."""
        return Frame(self.identifier, self.data, self.extended)


class ErrorClass:
    """Identifiers of error frames, as linux/can/error.h has them."""

    PROTOCOL = 0x88
    """A violation of the protocol, and an error on the bus."""

    NO_ACKNOWLEDGE = 0xA0
    """Nobody has acknowledged, and an error on the bus."""


def frame_record(time_us: int, bus: int, frame: Frame, flags: int = 0) -> bytes:
    """A frame as it goes over the socket."""
    if frame.extended:
        flags |= EXTENDED
    return _pack(time_us, frame.identifier, bus, flags, len(frame.data), frame.data)


def error_record(time_us: int, bus: int, error: int) -> bytes:
    """An error frame: ``error`` is an `ErrorClass`; eight bytes of nothing."""
    return _pack(time_us, error, bus, ERROR | EXTENDED, 8, b"")


def datagram(records: Iterable[bytes], dropped: int = 0) -> bytes:
    """Up to `RECORDS_A_DATAGRAM` records as one datagram."""
    return HEADER.pack(FRAMES, dropped & 0xFFFFFFFF) + b"".join(records)


def dropped_before(received: bytes) -> int:
    """How many frames the receiver has missed before this datagram."""
    return int(HEADER.unpack_from(received)[1])


def seen_in(received: bytes) -> list[Seen]:
    """The frames of a datagram of the hub. Raises BadRecord if it is cut."""
    try:
        return [
            Seen(time_us, bus, identifier, data[:length], flags)
            for time_us, identifier, bus, flags, length, data in RECORD.iter_unpack(
                memoryview(received)[HEADER.size :]
            )
        ]
    except struct.error:
        raise BadRecord(_cut(received)) from None


def frames_to_send(received: bytes, buses: int) -> list[tuple[int, Frame]]:
    """Bus and frame of each record that a client sends; ``buses`` is the number of its buses.

    Raises BadRecord for the first that cannot be: nothing of the datagram is sent then.
    """
    found = []
    try:
        for _, identifier, bus, flags, length, data in RECORD.iter_unpack(
            memoryview(received)[HEADER.size :]
        ):
            extended = flags & EXTENDED
            if bus >= buses or length > 8 or identifier >> (29 if extended else 11):
                raise BadRecord(
                    f"frame {identifier:#x} of {length} bytes to bus {bus}; allowed: 11 or 29 "
                    f"bits, up to 8 bytes, bus below {buses}"
                )
            found.append((bus, Frame(identifier, data[:length], bool(extended))))
    except struct.error:
        raise BadRecord(_cut(received)) from None
    return found


def _cut(received: bytes) -> str:
    return (
        f"a datagram of {len(received)} bytes; allowed: {HEADER.size} and a multiple of "
        f"{RECORD.size}"
    )
