"""ISO 15765-2 (ISO-TP) without I/O: messages of up to 4095 bytes over frames of eight.

Rules of this file: an endpoint has one partner, and takes and gives one message at a time; what it
may send now it says when asked; a message that breaks off is dropped, `aborted` says why, and the
endpoint is ready for the next one. Time limits are met with the times at which frames arrived.
Public: ISO 15765-2, normal fixed addressing with 29 bit identifiers.
"""

from dataclasses import dataclass
from enum import StrEnum

from bms.firmware import milliseconds, seconds
from bms.io import CanFrame, Frame

PHYSICAL = 0x18DA  # priority 6, PDU format 0xDA: one partner
FIRST_LENGTH, LATER_LENGTH = 6, 7  # data bytes of a first and of a consecutive frame
LONGEST = 0xFFF  # what the twelve bits of a first frame can say
PADDING = b"\xcc"  # public: ISO 15765-2 proposes it, for the fewest stuff bits
GO_ON, WAIT, OVERFLOW = 0, 1, 2
NEVER_US = 1 << 62
# Chosen: as many frames as a transmit buffer holds go at once, then as long as the wire needs them.
BURST, BURST_US = 16, milliseconds(10)


class Abort(StrEnum):
    """Why a message broke off."""

    SEQUENCE = "a consecutive frame is missing"
    TIMEOUT = "the partner took too long"
    OVERFLOW = "the partner has no room for it"
    REPLACED = "the partner began another message"
    WAITS = "the partner asked too often to wait"
    FLOW = "the partner's flow control says nothing known"
    CANCELLED = "the sender takes it back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an endpoint takes, and how long it waits for its partner."""

    longest: int = LONGEST
    block: int = 8  # frames between two flow controls; 0: all
    timeout_us: int = seconds(1)  # public: ISO 15765-2, N_Bs and N_Cr
    waits: int = 10


class TooLong(ValueError):
    """A message that twelve bits of length cannot carry."""


def identifier(destination: int, source: int) -> int:
    """The identifier of normal fixed addressing."""
    return PHYSICAL << 16 | destination << 8 | source


def is_between(frame: CanFrame, destination: int, source: int) -> bool:
    """Whether a frame is one partner's to the other."""
    return frame.extended and frame.identifier == identifier(destination, source)


def frames_to(destination: int, source: int, contents: list[bytes]) -> tuple[Frame, ...]:
    """Frames with these contents."""
    number = identifier(destination, source)
    return tuple(Frame(number, content) for content in contents)


