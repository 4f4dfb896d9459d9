"""What a run's plan and journal say about every row: a pure function, so that anybody can check it.

The last attempt of each test counts, but what the device did before is not forgotten: a FAIL
followed by a PASS is FLAKY, an INCONCLUSIVE stays one. An attempt that the bench spoilt (BROKEN,
ABORTED) may be repeated. Over the tests of a row the worst wins, and a row passes only when
every planned test of it ran.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rig.recording.fields import RecordError, Scalar, as_json
from rig.recording.model import (
    Ended,
    Entry,
    Evidence,
    Measurement,
    Plan,
    PlanRow,
    Started,
    Verdict,
    worst,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one test; `end` is None where it was cut off."""

    start: Started
    end: Ended | None

    @property
    def verdict(self) -> Verdict:
        """How it ended; an end that is missing is a verdict too."""
        return Verdict.ABORTED if self.end is None else self.end.verdict

    @property
    def reason(self) -> str:
        """Why it ended so."""
        return "started and never ended" if self.end is None else self.end.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemVerdict:
    """What the run says about one row of the catalogue."""

    id: str
    scenario: str | None
    verdict: Verdict
    reason: str
    firmware: str | None
    basis: str | None
    measurements: tuple[Measurement, ...]
    sim_s: float
    wall_s: float
    digest: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """The facts of the plan and when the run ended; `finished` is None where it was cut off."""

    id: str
    bench: str
    firmware: str
    started: str
    finished: str | None
    seed: int
    software: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunVerdicts:
    """The content of verdicts.json: every id of the catalogue once, in its order."""

    run: FinishedRun
    items: tuple[ItemVerdict, ...]


def verdicts_from(
    plan: Plan, journal: Iterable[Entry], finished: str | None = None
) -> dict[str, object]:
    """The content of verdicts.json as JSON values, recomputed from plan and journal."""
    content = as_json(judge(plan, journal, finished))
    assert isinstance(content, dict)
    return content


def judge(plan: Plan, journal: Iterable[Entry], finished: str | None = None) -> RunVerdicts:
    """The verdict of every row.

    Raises RecordError where the journal does not fit the plan.
    """
    attempts = attempts_by_item(plan, journal)
    run = plan.run
    return RunVerdicts(
        run=FinishedRun(
            id=run.id,
            bench=run.bench,
            firmware=run.firmware,
            started=run.started,
            finished=finished,
            seed=run.seed,
            software=run.software,
        ),
        items=tuple(_judge_row(row, attempts[row.id]) for row in plan.rows),
    )


def attempts_by_item(plan: Plan, journal: Iterable[Entry]) -> dict[str, tuple[Attempt, ...]]:
    """Every attempt of every row, in the order in which they began."""
    starts: dict[str, Started] = {}
    ends: dict[str, Ended] = {}
    known = {row.id for row in plan.rows}
    for entry in journal:
        if entry.item not in known:
            raise RecordError(f"journal.jsonl: item is {entry.item!r}; allowed: an id of plan.json")
        if isinstance(entry, Started):
            if entry.attempt in starts:
                raise RecordError(f"journal.jsonl: {entry.attempt}: START twice; allowed: once")
            starts[entry.attempt] = entry
            continue
        if entry.attempt not in starts or entry.attempt in ends:
            raise RecordError(
                f"journal.jsonl: {entry.attempt}: END without START; allowed: one of each"
            )
        ends[entry.attempt] = entry
    found: dict[str, list[Attempt]] = {row.id: [] for row in plan.rows}
    for name, start in starts.items():
        found[start.item].append(Attempt(start=start, end=ends.get(name)))
    return {item: tuple(attempts) for item, attempts in found.items()}


def attempts_by_test(attempts: Iterable[Attempt]) -> dict[str, tuple[Attempt, ...]]:
    """A row's attempts, test by test, each in the order of its numbers."""
    tests: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        tests.setdefault(attempt.start.test, []).append(attempt)
    return {
        test: tuple(sorted(each, key=lambda attempt: attempt.start.number))
        for test, each in tests.items()
    }


def verdict_of_test(attempts: Sequence[Attempt]) -> Verdict:
    """The last attempt's verdict, unless the device did worse before."""
    last = attempts[-1].verdict
    earlier = {attempt.verdict for attempt in attempts[:-1]}
    seen = [last]
    if earlier & {Verdict.FAIL, Verdict.FLAKY}:
        seen.append(Verdict.FLAKY)
    if Verdict.INCONCLUSIVE in earlier:
        seen.append(Verdict.INCONCLUSIVE)
    return worst(seen)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The run's verdict: the worst of its rows."""
    return worst(verdicts)


def exit_code(verdicts: Iterable[Verdict], *, strict: bool = False) -> int:
    """What a command returns: 0 nothing bad, 1 something is, 3 the rig failed.

    NOT RUN is something bad only when `strict`.
    """
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return 3
    good = {Verdict.PASS} if strict else {Verdict.PASS, Verdict.NOT_RUN}
    return 0 if seen <= good else 1


def _judge_row(row: PlanRow, attempts: tuple[Attempt, ...]) -> ItemVerdict:
    tests = attempts_by_test(attempts)
    verdict, reason = _verdict_and_reason(row, tests)
    last = [each[-1].end for each in tests.values() if each[-1].end is not None]
    ended = [attempt.end for attempt in attempts if attempt.end is not None]
    started_on = attempts[-1].start.firmware if attempts else row.firmware
    return ItemVerdict(
        id=row.id,
        scenario=row.scenario,
        verdict=verdict,
        reason=reason,
        firmware=started_on,
        basis=row.basis,
        measurements=tuple(each for end in last for each in end.measurements),
        sim_s=sum(end.sim_s for end in last),
        wall_s=sum(end.wall_s for end in ended),
        digest=_digest(last),
        evidence=tuple(each for end in ended for each in end.evidence),
    )


def _verdict_and_reason(
    row: PlanRow, tests: Mapping[str, Sequence[Attempt]]
) -> tuple[Verdict, str]:
    if not tests:
        return Verdict.NOT_RUN, row.reason or "not started"
    verdicts = {test: verdict_of_test(attempts) for test, attempts in tests.items()}
    verdict = worst(verdicts.values())
    missing = [test for test in row.tests if test not in tests]
    if missing and verdict is Verdict.PASS:
        return Verdict.NOT_RUN, f"not started: {', '.join(missing)}"
    idle = [test for test, each in verdicts.items() if each is Verdict.NOT_RUN]
    if idle and verdict is Verdict.PASS:
        return Verdict.NOT_RUN, _reason(tests[idle[0]], Verdict.NOT_RUN)
    deciding = next(test for test, each in verdicts.items() if each is verdict)
    return verdict, _reason(tests[deciding], verdict)


def _reason(attempts: Sequence[Attempt], verdict: Verdict) -> str:
    last = attempts[-1]
    if len(attempts) == 1:
        return last.reason
    history = ", ".join(f"attempt {each.start.number} {each.verdict}" for each in attempts)
    # What the device did wrong is worth more words than what it did right.
    told = next((each.reason for each in attempts if each.verdict is Verdict.FAIL), last.reason)
    told = told if verdict in {Verdict.FLAKY, Verdict.FAIL} else last.reason
    return f"{told} ({history})" if told else history


def _digest(ends: Sequence[Ended]) -> str | None:
    """The one digest, or one over all of them in the order of their tests' names."""
    if len(ends) <= 1:
        return ends[0].digest if ends else None
    lines = sorted(f"{end.test} {end.digest}\n" for end in ends)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
