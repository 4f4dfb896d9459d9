"""What a run's plan and journal say about every row: a pure function, so that anybody can check it.

The last attempt of each test counts, but what the device did before is not forgotten: a FAIL
followed by a PASS is FLAKY, an INCONCLUSIVE stays one. An attempt that the bench spoilt (BROKEN,
ABORTED) may be repeated, and the reason of the verdict names it for good. Over the tests of a row
the worst wins, and a row passes only when every planned test of it ran. A row in quarantine is NOT
VERIFIED whatever it did; once its quarantine has expired it is FAIL, or worse. What passed with an
instrument whose calibration was overdue is NOT VERIFIED either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rig.recording.fields import RecordError, Scalar, as_json
from rig.recording.model import (
    EarlierRun,
    Ended,
    Entry,
    Evidence,
    Measurement,
    Plan,
    PlanRow,
    Quarantine,
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
    judged_as: str | None = None
    unchanged_since: EarlierRun | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """What every view has to say beside the verdict; a sentence that begins with the mark."""
        found = []
        if self.judged_as is not None:
            found.append(
                f"PROVISIONAL: firmware {self.firmware} is unknown here; it is judged by the "
                f"claims of {self.judged_as}"
            )
        if self.unchanged_since is not None:
            found.append(
                f"PARTIAL: what is unchanged since {self.unchanged_since.run} was not run again; "
                "this is no full qualification"
            )
        return tuple(found)


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
            judged_as=run.judged_as,
            unchanged_since=run.unchanged_since,
        ),
        items=tuple(_judge_row(plan, row, attempts[row.id]) for row in plan.rows),
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
    """The last attempt's verdict, unless the device did worse before.

    An attempt that was not run (the night was over, the bench unfit) takes nothing back.
    """
    tried = [attempt for attempt in attempts if attempt.verdict is not Verdict.NOT_RUN]
    last = tried[-1].verdict if tried else Verdict.NOT_RUN
    earlier = {attempt.verdict for attempt in tried[:-1]}
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

    NOT RUN and NOT VERIFIED are something bad only when `strict`.
    """
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return 3
    good = {Verdict.PASS} if strict else {Verdict.PASS, Verdict.NOT_RUN, Verdict.NOT_VERIFIED}
    return 0 if seen <= good else 1


def _judge_row(plan: Plan, row: PlanRow, attempts: tuple[Attempt, ...]) -> ItemVerdict:
    tests = attempts_by_test(attempts)
    verdict, reason = _verdict_and_reason(row, tests)
    if verdict is Verdict.PASS and (late := _overdue(plan)):
        verdict, reason = Verdict.NOT_VERIFIED, f"calibration overdue: {late}"
    if row.quarantine is not None and row.tests:
        day = plan.run.started[:10]
        verdict, reason = _in_quarantine(row.quarantine, day, verdict, reason)
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
    repeated = [test for test, attempts in tests.items() if len(attempts) > 1]
    if verdict is Verdict.PASS and len(tests) > 1 and repeated:
        return verdict, "; ".join(f"{test}: {_reason(tests[test], verdict)}" for test in repeated)
    return verdict, _reason(tests[deciding], verdict)


def _overdue(plan: Plan) -> str:
    """Which instruments were overdue when the run began; twins need no calibration."""
    bench, day = plan.run.bench_facts, plan.run.started[:10]
    if bench is None or bench.kind == "simulated":
        return ""
    late = [each for each in bench.instruments if each.due is not None and each.due < day]
    return ", ".join(f"{each.role} {each.model} since {each.due}" for each in late)


def _in_quarantine(
    quarantine: Quarantine, day: str, verdict: Verdict, reason: str
) -> tuple[Verdict, str]:
    """What a row is on a day, given what it would be without; a plan holds none before `since`."""
    told = f"it was {verdict}{f': {reason}' if reason else ''}"
    who = f"{quarantine.owner}, {quarantine.ticket}: {quarantine.reason}"
    if quarantine.lasts(day) and verdict is Verdict.NOT_RUN:
        return verdict, reason
    if quarantine.lasts(day):
        return Verdict.NOT_VERIFIED, f"in quarantine until {quarantine.expires} ({who}); {told}"
    expired = f"its quarantine expired on {quarantine.expires} ({who}); {told}"
    return worst([verdict, Verdict.FAIL]), expired


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