class Endpoint:
    """One end of a conversation."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.aborted: Abort | None = None
        self._ready: list[bytes] = []  # flow controls, single and first frames: at once
        self._taken = b""  # of the message that comes in
        self._missing = 0
        self._sequence_in = 0
        self._in_block = 0
        self._taken_until_us = 0
        self._rest = b""  # of the message that goes out
        self._sequence_out = 0
        self._allowed = 0  # consecutive frames until the next flow control
        self._flows_until_us: int | None = None  # waits for a flow control until then
        self._separation_us = 0
        self._waits = 0
        self._next_us = 0

    @property
    def due_us(self) -> int:
        """When it next has something to send."""
        if self._ready:
            return 0
        return self._next_us if self._rest and self._allowed else NEVER_US

    def send(self, now_us: int, message: bytes) -> None:
        """Give a message to the partner; one that is still on its way is given up.

        Raises TooLong above 4095 bytes.
        """
        if len(message) > LONGEST:
            raise TooLong(f"a message has at most {LONGEST} bytes; this one has {len(message)}")
        self._rest, self._allowed, self._flows_until_us = b"", 0, None
        if len(message) <= LATER_LENGTH:
            self._ready.append(_filled(bytes((len(message),)) + message))
            return
        head = bytes((0x10 | len(message) >> 8, len(message) & 0xFF))
        self._ready.append(head + message[:FIRST_LENGTH])
        self._rest, self._sequence_out, self._waits = message[FIRST_LENGTH:], 1, 0
        self._flows_until_us = now_us + self.limits.timeout_us

    @property
    def sends(self) -> bool:
        """Whether a message is on its way to the partner, and not yet complete."""
        return bool(self._rest)

    def cancel(self) -> None:
        """Send no more of the message that goes out."""
        self._stop(Abort.CANCELLED)

    def frames(self, now_us: int) -> list[bytes]:
        """The contents of the frames that may go now."""
        if not self._ready and not self._rest:
            return []
        ready, self._ready = self._ready, []
        if self._rest and self._allowed and now_us >= self._next_us:
            burst = 1 if self._separation_us else min(BURST, self._allowed)
            while burst and self._rest:
                part, self._rest = self._rest[:LATER_LENGTH], self._rest[LATER_LENGTH:]
                ready.append(_filled(bytes((0x20 | self._sequence_out,)) + part))
                self._sequence_out = self._sequence_out + 1 & 0x0F
                self._allowed -= 1
                burst -= 1
            self._next_us = now_us + (self._separation_us or BURST_US)
            waits = self._rest and not self._allowed
            self._flows_until_us = now_us + self.limits.timeout_us if waits else None
        return ready

    def hear(self, time_us: int, data: bytes) -> bytes | None:
        """Take in a frame of the partner; the message if this completes one."""
        match data[0] >> 4 if data else None:
            case 0:
                return self._single(data)
            case 1:
                self._first(time_us, data)
            case 2:
                return self._consecutive(time_us, data)
            case 3:
                self._flow(time_us, data)
        return None

    def _single(self, data: bytes) -> bytes | None:
        length = data[0]
        if not 1 <= length < len(data):
            return None
        self._give_up(Abort.REPLACED if self._missing else None)
        return data[1 : 1 + length]

    def _first(self, time_us: int, data: bytes) -> None:
        if len(data) < 2 + FIRST_LENGTH:
            return
        length = (data[0] & 0x0F) << 8 | data[1]
        if 0 < length <= LATER_LENGTH:
            return
        self._give_up(Abort.REPLACED if self._missing else None)
        if not 0 < length <= self.limits.longest:  # 0: the length follows, in 32 bits
            self._ready.append(_flow_control(OVERFLOW, 0))
            return
        self._taken, self._missing = data[2:], length - FIRST_LENGTH
        self._sequence_in = 1
        self._invite(time_us)

    def _consecutive(self, time_us: int, data: bytes) -> bytes | None:
        if not self._missing:
            return None
        if time_us > self._taken_until_us:
            self._give_up(Abort.TIMEOUT)
            return None
        part = data[1 : 1 + min(self._missing, LATER_LENGTH)]
        if data[0] & 0x0F != self._sequence_in or len(part) < min(self._missing, LATER_LENGTH):
            self._give_up(Abort.SEQUENCE)
            return None
        self._sequence_in = self._sequence_in + 1 & 0x0F
        self._taken += part
        self._missing -= len(part)
        if not self._missing:
            return self._taken
        self._in_block -= 1
        if self._in_block == 0:
            self._invite(time_us)
        self._taken_until_us = time_us + self.limits.timeout_us
        return None

    def _invite(self, time_us: int) -> None:
        """Let the partner send its next block."""
        self._in_block = self.limits.block
        self._taken_until_us = time_us + self.limits.timeout_us
        self._ready.append(_flow_control(GO_ON, self.limits.block))

    def _give_up(self, why: Abort | None) -> None:
        self._missing, self._taken = 0, b""
        self.aborted = why or self.aborted

    def _flow(self, time_us: int, data: bytes) -> None:
        until_us = self._flows_until_us
        if until_us is None or not self._rest or len(data) < 3:
            return
        what = data[0] & 0x0F
        self._waits += what == WAIT
        if time_us > until_us:
            self._stop(Abort.TIMEOUT)
        elif what == OVERFLOW:
            self._stop(Abort.OVERFLOW)
        elif what > OVERFLOW:
            self._stop(Abort.FLOW)
        elif self._waits > self.limits.waits:
            self._stop(Abort.WAITS)
        elif what == WAIT:
            self._flows_until_us = time_us + self.limits.timeout_us
        else:
            self._flows_until_us = None
            self._allowed = data[1] or LONGEST
            self._separation_us = _separation_us(data[2])
            self._next_us = time_us

    def _stop(self, why: Abort) -> None:
        self._rest, self._allowed, self._flows_until_us = b"", 0, None
        self.aborted = why


def _filled(data: bytes) -> bytes:
    return data.ljust(8, PADDING)


def _flow_control(what: int, block: int) -> bytes:
    return _filled(bytes((0x30 | what, block, 0)))


def _separation_us(code: int) -> int:
    """The least time between two frames; a reserved code is the longest of all."""
    if code <= 0x7F:
        return milliseconds(code)
    return 100 * (code - 0xF0) if 0xF1 <= code <= 0xF9 else milliseconds(0x7F)
