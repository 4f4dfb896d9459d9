"""What a page shows of a run: worked out from its record alone, which may still be growing.

Rules of this file: nothing is written, nothing is locked, nothing is asked of the run's process.
The clock is an argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rig.live.durations import Durations
from rig.live.reader import RecordReader
from rig.live.terminals import Terminals, terminals
from rig.operator.questions import FOLDER, open_questions
from rig.recording import (
    Ended,
    Entry,
    ItemVerdict,
    Plan,
    RecordError,
    RunRecord,
    RunVerdicts,
    Started,
    Verdict,
    attempt_path,
    judge,
)

QUIET_LEAST_S = 120.0  # chosen: a bench that powers up says nothing for a minute
QUIET_FACTOR = 3.0  # chosen: a test may take thrice its time before anybody is called
SENTENCE = 300
GOOD = frozenset({Verdict.PASS, Verdict.NOT_RUN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An attempt that has begun and not ended; `expected_s` is None where nothing is known."""

    item: str
    test: str
    number: int
    statement: str
    elapsed_s: float
    expected_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """A row: its verdict so far, empty while nothing is decided; `ended` is ISO 8601 in UTC."""

    id: str
    area: str
    statement: str
    verdict: str
    reason: str
    running: bool
    ended: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line about the bench or the record; `tone` is "good", "plain" or "bad"."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last attempt that did not pass, in one sentence."""

    item: str
    test: str
    verdict: str
    sentence: str
    utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the page shows at one moment.

    `phase` is "waiting" (no plan yet), "running", "quiet" (nothing was written for too long),
    "finished" or "unreadable". `left_s`: None where it cannot be said. `quiet_s`: seconds since
    something was written. `terminals`: on a bench with a wall clock, while something runs.
    """

    phase: str
    id: str
    bench: str
    firmware: str
    started: str | None
    finished: str | None
    marks: tuple[str, ...]
    tests_planned: int
    tests_ended: int
    left_s: float | None
    quiet_s: float | None
    now: tuple[Running, ...]
    counts: Mapping[str, int]
    rows: tuple[RowState, ...]
    failure: Failure | None
    notes: tuple[Note, ...]
    terminals: Terminals | None
    problem: str


def waiting(folder: Path, problem: str = "") -> Snapshot:
    """A run that has no plan yet, or none that can be read."""
    return Snapshot(
        phase="unreadable" if problem else "waiting",
        id=folder.name,
        bench="",
        firmware="",
        started=None,
        finished=None,
        marks=(),
        tests_planned=0,
        tests_ended=0,
        left_s=None,
        quiet_s=None,
        now=(),
        counts={},
        rows=(),
        failure=None,
        notes=(),
        terminals=None,
        problem=problem,
    )


def snapshot(
    folder: Path, durations: Durations, now_s: float, reader: RecordReader | None = None
) -> Snapshot:
    """What `folder` says at `now_s` (Unix seconds, UTC); a broken record is told, not raised.

    With the `reader` of an earlier look only what is new is read.
    """
    reader = reader or RecordReader(folder)
    record = reader.record
    if not (folder / "plan.json").is_file():
        return waiting(folder)
    try:
        plan, entries, finished = reader.plan(), reader.entries(), record.finished()
        verdicts = judge(plan, entries, finished)
        return _of_record(record, _Known(plan, entries, durations, now_s), verdicts)
    except (RecordError, OSError) as error:
        said = " ".join(str(error).replace(f"{folder}/", "").split())
        return waiting(folder, said)


class _Known:
    """Plan and journal, looked up by test."""

    def __init__(
        self, plan: Plan, entries: Sequence[Entry], durations: Durations, now_s: float
    ) -> None:
        self.plan, self.durations, self.now_s = plan, durations, now_s
        self.ends = [each for each in entries if isinstance(each, Ended)]
        ended = {each.attempt for each in self.ends}
        starts = [each for each in entries if isinstance(each, Started)]
        self.first_s = min((_unix(each.utc) for each in starts), default=now_s)
        self.open = [each for each in starts if each.attempt not in ended]
        self.done = {(each.item, each.test) for each in self.ends}
        self.planned = [(row.id, test) for row in plan.rows for test in row.tests]
        self.rows = {row.id: row for row in plan.rows}
        # The last of a row's ends: the journal is in the order of time.
        self.ended_at = {each.item: each.utc for each in self.ends}


def _of_record(record: RunRecord, known: _Known, verdicts: RunVerdicts) -> Snapshot:
    finished = verdicts.run.finished
    now = () if finished else _running(record, known)
    quiet_s = _quiet_s(record.folder, known.now_s)
    busy = {each.item for each in now}
    rows = tuple(_row(known, item, busy, finished is not None) for item in verdicts.items)
    counts = Counter(row.verdict for row in rows if row.verdict)
    phase = "finished" if finished else "running"
    asked = () if finished else _asked(record.folder, known.now_s)
    if not finished and not asked and quiet_s > _patience_s(now):
        phase = "quiet"
    run = verdicts.run
    return Snapshot(
        phase=phase,
        id=run.id,
        bench=run.bench,
        firmware=run.firmware,
        started=run.started,
        finished=finished,
        marks=(*asked, *run.marks),
        tests_planned=len(known.planned),
        tests_ended=sum(place in known.done for place in known.planned),
        left_s=0.0 if finished else _left_s(known, now),
        quiet_s=None if finished else quiet_s,
        now=now,
        counts={str(each): counts[each] for each in reversed(Verdict) if counts[each]},
        rows=rows,
        failure=_failure(known.ends),
        notes=tuple(_notes(record, known.plan)),
        terminals=_terminals(record.folder, known, now),
        problem="",
    )


def _asked(folder: Path, now_s: float) -> tuple[str, ...]:
    """What a technician is asked now, and how to answer: not here, this page changes nothing."""
    return tuple(
        f"Question of {each.attempt}: {each.text} To answer, on this machine: "
        f"hil answer {folder} {'|'.join(each.allowed)}"
        for each in open_questions(folder / FOLDER, round(1000 * now_s))
    )


def _running(record: RunRecord, known: _Known) -> tuple[Running, ...]:
    """What has begun and not ended; what a session that was cut off left open runs no more."""
    sessions = record.sessions()
    since_s = _unix(sessions[-1].utc) if sessions else 0.0
    newest = {(each.item, each.test): each for each in known.open if _unix(each.utc) >= since_s}
    return tuple(
        Running(
            item=each.item,
            test=each.test,
            number=each.number,
            statement=known.rows[each.item].statement,
            elapsed_s=max(known.now_s - _unix(each.utc), 0.0),
            expected_s=known.durations.get((each.item, each.test)),
        )
        for each in newest.values()
    )


def _row(known: _Known, item: ItemVerdict, busy: set[str], finished: bool) -> RowState:
    row = known.rows[item.id]
    # Until the run is over, a planned row that passed so far is not decided.
    open_ = not finished and bool(row.tests) and item.verdict is Verdict.NOT_RUN
    open_ = open_ or (item.id in busy and item.verdict in {Verdict.ABORTED, Verdict.PASS})
    return RowState(
        id=item.id,
        area=row.area,
        statement=row.statement,
        verdict="" if open_ else str(item.verdict),
        reason="" if open_ else _sentence(item.reason),
        running=item.id in busy,
        ended=known.ended_at.get(item.id),
    )


def _left_s(known: _Known, now: Sequence[Running]) -> float | None:
    """Seconds until the last test should have ended, by earlier runs and by this one's pace."""
    waiting_for = [place for place in known.planned if place not in known.done]
    if not waiting_for:
        return 0.0
    took = {(each.item, each.test): each.wall_s for each in known.ends}
    usual = _mean(list(known.durations.values())) or _mean(list(took.values()))
    if usual is None:
        return None
    elapsed = {(each.item, each.test): each.elapsed_s for each in now}
    pace = _pace(known.durations, took)
    each_left = [
        max(pace * known.durations.get(place, usual) - elapsed.get(place, 0.0), 0.0)
        for place in waiting_for
    ]
    return max(sum(each_left) / _lanes(known, took, len(now)), *each_left)


