"""The history as tables of numbers: verdicts by bench, row and night, measurements by night.

A column is a night, noon to noon UTC; where a bench ran more than once in a night there are more
columns of it, so that no run hides another. A run of a few rows only is somebody's try and no
night: it is left out unless it is asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rig.history.drift import Charts, Numbers, Truths, Whole, charts
from rig.history.index import opened

NO_RUN = 255
WHOLE_SHARE = 0.1  # chosen: a run that gave a verdict to fewer of the plan's rows is a try

Verdicts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A column; `number` counts the runs of one night from 1."""

    day: date
    number: int

    @property
    def name(self) -> str:
        """The night as people name it: the day on which it began."""
        return f"{self.day}" if self.number == 1 else f"{self.day} #{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the history; `finished` is None where it was cut off, or still runs.

    `marks`: what is to be said beside its verdicts, such as PARTIAL.
    """

    n: int
    id: str
    folder: str
    bench: str
    firmware: str
    started: str
    finished: str | None
    marks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row, in the words of the newest run that has it."""

    id: str
    area: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What was measured night after night on one bench; `row` and `bench` are places in lists."""

    row: int
    bench: int
    test: str
    name: str
    nth: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """All nights of a folder of runs, as far as they were asked for.

    `verdicts`, `first_passed`, `firmware`: bench x row x night; a verdict is its severity, NO_RUN
    where there was no run; `firmware` numbers the release that the row was judged on. `values`,
    `low`, `high`: series x night, NaN where nothing was measured, or there is no such limit.
    """

    benches: tuple[str, ...]
    nights: tuple[Night, ...]
    rows: tuple[Row, ...]
    runs: tuple[tuple[Run | None, ...], ...]
    left_out: int
    broken: tuple[tuple[str, str], ...]
    verdicts: Verdicts
    first_passed: Truths
    firmware: Whole
    series: tuple[Series, ...]
    values: Numbers
    low: Numbers
    high: Numbers
    charts: Charts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a history is asked for; None: all of it."""

    bench: str | None = None
    since: date | None = None
    ids: frozenset[str] | None = None
    tries: bool = False


def read_history(database: Path, wanted: Wanted | None = None) -> History:
    """The history that the index at `database` knows."""
    wanted = wanted or Wanted()
    with opened(database) as connection:
        runs, left_out = _runs(connection, wanted)
        return _history(connection, wanted, runs, left_out)


def _runs(connection: sqlite3.Connection, wanted: Wanted) -> tuple[list[Run], int]:
    """The runs that were asked for, oldest first, and how many were tries."""
    found: dict[str, Run] = {}
    left_out = 0
    query = "SELECT n, id, folder, bench, firmware, started, finished, marks, ran, rows "
    for row in connection.execute(query + "FROM run ORDER BY started, folder"):
        names = ("n", "id", "folder", "bench", "firmware", "started", "finished", "marks")
        run = Run(**dict(zip(names, row, strict=False)))
        ran, rows = row[8:]
        if wanted.bench not in {None, run.bench}:
            continue
        if wanted.since is not None and night_of(run.started) < wanted.since:
            continue
        if ran == 0 or (ran < WHOLE_SHARE * rows and not wanted.tries):
            left_out += 1
        else:
            # A record that was copied is one run all the same.
            found.setdefault(run.id, run)
    return list(found.values()), left_out


def night_of(started: str) -> date:
    """The day on which the night began that an instant belongs to; days change at noon, UTC."""
    return (datetime.fromisoformat(started) - timedelta(hours=12)).date()


def _history(
    connection: sqlite3.Connection, wanted: Wanted, runs: Sequence[Run], left_out: int
) -> History:
    benches = tuple(sorted({run.bench for run in runs}))
    nights, column_of = _columns(runs)
    table: list[list[Run | None]] = [[None] * len(nights) for _ in benches]
    # By the index's number of a run: its bench and its column; -1 for a run not asked for.
    bench_at, column_at = (np.full(_most(connection, "run"), -1) for _ in range(2))
    for run in runs:
        bench, column = benches.index(run.bench), column_of[run.n]
        bench_at[run.n], column_at[run.n] = bench, column
        table[bench][column] = run
    cells = _fetched(connection, "SELECT run, about, verdict, first_passed, firmware FROM verdict")
    cells = cells[bench_at[cells[:, 0]] >= 0]
    cells = cells[np.argsort(column_at[cells[:, 0]], kind="stable")]
    rows, row_at = _rows(connection, wanted, cells[:, 1])
    cells = cells[row_at[cells[:, 1]] >= 0]
    shape = (len(benches), len(rows), len(nights))
    verdicts = np.full(shape, NO_RUN, dtype=np.uint8)
    first_passed, firmware = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.int64)
    where = bench_at[cells[:, 0]], row_at[cells[:, 1]], column_at[cells[:, 0]]
    verdicts[where], first_passed[where], firmware[where] = cells[:, 2], cells[:, 3], cells[:, 4]
    broken = connection.execute("SELECT folder, reason FROM broken ORDER BY folder").fetchall()
    series, measured = _measured(connection, rows, bench_at, column_at, len(nights))
    return History(
        benches=benches,
        nights=nights,
        rows=rows,
        runs=tuple(tuple(each) for each in table),
        left_out=left_out,
        broken=tuple(broken),
        verdicts=verdicts,
        first_passed=first_passed,
        firmware=firmware,
        series=series,
        values=measured.values,
        low=measured.low,
        high=measured.high,
        charts=charts(measured.values, measured.phases, measured.low, measured.high),
    )


