"""Readings that a meter takes over time: one after another at an interval, kept until fetched.

Nothing measures between two messages: what is due by then is measured when somebody looks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Reading:
    """One value, and when it was complete."""

    value: float
    time_us: int


class Acquisition:
    """A run of readings; ``capacity`` bounds how many are kept, the oldest give way."""

    def __init__(
        self, take: Callable[[], float], *, now_us: Callable[[], int], capacity: int
    ) -> None:
        self._take = take
        self._now_us = now_us
        self.capacity = capacity
        self.readings: list[Reading] = []
        # How many readings gave way since the last clear: indices go on counting.
        self.dropped = 0
        self._next_us = 0
        self._interval_us = 1
        self._left: float = 0

    def clear(self) -> None:
        """Forget what has been taken."""
        self.readings.clear()
        self.dropped = 0

    def start(self, count: float, interval_s: float, *, after_s: float = 0.0) -> None:
        """Take ``count`` readings from now on, each complete an interval after the last."""
        self._interval_us = max(1, round(interval_s * 1_000_000))
        self._next_us = self._now_us() + round(after_s * 1_000_000) + self._interval_us
        self._left = count

    def abort(self) -> None:
        """Take no more; what has been taken stays."""
        self.catch_up()
        self._left = 0

    @property
    def running(self) -> bool:
        """Whether readings are still to come."""
        return self._left > 0

    def catch_up(self) -> None:
        """Take what is due by now."""
        self._until(self._now_us())

    def finish(self) -> float:
        """Take all that are still to come, and give how long that takes, s.

        A run without end is left running, and takes 0.
        """
        if self._left == inf:
            self.catch_up()
            return 0.0
        end_us = self._next_us + round(self._left - 1) * self._interval_us
        wait_s = max(0, end_us - self._now_us()) / 1_000_000 if self._left else 0.0
        self._until(end_us)
        return wait_s

    def _until(self, time_us: int) -> None:
        # Of a long run that nobody looked at only the newest are kept: the others are not taken.
        due = min(self._left, (time_us - self._next_us) // self._interval_us + 1)
        if due > self.capacity:
            skipped = round(due) - self.capacity
            self._next_us += skipped * self._interval_us
            self._left -= skipped
            self.dropped += skipped
        while self._left > 0 and self._next_us <= time_us:
            self.readings.append(Reading(self._take(), self._next_us))
            self._next_us += self._interval_us
            self._left -= 1
        surplus = len(self.readings) - self.capacity
        if surplus > 0:
            del self.readings[:surplus]
            self.dropped += surplus
