"""Signals that every record shows, whether or not a scenario looks: read often while they move.

What rests is read ever more seldom, so that hours of charging do not spend their time on it; a
plot loses nothing, for a signal that is steady is drawn as steady.
"""

from typing import Any

from rig.kernel import seconds
from rig.signal import Sample, Signal

FINEST_US, LONGEST_US = seconds(1), seconds(16)  # chosen: from a second to a quarter of a minute


class Background:
    """Keeps one signal in the record."""

    def __init__(self, signal: Signal[Any]) -> None:
        self._signal = signal
        self._last: Any = None
        self._period_us = FINEST_US
        signal.watch(self._told, self._period_us)

    def _told(self, sample: Sample[Any]) -> None:
        last, self._last = self._last, sample.value
        if last is None or abs(sample.value - last) > self._signal.uncertainty:
            period_us = FINEST_US
        else:
            period_us = min(2 * self._period_us, LONGEST_US)
        self._look_every(period_us)

    def wake(self) -> None:
        """Something was switched: look closely again."""
        self._look_every(FINEST_US)

    def end(self) -> None:
        """Read it no more."""
        self._signal.unwatch(self._told)

    def _look_every(self, period_us: int) -> None:
        if period_us != self._period_us:
            self._period_us = period_us
            self._signal.unwatch(self._told)
            self._signal.watch(self._told, period_us)
