"""What a battery makes of raw readings before it tells them: lasting, valid and steady ones.

Each step takes the readings of one report, NaN for none, and gives as many; `runs` says whether it
would give others next time though the readings stay the same.
"""

from dataclasses import dataclass
from math import nan
from typing import Protocol

from bms.data import limit, limit_us

Readings = tuple[float, ...]
SETTLED_V = 0.000_05  # half of a step: what is left of a change that nobody sees
SHARE = 1 / 8  # chosen: of the difference, in each report; noise falls to a quarter


@dataclass(frozen=True, slots=True)
class Span:
    """What readings of a quantity can be, in its unit."""

    low: float
    high: float
    step: float  # less is no movement
    moved: float  # the others have moved by more: one that has not is frozen


CELL_VOLTAGE = Span(
    limit("measure.cell.low"), limit("measure.cell.high"), 0.000_1, limit("measure.cell.moved")
)
TEMPERATURE = Span(
    limit("measure.temperature.low"),
    limit("measure.temperature.high"),
    0.1,
    limit("measure.temperature.moved"),
)


class Validation(Protocol):
    """Tells which readings of a quantity are none."""

    runs: bool

    def __init__(self, span: Span) -> None: ...

    def check(self, now_us: int, readings: Readings) -> Readings:
        """The readings, NaN in place of those that are not to be relied on."""
        ...


class InRangeAndAlive:
    """Neither out of range, nor still for long after most others have moved (v1.17-04)."""

    def __init__(self, span: Span) -> None:
        self.runs = False
        self._span = span
        self._frozen_us = limit_us("measure.frozen.time")
        self._anchors: list[float] = []  # each reading when it moved last
        self._middles: list[float] = []  # the middle of all at that time
        self._suspected_us: dict[int, int] = {}
        self._frozen: set[int] = set()

    def check(self, now_us: int, readings: Readings) -> Readings:
        """One that moves again is valid again."""
        low, high = self._span.low, self._span.high
        if not (low <= min(readings) and max(readings) <= high):
            readings = tuple(r if low <= r <= high else nan for r in readings)
        self._watch(now_us, readings)
        if not self._frozen:
            return readings
        return tuple(nan if k in self._frozen else r for k, r in enumerate(readings))

    def _watch(self, now_us: int, readings: Readings) -> None:
        valid = sorted(r for r in readings if r == r)
        if not valid:
            return
        middle = valid[(len(valid) - 1) // 2]
        anchors, middles, suspected_us = self._anchors, self._middles, self._suspected_us
        if len(anchors) != len(readings):
            self._anchors, self._middles = list(readings), [middle] * len(readings)
            return
        step, moved = self._span.step, self._span.moved
        for k, reading in enumerate(readings):
            if not abs(reading - anchors[k]) < step:  # also if one of them is NaN
                anchors[k], middles[k] = reading, middle
                self._frozen.discard(k)
                suspected_us.pop(k, None)
            elif abs(middle - middles[k]) > moved:
                if now_us - suspected_us.setdefault(k, now_us) >= self._frozen_us:
                    self._frozen.add(k)
            elif suspected_us:
                suspected_us.pop(k, None)
        self.runs = len(suspected_us.keys() - self._frozen) > 0


class Smoothing(Protocol):
    """Makes cell voltages steadier than they are measured."""

    runs: bool

    def __init__(self) -> None: ...

    def smooth(self, readings: Readings) -> Readings:
        """The readings of a report, with less noise."""
        ...


class SteadyUntilAStep:
    """A small difference is averaged out, a step is told at once (v1.30-04)."""

    def __init__(self) -> None:
        self.runs = False
        self._step_v = limit("measure.cell.step")
        self._told: Readings = ()

    def smooth(self, readings: Readings) -> Readings:
        """Each nearer to its reading, or there."""
        if len(self._told) != len(readings):
            self._told = readings
            return readings
        told = readings
        pairs = zip(readings, self._told, strict=True)
        if any(SETTLED_V <= abs(new - old) < self._step_v for new, old in pairs):
            told = tuple(map(self._nearer, readings, self._told))
        self.runs = told != readings
        self._told = told
        return told

    def _nearer(self, reading: float, told: float) -> float:
        difference = reading - told
        if SETTLED_V <= abs(difference) < self._step_v:
            return told + SHARE * difference
        return reading


class OnlyWhatLasts:
    """A temperature that jumps is told when it has lasted: a cell's never jumps (v1.33-01)."""

    def __init__(self) -> None:
        self._jump_k = limit("measure.temperature.jump")
        self._lasts_us = limit_us("measure.temperature.lasts")
        self._told: Readings = ()
        self._since_us: dict[int, int] = {}

    @property
    def runs(self) -> bool:
        """Whether a jump waits to have lasted."""
        return bool(self._since_us)

    def keep(self, now_us: int, readings: Readings) -> Readings:
        """The readings, and what was told before in place of a jump that has just begun."""
        before = self._told
        if len(before) != len(readings):
            self._told = readings
            return readings
        told = list(readings)
        for k, reading in enumerate(readings):
            if not abs(reading - before[k]) > self._jump_k:
                self._since_us.pop(k, None)
            elif now_us - self._since_us.setdefault(k, now_us) < self._lasts_us:
                told[k] = before[k]
            else:
                del self._since_us[k]
        self._told = tuple(told)
        return self._told
