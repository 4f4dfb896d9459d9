"""One CAN controller on a bus: its queue, its error counters, its state.

Rules of this file: the controller follows ISO 11898-1 (error passive above 127, bus-off above 255)
with one exception: who is alone sends its 16 attempts as one event, becomes error passive and then
waits in silence until somebody is there. Whether it can be heard is the bus's to say (`rewire`).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from rig.can.frame import Frame
from rig.can.timing import ERROR_BITS, RECOVERY_BITS, bits_us, durations_us
from rig.kernel import BUS, Scheduled

if TYPE_CHECKING:
    from rig.can.bus import Bus

Receive = Callable[[int, Frame], None]
Entry = tuple[int, int, "Node", Frame]
"""A frame that waits: arbitration key, sequence, its node, itself."""

Route = tuple[tuple["Node", ...], bool]
"""Who wants a sender's identifier, and whether all of them are patient."""

QUEUE_LIMIT = 128
"""Chosen: a driver's transmit queue is finite, so a lonely node does not pile up old frames."""

_PASSIVE_ABOVE = 127
_OFF_ABOVE = 255
_STEP = 8


class ControllerState(StrEnum):
    """Fault confinement of ISO 11898-1."""

    ERROR_ACTIVE = "error active"
    ERROR_PASSIVE = "error passive"
    BUS_OFF = "bus-off"