def _pace(durations: Durations, took: Mapping[tuple[str, str], float]) -> float:
    """How much slower this run is than the earlier ones; 1 until that can be told."""
    both = [place for place in took if durations.get(place, 0.0) > 0.0]
    # Chosen: a pair of tests is no pace.
    if len(both) < 5:
        return 1.0
    return sum(took[place] for place in both) / sum(durations[place] for place in both)


def _lanes(known: _Known, took: Mapping[tuple[str, str], float], running: int) -> float:
    """How many tests run side by side: as many as did so far."""
    wall_s = known.now_s - known.first_s
    if len(took) < 5 or wall_s <= 0:
        return float(max(running, 1))
    return max(sum(took.values()) / wall_s, 1.0)


def _patience_s(now: Sequence[Running]) -> float:
    return max([QUIET_LEAST_S, *(QUIET_FACTOR * (each.expected_s or 0.0) for each in now)])


def _quiet_s(folder: Path, now_s: float) -> float:
    written = [
        path.stat().st_mtime
        for path in (folder / "journal.jsonl", folder / "plan.json")
        if path.is_file()
    ]
    return max(now_s - max(written), 0.0)


def _terminals(folder: Path, known: _Known, now: Sequence[Running]) -> Terminals | None:
    """Of the attempt that runs; a simulated bench is past what it showed before anybody looks."""
    facts = known.plan.run.bench_facts
    if facts is None or facts.kind == "simulated" or not now:
        return None
    last = now[-1]
    return terminals(folder / attempt_path(last.item, last.test, last.number), known.now_s)


