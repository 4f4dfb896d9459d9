"""The face of a CAN bus and of a controller on it, whatever carries the frames.

`rig.can.bus.Bus` has it in virtual time, `rig.can.hub_bus.HubBus` on the wall clock.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from rig.can.bus import ErrorTap, Latecomer, Tap
from rig.can.frame import Frame
from rig.can.node import ControllerState, Receive


class CanNode(Protocol):
    """A controller on a bus."""

    accept: Callable[[int], bool] | None
    """The acceptance filter: which identifiers it receives; None: all."""
    on_state: Callable[[ControllerState], None] | None
    patient: bool
    sample_point_pct: float

    def send(self, frame: Frame) -> bool:
        """Queue a frame; whether it was taken."""
        ...

    def send_all(self, frames: Sequence[Frame], due_us: int | None = None) -> None:
        """Queue several frames at once, as of ``due_us`` if that is given."""
        ...

    def detach(self) -> None:
        """Pull the cable."""
        ...

    def reattach(self) -> None:
        """Plug the cable in again."""
        ...

    def sleep(self) -> None:
        """Its device is off: it neither hears nor acknowledges."""
        ...

    def wake(self) -> None:
        """Its device is on again."""
        ...

    def recover(self) -> None:
        """Leave bus-off."""
        ...

    def disturb(self, disturbed: bool) -> None:
        """All that it sends is destroyed, or no longer is."""
        ...


class CanBus(Protocol):
    """A bus with its controllers and its observers."""

    @property
    def errors_total(self) -> int:
        """How many error frames it has carried until now."""
        ...

    @property
    def is_patient(self) -> bool:
        """Whether nobody asks to see each frame at its time."""
        ...

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> CanNode:
        """Put a controller on it."""
        ...

    def watch(self, tap: Tap, *, patient: bool = False) -> None:
        """Have every frame: time, sender's name where it is known, frame."""
        ...

    def watch_errors(self, tap: ErrorTap) -> None:
        """Have every error frame: time, and what is known of it."""
        ...

    def load_pct(self, window_us: int) -> float:
        """Share of the last ``window_us`` in which it was occupied."""
        ...

    def disturb(self, duration_us: int) -> None:
        """Glitches for a while."""
        ...

    def catch_up(self) -> None:
        """Have everybody hear of all until now."""
        ...

    def postpone(self, sender: Latecomer, due_us: int) -> None:
        """Let ``sender`` speak of ``due_us`` when somebody looks after that."""
        ...

    def forget(self, sender: Latecomer) -> None:
        """It speaks in time again."""
        ...
