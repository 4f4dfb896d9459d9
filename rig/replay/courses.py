"""The course of a signal over a whole log, in a bounded number of points that keep its extremes.

Rules of this file: as long as there are few samples each is a point. Later a block of neighbouring
samples is its smallest and its largest, each at its time; blocks double when there are too many.
A value that is only repeated is no new sample.
"""

from __future__ import annotations

import math
from array import array

BLOCKS_MAX = 2000  # chosen: as many as a wide screen has columns; two points each


class Course:
    """One signal; values that are not available are NaN and break the line."""

    __slots__ = ("_blocks", "_open", "_open_count", "_step", "last", "last_us", "samples")

    def __init__(self) -> None:
        self.samples = 0
        self.last = math.nan
        self.last_us = 0
        # Of each block: time and value of the smallest, time and value of the largest.
        self._blocks = (array("q"), array("d"), array("q"), array("d"))
        self._step = 1
        self._open: list[float] = []
        self._open_count = 0

    def put(self, t_us: int, value: float) -> None:
        """The next sample."""
        last, self.last_us = self.last, t_us
        if self.samples and (value == last or (value != value and last != last)):
            return
        self.samples += 1
        self.last = value
        block = self._open
        if not self._open_count:
            self._open = [t_us, value, t_us, value]
        elif value < block[1] or block[1] != block[1]:
            block[0], block[1] = t_us, value
            if block[3] != block[3]:
                block[2], block[3] = t_us, value
        elif value > block[3]:
            block[2], block[3] = t_us, value
        self._open_count += 1
        if self._open_count >= self._step:
            self._close()

    def _close(self) -> None:
        low_us, low, high_us, high = self._blocks
        low_us.append(int(self._open[0]))
        low.append(self._open[1])
        high_us.append(int(self._open[2]))
        high.append(self._open[3])
        self._open_count = 0
        if len(self._blocks[0]) >= 2 * BLOCKS_MAX:
            self._double()

    def _double(self) -> None:
        """Neighbouring blocks become one."""
        low_us, low, high_us, high = self._blocks
        lows = [_smaller(low, k) for k in range(0, len(low) - 1, 2)]
        highs = [_smaller(high, k, -1.0) for k in range(0, len(high) - 1, 2)]
        self._blocks = (
            array("q", (low_us[k] for k in lows)),
            array("d", (low[k] for k in lows)),
            array("q", (high_us[k] for k in highs)),
            array("d", (high[k] for k in highs)),
        )
        self._step *= 2

    @property
    def decimated(self) -> bool:
        """Whether samples are left out of its points."""
        return self._step > 1

    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest value; NaN, NaN where none was ever available."""
        blocks = self._blocks
        extra = [self._open[1], self._open[3]] if self._open_count else []
        known = [v for v in (*blocks[1], *blocks[3], *extra) if v == v]
        return (min(known), max(known)) if known else (math.nan, math.nan)

    def points(self) -> tuple[array[int], array[float]]:
        """Times in microseconds and values, in the order of time, up to when it was last told."""
        times, values = array("q"), array("d")
        rows = list(zip(*self._blocks, strict=True))
        if self._open_count:
            low_us, low, high_us, high = self._open
            rows.append((int(low_us), low, int(high_us), high))
        for low_us, low, high_us, high in rows:
            first, second = (low_us, low), (high_us, high)
            for t_us, value in (
                (first,) if first == second or low != low else sorted((first, second))
            ):
                times.append(int(t_us))
                values.append(value)
        if times and self.last_us > times[-1]:
            times.append(self.last_us)
            values.append(self.last)
        return times, values


def _smaller(values: array[float], k: int, sign: float = 1.0) -> int:
    """Which of two neighbours is smaller, or with sign -1 larger; one that is NaN never is."""
    first, second = sign * values[k], sign * values[k + 1]
    return k + 1 if second < first or first != first else k
