"""A recorded signal over time, and where two of them are apart.

A record keeps a value when it changes, and the last reading of the value before: between these two
nobody knows when it changed, so that it may be either. Two signals are apart where one is outside
of all that the other is, within the band's time before and after, and wider by the band's value.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

from rig.parity.bands import Band

INSTANT_S = 1e-6  # the resolution of a record's times


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which two signals are apart; the excess is what lies beyond the band."""

    begin_s: float
    end_s: float
    first: float
    second: float
    excess: float

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.end_s - self.begin_s


class Steps:
    """The lowest and the highest that a signal may be, piece by piece.

    ``times_s`` ascending: where the pieces begin, and where the last ends.
    """

    def __init__(
        self, times_s: Sequence[float], low: Sequence[float], high: Sequence[float]
    ) -> None:
        self.times_s, self.low, self.high = list(times_s), list(low), list(high)

    @classmethod
    def of(cls, samples: Sequence[tuple[float, float]]) -> "Steps | None":
        """From time and value of each sample, until the last; None where nothing was measured.

        A time after that of the next sample was taken by a clock that began anew in between.
        """
        known = [(time_s, value) for time_s, value in samples if not isnan(value)]
        if not known:
            return None
        times_s = [known[-1][0]]
        for time_s, _ in reversed(known[:-1]):
            times_s.append(min(time_s, times_s[-1]))
        times_s.reverse()
        values = [value for _, value in known]
        low = [min(pair) for pair in pairwise(values)] + values[-1:]
        high = [max(pair) for pair in pairwise(values)] + values[-1:]
        return cls([*times_s, times_s[-1]], low, high)

    @property
    def begin_s(self) -> float:
        """From when on it is known."""
        return self.times_s[0]

    @property
    def end_s(self) -> float:
        """Until when."""
        return self.times_s[-1]

    def at(self, time_s: float) -> tuple[float, float]:
        """The lowest and the highest at an instant."""
        return self.within(time_s, time_s)

    def within(self, from_s: float, to_s: float) -> tuple[float, float]:
        """The lowest and the highest from one instant to another; beyond its ends as there."""
        last = len(self.low)
        first = min(max(bisect_right(self.times_s, from_s) - 1, 0), last - 1)
        after = min(max(bisect_right(self.times_s, to_s), first + 1), last)
        return min(self.low[first:after]), max(self.high[first:after])

    def moved(self, time: Callable[[float], float]) -> "Steps":
        """The same on another clock, which never goes back."""
        return Steps([time(each) for each in self.times_s], self.low, self.high)


def outside(first: Steps, second: Steps, band: Band) -> list[Span]:
    """Where one is outside of the other's band, while both are known."""
    begin_s, end_s = max(first.begin_s, second.begin_s), min(first.end_s, second.end_s)
    edges_s = {*first.times_s, *second.times_s}
    reach_s = band.time_s
    cuts_s = edges_s | {t - reach_s for t in edges_s} | {t + reach_s for t in edges_s}
    inner_s = sorted(t for t in cuts_s if begin_s < t < end_s)
    spans: list[Span] = []
    for from_s, to_s in pairwise([begin_s, *inner_s, end_s]):
        if to_s - from_s < INSTANT_S:
            continue
        span = _apart(first, second, band, from_s, to_s)
        if span is None:
            continue
        if spans and from_s - spans[-1].end_s < INSTANT_S:
            span = _joined(spans.pop(), span)
        spans.append(span)
    return spans


def _apart(first: Steps, second: Steps, band: Band, from_s: float, to_s: float) -> Span | None:
    """The span, where they are apart between two neighbouring cuts."""
    middle_s = (from_s + to_s) / 2
    ours, theirs = first.at(middle_s), second.at(middle_s)
    near = middle_s - band.time_s, middle_s + band.time_s
    excess = max(
        _beyond(ours, second.within(*near), band), _beyond(theirs, first.within(*near), band)
    )
    if excess <= 0:
        return None
    return Span(begin_s=from_s, end_s=to_s, first=ours[0], second=theirs[0], excess=excess)


def _beyond(value: tuple[float, float], tube: tuple[float, float], band: Band) -> float:
    """How far a value lies outside of a tube and its band; 0 or less: within."""
    below = tube[0] - band.width(tube[0]) - value[1]
    above = value[0] - tube[1] - band.width(tube[1])
    return max(below, above)


def _joined(earlier: Span, later: Span) -> Span:
    """One span of two neighbours; it shows the worse."""
    worse = earlier if earlier.excess >= later.excess else later
    return Span(
        begin_s=earlier.begin_s,
        end_s=later.end_s,
        first=worse.first,
        second=worse.second,
        excess=worse.excess,
    )


def edges(samples: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Time and value of each change, the first value among them."""
    last: float | None = None
    for time_s, value in samples:
        if value != last:
            last = value
            yield time_s, value