def _columns(runs: Iterable[Run]) -> tuple[tuple[Night, ...], dict[int, int]]:
    """The columns, oldest first, and the column of each run by the index's number of it."""
    counted: dict[tuple[str, date], int] = {}
    night_of_run: dict[int, Night] = {}
    for run in runs:
        day = night_of(run.started)
        number = counted[run.bench, day] = counted.get((run.bench, day), 0) + 1
        night_of_run[run.n] = Night(day=day, number=number)
    nights = sorted(set(night_of_run.values()), key=lambda night: (night.day, night.number))
    places = {night: place for place, night in enumerate(nights)}
    return tuple(nights), {n: places[night] for n, night in night_of_run.items()}


def _rows(
    connection: sqlite3.Connection, wanted: Wanted, abouts: Whole
) -> tuple[tuple[Row, ...], Whole]:
    """The rows by their ids, and for each of the index's numbers the row's place, or -1.

    `abouts` are in the order of the nights: the words that came last are the newest.
    """
    words = {n: rest for n, *rest in connection.execute("SELECT * FROM about")}
    newest: dict[str, Row] = {}
    for about in dict.fromkeys(abouts[::-1].tolist()):
        id_, area, statement = words[about]
        if wanted.ids is None or id_ in wanted.ids:
            newest.setdefault(id_, Row(id=id_, area=area, statement=statement))
    rows = tuple(newest[id_] for id_ in sorted(newest))
    places = {row.id: place for place, row in enumerate(rows)}
    row_at = np.full(_most(connection, "about"), -1)
    for n, (id_, _, _) in words.items():
        row_at[n] = places.get(id_, -1)
    return rows, row_at


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    values: Numbers
    phases: Whole
    low: Numbers
    high: Numbers


def _measured(
    connection: sqlite3.Connection, rows: Sequence[Row], bench_at: Whole, column_at: Whole, n: int
) -> tuple[tuple[Series, ...], _Measured]:
    """Every series of the rows on each bench, and what was measured night by night."""
    query = "SELECT run, series, phase, value FROM measurement WHERE charted AND value IS NOT NULL"
    cells = np.array(connection.execute(query).fetchall(), dtype=np.float64).reshape(-1, 4)
    run, series, phase = (cells[:, place].astype(np.int64) for place in range(3))
    places = {row.id: place for place, row in enumerate(rows)}
    about = {
        number: (places[id_], test, name, nth)
        for number, id_, test, name, nth in connection.execute("SELECT * FROM series")
        if id_ in places
    }
    row_of_series = np.full(_most(connection, "series"), -1)
    for number, (place, *_) in about.items():
        row_of_series[number] = place
    keep = (bench_at[run] >= 0) & (row_of_series[series] >= 0)
    run, series, phase, value = run[keep], series[keep], phase[keep], cells[keep, 3]
    phases = {each: rest for each, *rest in connection.execute("SELECT * FROM phase")}
    pairs = dict.fromkeys(zip(series.tolist(), bench_at[run].tolist(), strict=True))
    ordered = sorted(pairs, key=lambda pair: (about[pair[0]], pair[1]))
    place_at = np.full((_most(connection, "series"), int(bench_at.max(initial=0)) + 1), -1)
    for place, pair in enumerate(ordered):
        place_at[pair] = place
    where = place_at[series, bench_at[run]], column_at[run]
    shape = (len(ordered), n)
    values, phase_at = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    values[where], phase_at[where] = value, phase
    limits = np.full((2, _most(connection, "phase")), np.nan)
    for number, (_, low, high, *_) in phases.items():
        limits[:, number] = [np.nan if each is None else each for each in (low, high)]
    unit = {
        place: str(phases[last][0])
        for place, last in enumerate(phase_at.max(axis=1, initial=0).tolist())
    }
    found = tuple(
        Series(
            row=about[number][0],
            bench=bench,
            test=about[number][1],
            name=about[number][2],
            nth=about[number][3],
            unit=unit[place],
        )
        for place, (number, bench) in enumerate(ordered)
    )
    return found, _Measured(
        values=values, phases=phase_at, low=limits[0][phase_at], high=limits[1][phase_at]
    )


def _fetched(connection: sqlite3.Connection, query: str) -> Whole:
    return np.array(connection.execute(query).fetchall(), dtype=np.int64).reshape(-1, 5)


def _most(connection: sqlite3.Connection, table: str) -> int:
    """How long a list must be that has a place for every number of a table."""
    (most,) = connection.execute(f"SELECT coalesce(max(n), 0) + 1 FROM {table}").fetchone()
    return int(most)
