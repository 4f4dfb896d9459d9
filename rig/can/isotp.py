"""ISO 15765-2 as a tester speaks it: one request out, one answer in; no I/O, no clock.

Written apart from the firmware's, so that what one of the two gets wrong, the other notices.
Normal fixed addressing: 18DA, destination, source.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rig.can.frame import Frame

TESTER = 0xF9  # public: SAE J1939-81, an off-board diagnostic tool
LONGEST = 4095
BLOCK = 16  # chosen: consecutive frames that an adapter takes at a time
_HEAD = 0x18DA0000
_FILLER = 0xCC


class TransportError(RuntimeError):
    """The partner did not keep to the transport protocol, or refuses the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a flow control says: so many frames, so far apart; or to wait for another one."""

    frames: int  # 0: none yet
    separation_us: int


def frame_to(destination: int, payload: bytes, source: int = TESTER) -> Frame:
    """A frame of the tester's to a device."""
    return Frame(_HEAD | destination << 8 | source, payload)


def is_from(frame: Frame, device: int, tester: int = TESTER) -> bool:
    """Whether a frame is the device's to the tester."""
    return frame.extended and frame.identifier == _HEAD | tester << 8 | device


def is_from_the_tester(frame: Frame) -> bool:
    """Whether a frame is the tester's to some device."""
    return frame.extended and frame.identifier & ~0xFF00 == _HEAD | TESTER


def is_for_the_tester(identifier: int) -> bool:
    """Whether any device sends this to the tester."""
    return identifier & ~0xFF == _HEAD | TESTER << 8


def _padded(payload: bytes) -> bytes:
    return payload + bytes([_FILLER]) * (8 - len(payload))


class Request:
    """A message that goes out: its first frame, then the others as the partner permits them."""

    def __init__(self, message: bytes) -> None:
        if not 0 < len(message) <= LONGEST:
            raise TransportError(f"a message has 1 to {LONGEST} bytes; this one has {len(message)}")
        self._message, self._sent, self._number = message, 0, 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to send."""
        return self._sent >= len(self._message)

    def first(self) -> bytes:
        """The frame that opens it."""
        message = self._message
        if len(message) < 8:
            self._sent = len(message)
            return _padded(bytes([len(message)]) + message)
        self._sent = 6
        return (0x1000 | len(message)).to_bytes(2, "big") + message[:6]

    def permitted(self, frames: int) -> Iterator[bytes]:
        """The next so many frames."""
        while frames > 0 and not self.is_complete:
            frames -= 1
            self._number += 1
            part = self._message[self._sent : self._sent + 7]
            self._sent += len(part)
            yield _padded(bytes([0x20 + self._number % 16]) + part)


def permission(payload: bytes) -> Permission | None:
    """What a flow control permits; None for another kind of frame.

    Raises TransportError if the partner refuses the message, or says nothing known.
    """
    if len(payload) < 3 or payload[0] >> 4 != 3:
        return None
    status, block, separation = payload[0] % 16, payload[1], payload[2]
    if status == 2:
        raise TransportError("the device has no room for the message (overflow)")
    if status > 2:
        raise TransportError(f"the device's flow status {status} is none")
    if 0xF1 <= separation <= 0xF9:
        separation_us = (separation - 0xF0) * 100
    else:
        separation_us = min(separation, 0x7F) * 1000
    frames = 0 if status == 1 else block or LONGEST
    return Permission(frames=frames, separation_us=separation_us)


class Answer:
    """A message that comes in; `take` says what has to be sent in return."""

    def __init__(self) -> None:
        self._gathered = bytearray()
        self._length = self._next = 0
        self.message: bytes | None = None

    def take(self, payload: bytes) -> bytes | None:
        """Take a frame; a flow control if one is due. Raises TransportError if one is missing."""
        kind = payload[0] >> 4 if payload else 15
        if kind == 0 and 0 < payload[0] < len(payload):
            self.message = payload[1 : payload[0] + 1]
        elif kind == 1 and len(payload) == 8:
            self._length = int.from_bytes(payload[:2], "big") - 0x1000
            self._gathered = bytearray(payload[2:])
            self._next = 1
            return _permit()
        elif kind == 2 and self._length:
            if payload[0] % 16 != self._next % 16:
                raise TransportError(
                    f"consecutive frame {self._next % 16} is missing; got {payload[0] % 16}"
                )
            self._gathered += payload[1:]
            self._next += 1
            if len(self._gathered) >= self._length:
                self.message = bytes(self._gathered[: self._length])
            elif (self._next - 1) % BLOCK == 0:
                return _permit()
        return None


def _permit() -> bytes:
    return _padded(bytes([0x30, BLOCK, 0]))
