"""What all twins share: a device behind connections, a latency, faults on request.

A twin has no clock, no thread, no socket and no dice of its own: time and chance are given.
"""

import random
from collections.abc import Callable
from enum import StrEnum

from instruments.protocols import Conversation, Trip
from instruments.scpi import Connection, Device
from instruments.twins.electrical import PowerStage, Supervised
from instruments.twins.stage_parts import Watchdog


class Fault(StrEnum):
    """What can be wrong with an instrument or with the way to it."""

    SILENT = "hears nothing and answers nothing"
    MUTE = "obeys and answers nothing"
    GARBAGE = "answers bytes that mean nothing"
    WRONG_IDENTITY = "is another instrument"
    LOST = "its connection is broken"
    SLOW = "answers late"
    WRONG_ORDER = "is an answer behind: a query gets that of the one before"
    LOCK_LOST = "its front panel has taken over"


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

    default_port = 5025
    # Whether its front panel can take the remote lock away; such a model looks at the fault.
    lockable = False

    def __init__(self, *, serial: str, dice: random.Random, latency_s: float) -> None:
        self.serial = serial
        self._latency_s = latency_s
        # How much later it answers while SLOW. Chosen: above a session's usual time-out.
        self.slow_s = 3.0
        self._fault: Fault | None = None
        self._dice = dice
        self.device: Device
        # What it does without being asked; a model with terminals sets it.
        self.supervised: Supervised | None = None
        # Hears that a message was obeyed: what was due may have changed.
        self.after_message: Callable[[], None] = lambda: None
        # What every message feeds, if the model has such a watchdog.
        self.watchdog: Watchdog | None = None

    @property
    def latency_s(self) -> float:
        """How long an answer takes."""
        return self._latency_s + (self.slow_s if self._fault is Fault.SLOW else 0.0)

    @latency_s.setter
    def latency_s(self, latency_s: float) -> None:
        self._latency_s = latency_s

    def thinks_s(self, data: bytes) -> float:
        """How long it takes over these bytes before it looks at what they ask.

        A query is worked off when its latency is over, and not before an output that has just been
        switched or moved has settled: a reading takes its time, and shows what is there by then.
        """
        if b"?" not in data:
            return 0.0
        stage = self.supervised
        settles_s = stage.settles_in_s() if isinstance(stage, PowerStage) else 0.0
        return max(self.latency_s, settles_s)

    @property
    def fault(self) -> Fault | None:
        """What is wrong with it; None: nothing. Setting one that it cannot have: ValueError."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault is Fault.LOCK_LOST and not self.lockable:
            raise ValueError(f"{type(self).__name__} has no remote lock to lose")
        self._fault = fault

    def inject_trip(self, trip: Trip) -> None:
        """Let a protection trip as if its cause had been there. ValueError without terminals."""
        if not isinstance(self.supervised, PowerStage):
            raise ValueError(f"{type(self).__name__} has no terminals that could trip")
        self.supervised.trip(trip)

    @property
    def lost(self) -> bool:
        """Whether the connection is broken."""
        return self.fault is Fault.LOST

    def conversation(self) -> Conversation:
        """Begin a client's connection."""
        return _FaultyConnection(self)

    def due_us(self) -> int | None:
        """When it wants to act without being asked, for the owner to call `supervise` then."""
        return None if self.supervised is None else self.supervised.due_us()

    def supervise(self) -> None:
        """Do what is due by now: ramps, protections, watchdogs."""
        if self.supervised is not None:
            self.supervised.supervise()

    def before_message(self) -> None:
        """Bring its own supervision to the present, then take the message as a sign of life."""
        self.supervise()
        if self.watchdog is not None:
            self.watchdog.feed()

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


_DEAF = frozenset({Fault.SILENT, Fault.LOST})


class _FaultyConnection(Connection):
    """A connection into a twin, in which its fault shows."""

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin.device)
        self._twin = twin
        self._before = b""

    def receive(self, data: bytes) -> bytes:
        """Obey and answer, as far as the twin's fault lets it."""
        twin = self._twin
        fault = twin.fault
        if fault in _DEAF:
            twin.supervise()
            return b""
        twin.before_message()
        answers = super().receive(data)
        twin.after_message()
        if not answers:
            return b""
        before, self._before = self._before, answers
        if fault is None:
            return answers
        if fault is Fault.MUTE:
            return b""
        if fault is Fault.WRONG_ORDER:
            return before or answers
        return twin.junk() if fault is Fault.GARBAGE else answers
