"""What all twins share: a device behind connections, a latency, faults on request.

A twin has no clock, no thread, no socket and no dice of its own: time and chance are given.
"""

import random
from enum import StrEnum

from instruments.protocols import Conversation
from instruments.scpi import Connection, Device


class Fault(StrEnum):
    """What can be wrong with an instrument or with the way to it."""

    SILENT = "hears nothing and answers nothing"
    MUTE = "obeys and answers nothing"
    GARBAGE = "answers bytes that mean nothing"
    WRONG_IDENTITY = "is another instrument"
    LOST = "its connection is broken"


class Readout:
    """An instrument's measuring chain: a fixed offset, noise, and the last digit shown."""

    def __init__(
        self, dice: random.Random, *, offset_max: float, noise: float, decimals: int
    ) -> None:
        """``offset_max`` bounds what calibration left; ``noise`` is one standard deviation."""
        self._dice = dice
        self._noise = noise
        self._offset = dice.uniform(-offset_max, offset_max)
        self.decimals = decimals

    def read(self, true: float) -> float:
        """What the instrument would show for the true value."""
        return round(true + self._offset + self._dice.gauss(0.0, self._noise), self.decimals) + 0.0


class Twin:
    """A device that clients reach through conversations, healthy or with a fault."""

    def __init__(self, *, serial: str, dice: random.Random, latency_s: float) -> None:
        self.serial = serial
        self.latency_s = latency_s
        self.fault: Fault | None = None
        self._dice = dice
        self.device: Device

    @property
    def lost(self) -> bool:
        """Whether the connection is broken."""
        return self.fault is Fault.LOST

    def conversation(self) -> Conversation:
        """Begin a client's connection."""
        return _FaultyConnection(self)

    def before_message(self) -> None:
        """Bring the instrument's own supervision to the present; called before each message."""

    def junk(self) -> bytes:
        """Bytes that no instrument means, ended as an answer is."""
        return bytes(self._dice.randrange(128, 256) for _ in range(8)) + b"\n"

    def identity(self) -> str:
        """What it answers to *IDN?; a model's own."""
        raise NotImplementedError

    def who(self) -> str:
        """The identity, or another's if that is the fault."""
        if self.fault is Fault.WRONG_IDENTITY:
            return "OTHER MAKER,OTHER MODEL,0,0"
        return self.identity()


class _FaultyConnection(Connection):
    """A connection into a twin, in which its fault shows."""

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin.device)
        self._twin = twin

    def receive(self, data: bytes) -> bytes:
        """Obey and answer, as far as the twin's fault lets it."""
        twin = self._twin
        twin.before_message()
        if twin.fault is None:
            return super().receive(data)
        if twin.fault in {Fault.SILENT, Fault.LOST}:
            return b""
        answers = super().receive(data)
        if twin.fault is Fault.MUTE:
            return b""
        return twin.junk() if answers and twin.fault is Fault.GARBAGE else answers
