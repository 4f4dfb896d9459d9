"""The index: a SQLite database beside the run records, made from them and from nothing else.

Rules of this file: a run is written in one transaction, so that a kill leaves whole runs; a record
that cannot be read is named in it and passed over; what is asked of a run that changed, or is gone,
is changed, or gone, after the next update. Readers work while an update writes (WAL).
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BenchFileError
from rig.history.facts import SPOILT, AttemptFacts, RowFacts, RunFacts, facts_of, stamp_of
from rig.recording import RecordError, Verdict

DATABASE = "history.sqlite"
_WAIT_S = 30.0  # chosen: longer than another's update of the runs of one night
_VERDICTS = tuple(Verdict)

_TABLES = """
CREATE TABLE run (n INTEGER PRIMARY KEY, folder TEXT UNIQUE, stamp TEXT, id TEXT, bench TEXT,
  bench_sha256 TEXT, firmware TEXT, started TEXT, finished TEXT, seed INTEGER, ran INTEGER,
  rows INTEGER, marks TEXT);
CREATE TABLE broken (folder TEXT PRIMARY KEY, stamp TEXT, reason TEXT);
CREATE TABLE text (n INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE about (n INTEGER PRIMARY KEY, id TEXT, area TEXT, statement TEXT);
CREATE TABLE series (n INTEGER PRIMARY KEY, id TEXT, test TEXT, name TEXT, nth INTEGER);
CREATE TABLE phase (n INTEGER PRIMARY KEY, unit TEXT, low REAL, high REAL, firmware TEXT,
  scenario_sha256 TEXT, bench_sha256 TEXT);
CREATE TABLE verdict (run INTEGER, about INTEGER, verdict INTEGER, first_passed INTEGER,
  firmware INTEGER, reason INTEGER, PRIMARY KEY (run, about)) WITHOUT ROWID;
CREATE TABLE attempt (run INTEGER, about INTEGER, test INTEGER, number INTEGER, verdict INTEGER,
  reason INTEGER, started TEXT, sim_s REAL, wall_s REAL,
  PRIMARY KEY (run, about, test, number)) WITHOUT ROWID;
CREATE TABLE measurement (run INTEGER, series INTEGER, number INTEGER, charted INTEGER,
  phase INTEGER, value REAL, margin REAL, uncertainty REAL, verdict INTEGER,
  PRIMARY KEY (run, series, number)) WITHOUT ROWID;
"""
_FACTS = ("verdict", "attempt", "measurement")
# What the database says, without its inner numbers: the same after any order of updates.
_CONTENTS = (
    "SELECT folder, stamp, id, bench, bench_sha256, firmware, started, finished, seed, ran, rows, "
    "marks FROM run",
    "SELECT folder, stamp, reason FROM broken",
    "SELECT r.folder, a.id, a.area, a.statement, v.verdict, v.first_passed, f.text, w.text "
    "FROM verdict v JOIN run r ON r.n = v.run JOIN about a ON a.n = v.about "
    "JOIN text f ON f.n = v.firmware JOIN text w ON w.n = v.reason",
    "SELECT r.folder, a.id, t.text, v.number, v.verdict, w.text, v.started, v.sim_s, v.wall_s "
    "FROM attempt v JOIN run r ON r.n = v.run JOIN about a ON a.n = v.about "
    "JOIN text t ON t.n = v.test JOIN text w ON w.n = v.reason",
    "SELECT r.folder, s.id, s.test, s.name, s.nth, m.number, m.charted, p.unit, p.low, p.high, "
    "p.firmware, p.scenario_sha256, p.bench_sha256, m.value, m.margin, m.uncertainty, m.verdict "
    "FROM measurement m JOIN run r ON r.n = m.run JOIN series s ON s.n = m.series "
    "JOIN phase p ON p.n = m.phase",
)

# A database with other tables, or from before there was another verdict, is made anew.
_LAYOUT = zlib.crc32((_TABLES + " ".join(_VERDICTS)).encode()) & 0x7FFFFFFF
_APPLICATION = 0x48494C31  # "HIL1": how an index is told from other people's databases

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What an update did; `broken` are the records passed over, a folder and what is wrong."""

    runs: int
    read: int
    gone: int
    broken: tuple[tuple[str, str], ...]


def update(
    folder: Path,
    database: Path | None = None,
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> Updated:
    """Bring the index up to date with the run records in `folder`.

    `database`: `folder`/history.sqlite if not given. Only records that changed since are read, or
    all of them with `rebuild`. A database that is damaged, or of another layout, is made anew.
    Raises BenchFileError where there is no such folder, or no database can be written.
    """
    if not folder.is_dir():
        raise BenchFileError(f"{folder}: no such folder; allowed: a folder of run records")
    if database is not None and not _may_be_ours(database):
        raise BenchFileError(
            f"{database}: is something else; allowed: an index of runs, or no file"
        )
    database = database or folder / DATABASE
    try:
        return _update(folder, database, rebuild, progress)
    except sqlite3.OperationalError as error:
        raise BenchFileError(f"{database}: {error}; allowed: a file to write") from None
    except sqlite3.DatabaseError:
        # The records are whole: nothing is lost with it.
        _remove(database)
        return _update(folder, database, rebuild, progress)


def _update(folder: Path, database: Path, rebuild: bool, progress: Progress | None) -> Updated:
    found = {plan.parent.name: plan.parent for plan in sorted(folder.glob("*/plan.json"))}
    with opened(database) as connection:
        known = _known(connection)
        gone = [name for name in known if name not in found]
        for name in gone:
            with _transaction(connection):
                _forget(connection, name)
        stale = [
            name for name, path in found.items() if rebuild or known.get(name) != stamp_of(path)
        ]
        writer = _Writer(connection)
        for done, name in enumerate(stale, start=1):
            with _transaction(connection):
                _forget(connection, name)
                _take(connection, writer, found[name])
            if progress is not None:
                progress(done, len(stale))
        broken = connection.execute("SELECT folder, reason FROM broken ORDER BY folder").fetchall()
        (runs,) = connection.execute("SELECT count(*) FROM run").fetchone()
    return Updated(runs=runs, read=len(stale), gone=len(gone), broken=tuple(broken))


def write_runs(database: Path, runs: Sequence[RunFacts]) -> None:
    """Put runs into a database as `update` does; for histories that nobody recorded."""
    with opened(database) as connection:
        writer = _Writer(connection)
        with _transaction(connection):
            for run in runs:
                _forget(connection, run.folder)
                writer.run(run)


def contents(database: Path) -> str:
    """The SHA-256 of all that the index says, whatever the order in which it came to know it."""
    digest = hashlib.sha256()
    with opened(database) as connection:
        for query in _CONTENTS:
            # By the text of each: a row may hold None, which does not compare.
            for line in sorted(repr(row) for row in connection.execute(query)):
                digest.update(line.encode())
    return digest.hexdigest()


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """The database, made where there is none, or one of another layout.

    Raises BenchFileError for a place without a folder, sqlite3.DatabaseError for no database.
    """
    if not database.parent.is_dir() or database.is_dir():
        raise BenchFileError(f"{database}: allowed: a file in a folder that is there")
    connection = sqlite3.connect(database, timeout=_WAIT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # A power loss may cost the last runs of the index, which the next update reads again.
        connection.execute("PRAGMA synchronous=NORMAL")
        if _layout(connection) != _LAYOUT:
            with _transaction(connection):
                _lay_out(connection)
        yield connection
    finally:
        connection.close()


def _layout(connection: sqlite3.Connection) -> int:
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    return int(layout)


def _lay_out(connection: sqlite3.Connection) -> None:
    # Another process may have been first.
    if _layout(connection) != _LAYOUT:
        for name in _tables(connection):
            connection.execute(f"DROP TABLE {name}")
        for statement in _TABLES.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={_LAYOUT}")
        connection.execute(f"PRAGMA application_id={_APPLICATION}")


def _may_be_ours(database: Path) -> bool:
    """Whether a file that somebody names may be made anew: an index, or nothing yet."""
    if not database.is_file() or database.stat().st_size == 0:
        return True
    with database.open("rb") as file:
        head = file.read(72)
    # SQLite's file format: the application's number stands at byte 68.
    return head[:16] == b"SQLite format 3\0" and head[68:72] == _APPLICATION.to_bytes(4, "big")


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in rows if not name.startswith("sqlite_")]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _known(connection: sqlite3.Connection) -> dict[str, str]:
    """The stamp of each record that the index has read, broken ones too."""
    query = "SELECT folder, stamp FROM run UNION ALL SELECT folder, stamp FROM broken"
    return dict(connection.execute(query).fetchall())


def _forget(connection: sqlite3.Connection, folder: str) -> None:
    connection.execute("DELETE FROM broken WHERE folder = ?", (folder,))
    for (n,) in connection.execute("SELECT n FROM run WHERE folder = ?", (folder,)).fetchall():
        for table in _FACTS:
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (n,))
        connection.execute("DELETE FROM run WHERE n = ?", (n,))


def _take(connection: sqlite3.Connection, writer: _Writer, folder: Path) -> None:
    stamp = stamp_of(folder)
    try:
        writer.run(facts_of(folder))
    except RecordError as error:
        # The index must not depend on where the records lie.
        reason = " ".join(str(error).replace(f"{folder}/", "").replace(str(folder), ".").split())
        connection.execute("INSERT INTO broken VALUES (?, ?, ?)", (folder.name, stamp, reason))


class _Writer:
    """Writes runs; keeps the numbers of the words, series and phases that it has met."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, dict[tuple[object, ...], int]] = {}
        self._version = -1

    def _refresh(self) -> None:
        """Within the transaction: another update may have given numbers meanwhile."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            for table in ("text", "about", "series", "phase"):
                rows = self._connection.execute(f"SELECT * FROM {table}")
                self._numbers[table] = {tuple(row[1:]): row[0] for row in rows}

    def run(self, run: RunFacts) -> None:
        """Write one run that the index does not have, in a transaction of the caller's."""
        self._refresh()
        ran = sum(row.verdict is not Verdict.NOT_RUN for row in run.rows)
        cursor = self._connection.execute(
            "INSERT INTO run VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(run.folder, run.stamp, run.id, run.bench, run.bench_sha256, run.firmware),
                *(run.started, run.finished, run.seed, ran, len(run.rows), run.marks),
            ),
        )
        number = cursor.lastrowid
        assert number is not None
        verdicts, attempts, measured = [], [], []
        for row in run.rows:
            about = self._number("about", row.id, row.area, row.statement)
            firmware, reason = self._text(row.firmware or ""), self._text(row.reason)
            severity = row.verdict.severity
            verdicts.append((number, about, severity, row.first_passed, firmware, reason))
            for each in row.attempts:
                test, said = self._text(each.test), self._text(each.reason)
                attempts.append(
                    (
                        *(number, about, test, each.number, each.verdict.severity, said),
                        *(each.started, each.sim_s, each.wall_s),
                    )
                )
            measured += [(number, *values) for values in self._measurements(run, row)]
        self._insert("verdict", verdicts)
        self._insert("attempt", attempts)
        self._insert("measurement", measured)

    def _measurements(self, run: RunFacts, row: RowFacts) -> Iterator[tuple[object, ...]]:
        """Of all attempts; of each test the first that the bench did not spoil is charted."""
        charted: dict[str, int] = {}
        for each in sorted(row.attempts, key=lambda attempt: attempt.number):
            if each.verdict not in SPOILT:
                charted.setdefault(each.test, each.number)
        for each in row.attempts:
            yield from self._of_attempt(run, row, each, charted.get(each.test) == each.number)

    def _of_attempt(
        self, run: RunFacts, row: RowFacts, attempt: AttemptFacts, charted: bool
    ) -> Iterator[tuple[object, ...]]:
        seen: dict[str, int] = {}
        conditions = (row.firmware or "", row.scenario_sha256 or "", run.bench_sha256)
        for each in attempt.measurements:
            nth = seen[each.name] = seen.get(each.name, 0) + 1
            series = self._number("series", row.id, attempt.test, each.name, nth)
            phase = self._number("phase", each.unit, each.low, each.high, *conditions)
            value, margin = each.value, _margin(each.value, each.low, each.high)
            yield (
                *(series, attempt.number, charted, phase, value, margin),
                *(each.uncertainty, each.verdict.severity),
            )

    def _text(self, text: str) -> int:
        return self._number("text", text)

    def _number(self, table: str, *values: object) -> int:
        numbers = self._numbers[table]
        if values not in numbers:
            numbers[values] = len(numbers) + 1
            self._insert(table, [(numbers[values], *values)])
        return numbers[values]

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _margin(value: float | None, low: float | None, high: float | None) -> float | None:
    """How far a value is from its nearer limit, in its unit; below 0 beyond it."""
    if value is None:
        return None
    sides = [value - low] if low is not None else []
    sides += [high - value] if high is not None else []
    return min(sides, default=None)


def verdict_of(severity: int) -> Verdict:
    """The verdict that a number in the index stands for."""
    return _VERDICTS[severity]
