"""What the nights say about rows and benches: flips, first attempts, failures of one bench only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rig.history.drift import Numbers, Truths, Whole
from rig.history.nights import NO_RUN, History, Verdicts
from rig.recording import Verdict

RECENT = 30  # chosen: a month of nights, long enough for a rate, short enough to be of today
# Chosen: of all pairs of row and bench together, chance alone names one in twenty histories.
CHANCE = 0.05
NAMED_FROM = 3  # chosen: fewer failures than that are no pattern, whatever their odds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Bench x row, over `nights` columns; a rate is NaN where nothing ran.

    `flips`: of each two successive nights on one release, how often a pass became none or the
    other way round. `first_passed`: how often every test passed at its first attempt.
    """

    nights: int
    ran: Whole
    failed: Whole
    flips: Numbers
    first_passed: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBench:
    """A row that fails on one bench far more than on the others: the bench is to be looked at.

    `expected`: how many failures there would be if all benches were alike; `chance`: how likely
    as many or more would be then.
    """

    row: int
    bench: int
    failed: int
    ran: int
    failed_elsewhere: int
    ran_elsewhere: int
    expected: float
    chance: float


def rates(history: History, nights: int | None = None) -> Rates:
    """The rates over the last `nights` columns, or all."""
    count = len(history.nights)
    first = 0 if nights is None else max(0, count - nights)
    verdicts = history.verdicts[:, :, first:]
    ran = _ran(verdicts)
    passed = verdicts == Verdict.PASS.severity
    flips, pairs = _flips(ran, passed, history.firmware[:, :, first:])
    total = ran.sum(axis=2)
    return Rates(
        nights=count - first,
        ran=total,
        failed=(ran & ~passed).sum(axis=2),
        flips=_share(flips, pairs),
        first_passed=_share((ran & history.first_passed[:, :, first:]).sum(axis=2), total),
    )


def on_one_bench(history: History, found: Rates) -> list[OneBench]:
    """What fails on one bench and not on the others, least likely first; by Fisher's exact test."""
    pairs = int((found.ran > 0).sum())
    named = [each for each in _pairs(found) if each.chance * pairs < CHANCE]
    return sorted(named, key=lambda each: (each.chance, history.rows[each.row].id, each.bench))


def _pairs(found: Rates) -> Iterator[OneBench]:
    all_ran, all_failed = found.ran.sum(axis=0), found.failed.sum(axis=0)
    for bench, row in zip(*np.nonzero(found.failed >= NAMED_FROM), strict=True):
        failed, ran = int(found.failed[bench, row]), int(found.ran[bench, row])
        every, total = int(all_failed[row]), int(all_ran[row])
        if total > ran and failed * total > every * ran:
            yield OneBench(
                row=int(row),
                bench=int(bench),
                failed=failed,
                ran=ran,
                failed_elsewhere=every - failed,
                ran_elsewhere=total - ran,
                expected=every * ran / total,
                chance=_chance(failed, ran, every, total),
            )


def _chance(failed: int, ran: int, every: int, total: int) -> float:
    """How likely `failed` or more of `every` failures fall among `ran` of `total` nights."""
    ways = sum(
        math.comb(every, k) * math.comb(total - every, ran - k)
        for k in range(failed, min(every, ran) + 1)
    )
    return ways / math.comb(total, ran)


def _ran(verdicts: Verdicts) -> Truths:
    ran: Truths = (verdicts != NO_RUN) & (verdicts != Verdict.NOT_RUN.severity)
    return ran


def _flips(ran: Truths, passed: Truths, firmware: Whole) -> tuple[Whole, Whole]:
    """How often a row changed sides, and how often it could have; over nights on which it ran."""
    shape = ran.shape[:2]
    flips, pairs = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    before, release = np.zeros(shape, dtype=np.bool_), np.full(shape, -1, dtype=np.int64)
    for night in range(ran.shape[2]):
        runs, side, on = ran[:, :, night], passed[:, :, night], firmware[:, :, night]
        # Another release may well behave otherwise: that is no flip.
        pair = runs & (release == on)
        pairs += pair
        flips += pair & (side != before)
        before, release = np.where(runs, side, before), np.where(runs, on, release)
    return flips, pairs


def _share(part: Whole, of: Whole) -> Numbers:
    return np.where(of > 0, part / np.maximum(of, 1), np.nan)
