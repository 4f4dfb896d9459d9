"""What somebody wants to know in the morning: what fails, what moves, what wavers, which bench."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rig.history.alarms import Alarm, alarms
from rig.history.index import verdict_of
from rig.history.nights import NO_RUN, History
from rig.history.rates import RECENT, OneBench, Rates, on_one_bench, rates
from rig.recording import Verdict

# Chosen: a row that changes sides in one of ten nights tells nobody anything.
WAVERS_FROM = 0.1
WAVERS_NIGHTS = 10  # chosen: of fewer nights a rate says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A row that did not pass in its bench's newest run; `since` is the first night of these."""

    row: int
    bench: int
    verdict: Verdict
    since: int
    nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavering:
    """A row that changes between pass and no pass; `rate` is its flip rate of late."""

    row: int
    bench: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One night on which a row did not pass, and why."""

    night: int
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """A history and what follows from it; `recent` is over the last 30 nights."""

    history: History
    recent: Rates
    whole: Rates
    failing: tuple[Failing, ...]
    alarms: tuple[Alarm, ...]
    one_bench: tuple[OneBench, ...]
    wavering: tuple[Wavering, ...]


def summarise(history: History) -> Summary:
    """What follows from a history."""
    recent = rates(history, RECENT)
    return Summary(
        history=history,
        recent=recent,
        whole=rates(history),
        failing=tuple(sorted(_failing(history), key=_worst_first)),
        alarms=tuple(alarms(history)),
        one_bench=tuple(on_one_bench(history, recent)),
        wavering=tuple(_wavering(recent)),
    )


def newest_column(history: History, bench: int) -> int:
    """The column of a bench's newest run; -1 where it has none."""
    return max((n for n, run in enumerate(history.runs[bench]) if run is not None), default=-1)


def latest(history: History, row: int, bench: int) -> Verdict | None:
    """What a bench's newest run says about a row; None where it does not have the row."""
    severity = int(history.verdicts[bench, row, newest_column(history, bench)])
    return None if severity == NO_RUN else verdict_of(severity)


def read_failures(
    connection: sqlite3.Connection, history: History, most: int
) -> dict[tuple[int, int], list[Failure]]:
    """By row and bench: the last `most` nights on which it did not pass, newest first."""
    columns = {
        run.n: (bench, column)
        for bench, runs in enumerate(history.runs)
        for column, run in enumerate(runs)
        if run is not None
    }
    rows = {row.id: place for place, row in enumerate(history.rows)}
    found: dict[tuple[int, int], list[Failure]] = {}
    query = (
        "SELECT v.run, a.id, v.verdict, t.text FROM verdict v JOIN about a ON a.n = v.about "
        "JOIN text t ON t.n = v.reason WHERE v.verdict > ?"
    )
    for run, id_, severity, reason in connection.execute(query, (Verdict.PASS.severity,)):
        if run in columns and id_ in rows:
            bench, night = columns[run]
            failure = Failure(night=night, verdict=verdict_of(severity), reason=reason)
            found.setdefault((rows[id_], bench), []).append(failure)
    return {
        pair: sorted(each, key=lambda failure: -failure.night)[:most]
        for pair, each in found.items()
    }


def _failing(history: History) -> Iterator[Failing]:
    for bench, row in np.ndindex(*history.verdicts.shape[:2]):
        verdict = latest(history, row, bench)
        if verdict in {None, Verdict.PASS, Verdict.NOT_RUN}:
            continue
        assert verdict is not None
        since, nights = _streak(history.verdicts[bench, row].tolist())
        yield Failing(row=row, bench=bench, verdict=verdict, since=since, nights=nights)


def _streak(severities: list[int]) -> tuple[int, int]:
    """Since which night it has not passed, and on how many nights it ran since."""
    since, nights = 0, 0
    for night in reversed(range(len(severities))):
        if severities[night] in {NO_RUN, Verdict.NOT_RUN.severity}:
            continue
        if severities[night] == Verdict.PASS.severity:
            break
        since, nights = night, nights + 1
    return since, nights


def _worst_first(each: Failing) -> tuple[int, int, int, int]:
    return -each.verdict.severity, each.nights, each.row, each.bench


def _wavering(recent: Rates) -> Iterator[Wavering]:
    flips = np.where(recent.ran >= WAVERS_NIGHTS, np.nan_to_num(recent.flips), 0.0)
    pairs = zip(*np.nonzero(flips >= WAVERS_FROM), strict=True)
    for bench, row in sorted(pairs, key=lambda pair: (-flips[pair], pair[1], pair[0])):
        yield Wavering(row=int(row), bench=int(bench), rate=float(flips[bench, row]))