class Node:
    """A controller; made by `Bus.attach`.

    Of others' interest: `send`, `pending`, `state`, `tec`, `rec`, `on_state`, `bitrate`, `accept`,
    `patient` (set right after attaching), `recover`,
    `detach`, `reattach`, `sleep`, `wake`, `sample_point_pct`, `disturb`.
    The other names are between node and bus.
    """

    __slots__ = (
        "_alone",
        "_bitrate",
        "_bus",
        "_receive",
        "_recovery",
        "_sample_point_pct",
        "accept",
        "attached",
        "awake",
        "disturbed",
        "durations_us",
        "foreign",
        "heard",
        "held",
        "listeners",
        "name",
        "on_state",
        "patient",
        "peers",
        "pending",
        "rec",
        "receive",
        "routes",
        "state",
        "tec",
    )

    def __init__(self, bus: "Bus", name: str, receive: Receive | None, bitrate: int) -> None:
        self.name = name
        self.pending = 0
        self.state = ControllerState.ERROR_ACTIVE
        self.tec = 0
        self.rec = 0
        self.on_state: Callable[[ControllerState], None] | None = None
        self.accept: Callable[[int], bool] | None = None
        """The acceptance filter: which identifiers it receives; None: all."""
        self.routes: dict[int, Route] = {}
        self.patient = False
        """Whether its receiver may be told later, by `Bus.catch_up`, which its owner then calls."""
        self.attached = True
        self.awake = True
        self.disturbed = False
        """Whether all that it sends is destroyed; set by `disturb`."""
        self.heard = False
        """Whether somebody takes notice of what this node sends."""
        self.foreign = False
        """Whether its bit rate makes it destroy what it meets."""
        self.peers: tuple[Node, ...] = ()
        """Who acknowledges its frames."""
        self.listeners: tuple[Node, ...] = ()
        """Those of its peers who want the frames."""
        self.held: list[Entry] = []
        """What waits for somebody to hear it."""
        self.receive = receive or _ignore
        self.durations_us = durations_us(bitrate)
        self._bus = bus
        self._receive = receive
        self._bitrate = bitrate
        self._sample_point_pct = 87.5
        self._alone: Scheduled | None = None
        self._recovery: Scheduled | None = None

    @property
    def bitrate(self) -> int:
        """Bits per second that this controller is set to."""
        return self._bitrate

    @bitrate.setter
    def bitrate(self, value: int) -> None:
        self._bitrate = value
        self.durations_us = durations_us(value)
        self._bus.rewire()

    @property
    def sample_point_pct(self) -> float:
        """Where in a bit it samples."""
        return self._sample_point_pct

    @sample_point_pct.setter
    def sample_point_pct(self, value: float) -> None:
        if value != self._sample_point_pct:
            self._sample_point_pct = value
            self._bus.rewire()

    def disturb(self, disturbed: bool) -> None:
        """All that it sends ends in error frames from now on, or no longer does."""
        self.disturbed = disturbed
        self._bus.rewire()

    @property
    def wants_frames(self) -> bool:
        """Whether a receiver was given."""
        return self._receive is not None

    @property
    def live(self) -> bool:
        """Whether it takes part in the traffic: on the wire, powered, not bus-off."""
        return self.attached and self.awake and self.state is not ControllerState.BUS_OFF

    def send(self, frame: Frame) -> bool:
        """Queue a frame; False if the controller refuses it: asleep, bus-off or queue full."""
        if self.pending >= QUEUE_LIMIT or not self.awake or self.state is ControllerState.BUS_OFF:
            return False
        self.pending += 1
        if self.heard:
            self._bus.offer(self, frame)
        else:
            self.held.append(self._bus.entry(self, frame))
            self.try_alone()
        return True

    def send_all(self, frames: Sequence[Frame], due_us: int | None = None) -> None:
        """Queue several frames at once; ``due_us``: by a latecomer, as of then.

        As `send` for each; what is refused is not told.
        """
        if self.heard and self.awake and self.pending + len(frames) <= QUEUE_LIMIT:
            self.pending += len(frames)
            self._bus.offer_all(self, frames, due_us)
        else:
            for frame in frames:
                self.send(frame)

    def recover(self) -> None:
        """Leave bus-off after 128 x 11 bit times of silence; what was pending is dropped."""
        if self.state is not ControllerState.BUS_OFF or self._recovery is not None:
            return
        self._drop_pending()
        silence_us = bits_us(RECOVERY_BITS, self._bitrate)
        self._recovery = self._bus.kernel.at(
            self._bus.quiet_from_us() + silence_us, self._recovered, BUS
        )

    def detach(self) -> None:
        """Pull the cable: it neither hears nor is heard; what it sends stays pending."""
        self.attached = False
        self._rewired()

    def reattach(self) -> None:
        """Plug the cable in again."""
        self.attached = True
        self._rewired()

    def sleep(self) -> None:
        """Power the controller down: its queue and its counters are lost."""
        self.awake = False
        self._drop_pending()
        self._cancel_timers()
        self._reset()
        self._rewired()

    def wake(self) -> None:
        """Power the controller up."""
        self.awake = True
        self._rewired()

    def try_alone(self) -> None:
        """Attempts that nobody acknowledges: 8 errors each, until error passive; one event."""
        attempts = (_PASSIVE_ABOVE - self.tec + _STEP) // _STEP
        if not self.held or self._alone is not None or attempts <= 0 or not self.awake:
            return
        if self.state is ControllerState.BUS_OFF:
            return
        frame = self.held[0][3]
        error_us = bits_us(ERROR_BITS, self._bitrate)
        attempt_us = self.durations_us[frame.extended][len(frame.data)] + error_us
        kernel = self._bus.kernel

        def give_up() -> None:
            self._alone = None
            self.tec += attempts * _STEP
            self._bus.note_errors(attempts, f"no acknowledge: {self.name}")
            self.refresh()

        self._alone = kernel.at(kernel.now_us + attempts * attempt_us, give_up, BUS)

    def stop_trying(self) -> None:
        """Somebody listens again: forget the lonely attempts under way."""
        if self._alone is not None:
            self._alone.cancel()
            self._alone = None

    def sent(self) -> None:
        """Count a success as sender; `refresh` follows when all have counted."""
        self.tec -= self.tec > 0

    def received(self) -> None:
        """Count a success as receiver."""
        if self.rec:
            self.rec = min(self.rec - 1, _PASSIVE_ABOVE)

    def failed(self) -> None:
        """Count an error as sender."""
        self.tec += _STEP

    def refresh(self) -> None:
        """Bring the state into line with the counters, and tell it if it is new."""
        if self.state is ControllerState.BUS_OFF:
            return
        if self.tec > _OFF_ABOVE:
            self._enter(ControllerState.BUS_OFF)
        elif self.tec > _PASSIVE_ABOVE or self.rec > _PASSIVE_ABOVE:
            self._enter(ControllerState.ERROR_PASSIVE)
        else:
            self._enter(ControllerState.ERROR_ACTIVE)

    def _enter(self, state: ControllerState) -> None:
        if state is not self.state:
            self.state = state
            if state is ControllerState.BUS_OFF:
                self._bus.rewire()
            if self.on_state is not None:
                self.on_state(state)

    def _recovered(self) -> None:
        self._recovery = None
        self._reset()
        self._bus.rewire()
        if self.on_state is not None:
            self.on_state(self.state)

    def _reset(self) -> None:
        self.tec = 0
        self.rec = 0
        self.state = ControllerState.ERROR_ACTIVE

    def _drop_pending(self) -> None:
        self._bus.drop(self)
        self.held.clear()
        self.pending = 0

    def _cancel_timers(self) -> None:
        self.stop_trying()
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None

    def _rewired(self) -> None:
        # At once, not with the next topology: the frame of this very instant is still on its way.
        on_wire = self.attached and self.awake
        self.receive = self._receive if on_wire and self._receive is not None else _ignore
        self._bus.rewire()


def _ignore(_time_us: int, _frame: Frame) -> None:
    """Hear nothing."""