def _failure(ends: Sequence[Ended]) -> Failure | None:
    bad = [each for each in ends if each.verdict not in GOOD]
    if not bad:
        return None
    last = max(bad, key=lambda each: each.utc)
    return Failure(
        item=last.item,
        test=last.test,
        verdict=str(last.verdict),
        sentence=_sentence(last.unmet or last.reason) or "no reason was given",
        utc=last.utc,
    )


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SENTENCE else f"{line[: SENTENCE - 1]}…"


def _notes(record: RunRecord, plan: Plan) -> list[Note]:
    """What is known about the bench: what it is, its self-tests, its calibrations."""
    facts = plan.run.bench_facts
    notes = []
    if facts is not None:
        told = f"{facts.kind}: {facts.description}" if facts.description else facts.kind
        notes.append(Note(text=told, tone="plain"))
        day = plan.run.started[:10]
        late = [each for each in facts.instruments if each.due is not None and each.due < day]
        notes += [
            Note(text=f"{each.role} ({each.model}): calibration was due {each.due}", tone="bad")
            for each in late
        ]
        if facts.instruments and not late and all(each.due for each in facts.instruments):
            count = len(facts.instruments)
            notes.append(Note(text=f"{count} instruments, all within calibration", tone="good"))
    for session in record.sessions()[1:]:
        notes.append(Note(text=f"{session.why} at {session.utc}", tone="plain"))
    return [*notes, *_self_tests(record)]


def _self_tests(record: RunRecord) -> list[Note]:
    notes = []
    for when in ("before", "after"):
        found = record.self_test("before" if when == "before" else "after")
        if found is None:
            continue
        failed = [each for each in found.checks if not each.passed]
        told = f"self-test {when} passed, checks: {len(found.checks)}"
        if failed or not found.checks:
            named = "; ".join(f"{each.name}: {each.said}" for each in failed) or "no check"
            told = f"self-test {when} failed: {named}"
        notes.append(Note(text=told, tone="good" if found.passed else "bad"))
    if not notes:
        notes.append(Note(text="no self-test on the record", tone="plain"))
    return notes


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _unix(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()
