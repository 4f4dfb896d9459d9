"""The socketcand protocol, as anyone's tools speak it: text in angle brackets, over a stream.

Rules of this file: no I/O; bytes in, sayings and frames out. Raw mode only: it is what python-can,
Kayak and others use. Raw mode has no word for remote, FD and error frames from a client; what comes
of them is refused and counted. Source: doc/protocol.md of linux-can/socketcand.
"""

from collections.abc import Sequence
from enum import Enum, auto

from rig.can.frame import Frame

GREETING = b"< hi >"
OK = b"< ok >"
SETTLE_US = 50_000
"""A client that reads `< ok >` wants it alone: python-can fails if a frame stands behind it."""

_SAYING_BYTES_MAX = 256  # chosen: the longest that has a meaning has 46
_HEX = frozenset("0123456789abcdefABCDEF")


class Stage(Enum):
    """How far a stranger has come."""

    GREETED = auto()
    OPEN = auto()
    RAW = auto()


class Stranger:
    """One client's conversation. ``buses`` are the names that it may open.

    After `receive`: ``answers`` has gone to nobody yet, ``frames`` wait to be sent on bus ``bus``,
    ``refused`` counts what could be no frame. The owner empties the two lists.
    """

    def __init__(self, buses: Sequence[str]) -> None:
        self.stage = Stage.GREETED
        self.bus: int | None = None
        self.answers: list[bytes] = [GREETING]
        self.frames: list[Frame] = []
        self.refused = 0
        self.is_foreign = False
        """Whether it began with something else than this protocol: it is to be hung up on.

        A page in a browser can send text here inside a request of its own.
        """
        self._buses = list(buses)
        self._rest = ""

    def receive(self, data: bytes) -> None:
        """Take what has come; a saying may come in pieces."""
        text = self._rest + data.decode("ascii", errors="replace")
        *sayings, rest = text.split(">")
        for saying in sayings:
            before, bracket, words = saying.partition("<")
            if not bracket or before.strip():
                self._complain("expected < command >")
                self.is_foreign |= self.stage is Stage.GREETED
            elif self.is_foreign:
                return
            else:
                self._hear(words.split())
        if len(rest) > _SAYING_BYTES_MAX:
            rest = ""
            self._complain("too long")
        self._rest = rest

    def _hear(self, words: list[str]) -> None:
        match self.stage, words:
            case _, ["echo"]:
                self.answers.append(b"< echo >")
            case Stage.GREETED, ["open", name]:
                self._open(name)
            case Stage.OPEN, ["rawmode"]:
                self.stage = Stage.RAW
                self.answers.append(OK)
            case Stage.RAW, ["rawmode"]:
                self.answers.append(OK)
            case Stage.RAW, ["send", *words]:
                self._send(words)
            case _:
                self._complain("unknown command: open BUS, rawmode, send, echo")

    def _open(self, name: str) -> None:
        if name not in self._buses:
            self._complain(f"could not open bus: {', '.join(self._buses)}")
            return
        self.bus = self._buses.index(name)
        self.stage = Stage.OPEN
        self.answers.append(OK)

    def _send(self, words: list[str]) -> None:
        frame = sent_frame(words)
        if frame is None:
            # No answer: python-can takes any error for a frame of the bus, and stumbles over it.
            self.refused += 1
        else:
            self.frames.append(frame)

    def _complain(self, text: str) -> None:
        if self.stage is Stage.RAW:
            self.refused += 1
        else:
            self.answers.append(f"< error {text} >".encode())


def sent_frame(words: Sequence[str]) -> Frame | None:
    """The frame of `send ID LENGTH BYTE BYTE ...`; None if that is no classic data frame.

    Bytes need no leading zero. An identifier of three digits is a standard one.
    """
    if len(words) < 2 or not all(word and set(word) <= _HEX for word in words):
        return None
    identifier, length, *payload = words
    extended = len(identifier) > 3
    number, values = int(identifier, 16), [int(byte, 16) for byte in payload]
    if number >> (29 if extended else 11) or int(length, 16) != len(values) or len(values) > 8:
        return None
    return None if any(value > 0xFF for value in values) else Frame(number, bytes(values), extended)


def frame_text(time_us: int, frame: Frame) -> bytes:
    """A frame of the bus as a stranger hears it; time in us since 1970."""
    digits = 8 if frame.extended else 3
    second, microsecond = divmod(time_us, 1_000_000)
    return b"< frame %0*X %d.%06d %s >" % (
        digits,
        frame.identifier,
        second,
        microsecond,
        frame.data.hex().encode(),
    )


def error_text(time_us: int, error: int) -> bytes:
    """An error frame of the bus as a stranger hears it."""
    second, microsecond = divmod(time_us, 1_000_000)
    return b"< error %03X %d.%06d >" % (error, second, microsecond)
