"""Control charts: whether a measurement has moved, long before it crosses a limit.

A self-starting CUSUM, one chart a series (Hawkins 1987). Each night's value is held against mean
and spread of the nights before it, which makes it, exactly for a steady normal process, a standard
normal number z, however short the past; what z exceeds half a sigma by is summed up, each way.

    watch    the sum over WATCH: of one steady chart a false alarm in 370 nights or more
    warning  the sum over a threshold so high that of all charts together one is false in 370 nights

Rules: only a side that has a limit can alarm; while an alarm stands, the reference does not learn
from what it warns of; a changed limit, scenario, release or bench begins a new phase, in which
nothing is known yet. A z counts for 3 at most: one wild reading is no drift, two are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

ALLOWANCE = 0.5  # half the shift to be found: a CUSUM tuned to one sigma
WATCH = 4.9  # chosen by simulation (see the ADR): 370 nights at least between false alarms
NIGHTS_A_FALSE_ALARM = 370.0
# Chosen by simulation: far out in the tail Siegmund's formula, Student's t by approximation and a
# reference that rests while an alarm stands are together wrong by a factor of two.
CAUTION = 3.0
WARM_UP = 10  # chosen: nights until a chart knows its spread well enough to speak
Z_MOST = 3.0
# Chosen: a spread below a thousandth of the way to the limit is taken for that; else a simulated
# bench, whose readings repeat to the last digit, would warn of the first digit that moved.
SPREAD_LEAST = 1e-3
HEADROOM = 5.0  # chosen: how far over the threshold a sum may grow, so that it comes back in time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Charts:
    """Series x nights. `up` and `down` are the sums; NaN where nothing was measured.

    `mean` and `sigma` are the reference that the night was held against, NaN while it is learnt;
    `up_since` and `down_since` are the night after which the sum last left zero.
    """

    up: Numbers
    down: Numbers
    mean: Numbers
    sigma: Numbers
    up_since: Whole
    down_since: Whole
    warning: float


def threshold(charts: int) -> float:
    """The warning threshold at which `charts` steady charts give one false alarm in 370 nights.

    Siegmund's approximation of a two-sided CUSUM's average run length, with caution.
    """
    wanted, low, high = CAUTION * NIGHTS_A_FALSE_ALARM * max(charts, 1), 0.0, 60.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _run_length(middle) < wanted else (low, middle)
    return max(high, WATCH)


def _run_length(height: float) -> float:
    """Nights until a steady chart, both sides watched, alarms at `height`."""
    b = 2 * ALLOWANCE * (height + 1.166)
    return (math.exp(b) - b - 1) / (2 * ALLOWANCE**2) / 2


def charts(values: Numbers, phases: Whole, low: Numbers, high: Numbers) -> Charts:
    """The charts of `values` (series x nights, NaN: not measured).

    `phases` numbers each value's conditions; `low` and `high` are the limits of each value, NaN
    where there is none.
    """
    series, nights = values.shape
    warning = threshold(series)
    up, down, mean, sigma = (np.full((series, nights), np.nan) for _ in range(4))
    up_since, down_since = (np.full((series, nights), -1, dtype=np.int64) for _ in range(2))
    state = _State(series, warning + HEADROOM)
    for night in range(nights):
        seen = ~np.isnan(values[:, night])
        state.begin(seen, phases[:, night])
        sides = ~np.isnan(high[:, night]), ~np.isnan(low[:, night])
        reach = _reach(state.mean, low[:, night], high[:, night])
        mean[:, night], sigma[:, night] = state.step(values[:, night], seen, reach, sides, night)
        up[:, night] = np.where(seen, state.up, np.nan)
        down[:, night] = np.where(seen, state.down, np.nan)
        up_since[:, night], down_since[:, night] = state.up_since, state.down_since
    return Charts(
        up=up,
        down=down,
        mean=mean,
        sigma=sigma,
        up_since=up_since,
        down_since=down_since,
        warning=warning,
    )


def _reach(mean: Numbers, low: Numbers, high: Numbers) -> Numbers:
    """How far the farther limit is; 0 where there is none."""
    farther: Numbers = np.fmax(np.nan_to_num(np.fmax(high - mean, mean - low)), 0.0)
    return farther


class _State:
    """Where every chart stands after the nights so far."""

    def __init__(self, series: int, most: float) -> None:
        self._most = most
        self._count = np.zeros(series)
        self.mean = np.zeros(series)
        self._squares = np.zeros(series)
        self.up, self.down = np.zeros(series), np.zeros(series)
        self.up_since = np.full(series, -1, dtype=np.int64)
        self.down_since = np.full(series, -1, dtype=np.int64)
        self._phase = np.full(series, -1, dtype=np.int64)

    def begin(self, seen: Truths, phases: Whole) -> None:
        """Forget what was learnt under other conditions."""
        new = seen & (phases != self._phase)
        self._phase = np.where(seen, phases, self._phase)
        for each in (self._count, self.mean, self._squares, self.up, self.down):
            each[new] = 0.0

    def step(
        self, x: Numbers, seen: Truths, reach: Numbers, sides: tuple[Truths, Truths], night: int
    ) -> tuple[Numbers, Numbers]:
        """Take one night in; mean and sigma that it was held against, NaN where none."""
        ready = seen & (self._count >= WARM_UP)
        known = np.maximum(self._count, 2.0)
        spread = np.sqrt(self._squares / (known - 1))
        least = np.finfo(float).eps * np.maximum(np.abs(self.mean), 1.0)
        sigma = np.maximum(spread, np.maximum(SPREAD_LEAST * reach, least))
        mean = self.mean.copy()
        t = np.where(ready, (x - mean) / (sigma * np.sqrt((known + 1) / known)), 0.0)
        z = np.clip(_normal(t, known - 1), -Z_MOST, Z_MOST)
        self._sum(ready, z, sides, night)
        alarmed = ready & (np.maximum(self.up, self.down) > WATCH)
        # What is wild is learnt as no more than it counts.
        tame = np.where(ready, np.clip(x, mean - Z_MOST * sigma, mean + Z_MOST * sigma), x)
        self._learn(tame, seen & ~alarmed)
        return np.where(ready, mean, np.nan), np.where(ready, sigma, np.nan)

    def _sum(self, ready: Truths, z: Numbers, sides: tuple[Truths, Truths], night: int) -> None:
        idle = ready & (self.up <= 0), ready & (self.down <= 0)
        self.up_since[idle[0]], self.down_since[idle[1]] = night, night
        up = np.clip(self.up + z - ALLOWANCE, 0.0, self._most)
        down = np.clip(self.down - z - ALLOWANCE, 0.0, self._most)
        self.up = np.where(ready, np.where(sides[0], up, 0.0), self.up)
        self.down = np.where(ready, np.where(sides[1], down, 0.0), self.down)

    def _learn(self, x: Numbers, from_: Truths) -> None:
        """Welford's running mean and sum of squares."""
        count = self._count + from_
        step = np.where(from_, x - self.mean, 0.0)
        mean = self.mean + step / np.maximum(count, 1.0)
        self._squares += step * np.where(from_, x - mean, 0.0)
        self._count, self.mean = count, mean


def _normal(t: Numbers, freedom: Numbers) -> Numbers:
    """The standard normal number as likely as Student's `t` (Wallace's approximation)."""
    factor = (8 * freedom + 1) / (8 * freedom + 3)
    return np.sign(t) * factor * np.sqrt(freedom * np.log1p(t * t / freedom))
