"""What the control charts say today: which measurement moves, towards which limit, since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rig.history.drift import WATCH, Numbers
from rig.history.nights import History

FIT_LEAST = 8  # chosen: nights that a trend needs before it is worth extrapolating
FAR = 365.0  # chosen: a limit farther away than a year of nights is no date


class Level(StrEnum):
    """How sure the chart is."""

    WARNING = "warning"
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A measurement that has moved and stays so; `series`, `since`, `found` are places in lists.

    `before` and `now` are means, in the measurement's unit, of before and after `since`;
    `sigmas` is their distance in spreads of before; `nights_left` is None where no trend leads to
    the limit within a year.
    """

    series: int
    level: Level
    upwards: bool
    since: int
    found: int
    before: float
    now: float
    sigmas: float
    limit: float
    nights_left: float | None


def alarms(history: History) -> list[Alarm]:
    """The alarms that stand, warnings first, then what is nearest to its limit."""
    found = [*_standing(history, upwards=True), *_standing(history, upwards=False)]
    order = [Level.WARNING, Level.WATCH]
    return sorted(
        found,
        key=lambda each: (
            order.index(each.level),
            each.nights_left if each.nights_left is not None else np.inf,
            -each.sigmas,
            each.series,
        ),
    )


def _standing(history: History, *, upwards: bool) -> Iterator[Alarm]:
    charts = history.charts
    sums = charts.up if upwards else charts.down
    since = charts.up_since if upwards else charts.down_since
    limits = history.high if upwards else history.low
    for series, of_nights in enumerate(sums):
        measured = np.nonzero(~np.isnan(of_nights))[0]
        if not len(measured) or of_nights[measured[-1]] <= WATCH:
            continue
        last = int(measured[-1])
        first = int(since[series, last])
        values = history.values[series, first : last + 1]
        over = np.nonzero(of_nights[first : last + 1] > WATCH)[0]
        mean, sigma = charts.mean[series, last], charts.sigma[series, last]
        now, limit = float(np.nanmean(values)), float(limits[series, last])
        yield Alarm(
            series=series,
            level=Level.WARNING if of_nights[last] > charts.warning else Level.WATCH,
            upwards=upwards,
            since=first,
            found=first + int(over[0]),
            before=float(mean),
            now=now,
            sigmas=abs(now - float(mean)) / float(sigma),
            limit=limit,
            nights_left=_nights_left(values, limit, upwards=upwards),
        )


def _nights_left(values: Numbers, limit: float, *, upwards: bool) -> float | None:
    """Nights until the trend of `values` meets the limit; 0 where it is beyond already."""
    at = np.nonzero(~np.isnan(values))[0].astype(np.float64)
    seen = values[~np.isnan(values)]
    if (seen[-1] >= limit) if upwards else (seen[-1] <= limit):
        return 0.0
    if len(seen) < FIT_LEAST:
        return None
    (slope, start), rest = np.polyfit(at, seen, 1), 0.0
    rest = float(np.sqrt(np.sum((seen - start - slope * at) ** 2) / (len(seen) - 2)))
    error = rest / float(np.sqrt(np.sum((at - at.mean()) ** 2)))
    towards = float(slope if upwards else -slope)
    # A trend that could as well be none gives no date.
    if towards <= 2 * error:
        return None
    left = (limit - float(start + slope * at[-1])) / float(slope)
    return max(left, 0.0) if left <= FAR else None
