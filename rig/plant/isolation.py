"""The battery against its chassis: an ungrounded system whose leaks show only in its isolation.

A leak is a resistance from a point of the strings to the chassis. What flows from leak to leak
through the chassis is milliamperes and is not taken from the cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# chosen: a dry, clean battery; isolation monitors end at 10 to 50 Mohm.
SOUND_OHM = 20e6  # of each of the battery's poles


class Isolation:
    """All leaks of one battery system; voltages are against its negative pole."""

    __slots__ = ("_leaks",)

    def __init__(self, pole_v: Callable[[], float]) -> None:
        """`pole_v` says the voltage of the positive pole."""
        self._leaks: list[tuple[Callable[[], float], float]] = [
            (lambda: 0.0, SOUND_OHM),
            (pole_v, SOUND_OHM),
        ]

    def leak(self, tap_v: Callable[[], float], ohm: float) -> Callable[[], None]:
        """Connect a point with the chassis; what undoes it is returned."""
        entry = tap_v, ohm
        self._leaks.append(entry)
        return lambda: self._leaks.remove(entry)

    @property
    def measured_ohm(self) -> float:
        """What an isolation monitor measures: all leaks side by side."""
        return 1.0 / sum(1.0 / ohm for _, ohm in self._leaks)

    @property
    def chassis_v(self) -> float:
        """The chassis, where its currents balance."""
        ampere = sum(tap_v() / ohm for tap_v, ohm in self._leaks)
        return ampere * self.measured_ohm

    @property
    def stray_a(self) -> float:
        """What flows through the chassis from the higher to the lower leaks."""
        chassis_v = self.chassis_v
        return sum(max(tap_v() - chassis_v, 0.0) / ohm for tap_v, ohm in self._leaks)
