"""What the index keeps of one run, read from its record.

Verdicts are worked out again from plan and journal. A row whose evidence is gone is BROKEN here as
in every other view; that it is unaltered only `hil verify` says, which reads all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rig.recording import (
    Attempt,
    ItemVerdict,
    Measurement,
    PlanRow,
    RecordError,
    RunRecord,
    Verdict,
    attempts_by_item,
    attempts_by_test,
    judge,
)

# The folder of the attempts is among them: its time tells when evidence of a row was taken away.
_STAMPED = ("plan.json", "journal.jsonl", "verdicts.json", "attempts")
SPOILT = frozenset({Verdict.BROKEN, Verdict.ABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """One attempt; `sim_s` and `wall_s` are None where it never ended."""

    test: str
    number: int
    verdict: Verdict
    reason: str
    started: str
    sim_s: float | None
    wall_s: float | None
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFacts:
    """One row of a run; `first_passed`: every test of it passed at its first attempt."""

    id: str
    area: str
    statement: str
    firmware: str | None
    scenario_sha256: str | None
    verdict: Verdict
    reason: str
    first_passed: bool
    attempts: tuple[AttemptFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run; `started` and `finished` are ISO 8601 in UTC, ending in Z.

    `marks`: what every view has to say beside its verdicts (PROVISIONAL, PARTIAL); empty: nothing.
    """

    folder: str
    stamp: str
    id: str
    bench: str
    bench_sha256: str
    firmware: str
    started: str
    finished: str | None
    seed: int
    marks: str
    rows: tuple[RowFacts, ...]


def stamp_of(folder: Path) -> str:
    """Changes whenever the record does: from size and time of the files that the facts rest on."""
    parts = []
    for name in _STAMPED:
        try:
            about = (folder / name).stat()
        except FileNotFoundError:
            continue
        # A folder's size differs from one file system to the next and says nothing.
        parts.append(f"{name} {about.st_size if name != 'attempts' else 0} {about.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def facts_of(folder: Path) -> RunFacts:
    """What the index keeps of the record in `folder`. Raises RecordError where it is broken."""
    # First: what is written while it is read is then read again at the next update.
    stamp, record = stamp_of(folder), RunRecord(folder)
    try:
        plan, entries, finished = record.plan(), record.entries(), record.finished()
    except OSError as error:
        raise RecordError(f"{folder}: cannot be read: {error.strerror}") from None
    attempts = attempts_by_item(plan, entries)
    verdicts = judge(plan, entries, finished)
    facts = plan.run.bench_facts
    return RunFacts(
        folder=folder.name,
        stamp=stamp,
        id=plan.run.id,
        bench=plan.run.bench,
        bench_sha256=facts.sha256 if facts is not None else "",
        firmware=plan.run.firmware,
        started=_utc(plan.run.started),
        finished=None if finished is None else _utc(finished),
        seed=plan.run.seed,
        marks="; ".join(verdicts.run.marks),
        rows=tuple(
            _row(folder, row, item, attempts[row.id])
            for row, item in zip(plan.rows, verdicts.items, strict=True)
        ),
    )


def _row(folder: Path, plan: PlanRow, item: ItemVerdict, attempts: tuple[Attempt, ...]) -> RowFacts:
    verdict, reason = item.verdict, item.reason
    gone = [each.path for each in item.evidence if not (folder / each.path).is_file()]
    if gone:
        verdict, reason = Verdict.BROKEN, f"{gone[0]}: evidence is missing"
    tests = attempts_by_test(attempts).values()
    first_passed = all(each[0].verdict is Verdict.PASS for each in tests)
    return RowFacts(
        id=plan.id,
        area=plan.area,
        statement=plan.statement,
        firmware=item.firmware,
        scenario_sha256=plan.scenario_sha256,
        verdict=verdict,
        reason=reason,
        first_passed=first_passed and verdict is Verdict.PASS,
        attempts=tuple(_attempts(attempts)),
    )


def _attempts(attempts: Iterable[Attempt]) -> Iterable[AttemptFacts]:
    for each in attempts:
        end = each.end
        yield AttemptFacts(
            test=each.start.test,
            number=each.start.number,
            verdict=each.verdict,
            reason=each.reason,
            started=_utc(each.start.utc),
            sim_s=None if end is None else end.sim_s,
            wall_s=None if end is None else end.wall_s,
            measurements=() if end is None else end.measurements,
        )


def _utc(text: str) -> str:
    """An instant in one spelling, so that texts sort as times do."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
