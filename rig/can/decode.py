"""What every decoder of the rig gives: named signals with a unit and a time."""

from dataclasses import dataclass
from typing import Protocol

from rig.can.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSignal:
    """One value that a frame carried; `value` is None where the sender says not available."""

    name: str
    value: float | int | str | None
    unit: str
    time_us: int
    source: int | None
    """The sender's address or node number; None where the identifier names no sender."""
    label: str = ""
    """What the code means, where the value is a code."""


class Decoder(Protocol):
    """Turns frames into signals; a frame that it does not know gives none."""

    def names(self, frame: Frame) -> frozenset[str] | None:
        """Which signals this frame can carry; None if only decoding tells."""

    def signals(self, time_us: int, frame: Frame) -> tuple[DecodedSignal, ...]:
        """The signals that this frame completes."""
