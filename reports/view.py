"""A run as the views show it: the record, read once, with its verdicts recomputed.

A row whose evidence is gone or altered never shows as passed: it shows as BROKEN, and says why.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from rig.recording import (
    Attempt,
    ItemVerdict,
    Measurement,
    PlanRow,
    RecordError,
    RunRecord,
    RunVerdicts,
    Trace,
    Verdict,
    attempt_path,
    attempts_by_item,
    attempts_by_test,
    overall,
    read_trace,
    verdict_of_test,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestView:
    """One test of a row: all its attempts, and what the one worth showing did."""

    __test__ = False

    name: str
    verdict: Verdict
    attempts: tuple[Attempt, ...]
    shown: Attempt
    folder: Path
    trace: Trace | None
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One row of the catalogue with everything that the run knows about it."""

    plan: PlanRow
    item: ItemVerdict
    tests: tuple[TestView, ...]

    @property
    def verdict(self) -> Verdict:
        """What this run says about the row."""
        return self.item.verdict

    @property
    def deciding(self) -> TestView | None:
        """The test that gave the row its verdict: the worst, the first of several."""
        return max(self.tests, key=lambda test: test.verdict.severity, default=None)

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """Of the attempts that are shown: of a flaky test those of its failure."""
        ends = (test.shown.end for test in self.tests)
        return tuple(each for end in ends if end is not None for each in end.measurements)

    def shown(self, test: TestView, attempt: Attempt) -> Verdict:
        """What to show an attempt as: as PASS only where test and row let it count as one."""
        if self.overrules_its_tests:
            return self.verdict
        return test.verdict if attempt.verdict is Verdict.PASS else attempt.verdict

    @property
    def overrules_its_tests(self) -> bool:
        """Whether what its tests did does not count: quarantine, or an overdue calibration."""
        return self.verdict is Verdict.NOT_VERIFIED or self.plan.quarantine is not None

    @property
    def release(self) -> str:
        """The part of the change log that the row belongs to: v1.08, general."""
        return self.plan.id.rpartition("-")[0] or self.plan.id


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run, ready to be shown."""

    folder: Path
    verdicts: RunVerdicts
    plan_sha256: str
    rows: tuple[RowView, ...]
    problems: tuple[str, ...]
    evidence_files: int

    @property
    def overall(self) -> Verdict:
        """The worst verdict of all rows."""
        return overall(row.verdict for row in self.rows)

    @property
    def counts(self) -> tuple[tuple[Verdict, int], ...]:
        """How many rows have each verdict that occurs, worst first."""
        counted = Counter(row.verdict for row in self.rows)
        return tuple((each, counted[each]) for each in reversed(Verdict) if counted[each])


def read_run(folder: Path) -> RunView:
    """Read the record in `folder`; RecordError where there is none or it is corrupt."""
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such folder; allowed: the folder of a run")
    record = RunRecord(folder)
    plan, entries = record.plan(), record.entries()
    verdicts = record.verdicts()
    attempts = attempts_by_item(plan, entries)
    altered = {item.id: record.evidence_problems(item.evidence) for item in verdicts.items}
    rows = tuple(
        RowView(
            plan=row,
            item=_with_evidence(item, altered[item.id]),
            tests=tuple(
                _with_files(test, altered[item.id])
                for test in _tests(folder, row.id, attempts[row.id])
            ),
        )
        for row, item in zip(plan.rows, verdicts.items, strict=True)
    )
    return RunView(
        folder=folder,
        verdicts=verdicts,
        plan_sha256=record.plan_sha256(),
        rows=rows,
        problems=(
            *record.verdict_problems(),
            *(each for row in rows for each in altered[row.plan.id]),
            *(test.problem for row in rows for test in row.tests if test.problem),
        ),
        evidence_files=sum(len(item.evidence) for item in verdicts.items),
    )


def _with_evidence(item: ItemVerdict, problems: list[str]) -> ItemVerdict:
    if not problems:
        return item
    return replace(item, verdict=Verdict.BROKEN, reason="; ".join(problems))


def _with_files(test: TestView, problems: list[str]) -> TestView:
    """Its verdict does not stand where evidence of one of its attempts is gone or altered."""
    ends = [each.end for each in test.attempts if each.end is not None]
    paths = {f"{evidence.path}:" for end in ends for evidence in end.evidence}
    hers = [problem for problem in problems if f"{problem.partition(':')[0]}:" in paths]
    return replace(test, verdict=Verdict.BROKEN) if hers else test


def _tests(folder: Path, item: str, attempts: tuple[Attempt, ...]) -> tuple[TestView, ...]:
    return tuple(
        _test(folder, item, name, each) for name, each in attempts_by_test(attempts).items()
    )


def _test(folder: Path, item: str, name: str, attempts: tuple[Attempt, ...]) -> TestView:
    """The last attempt's files, or those of the failure that made the test flaky."""
    shown = attempts[-1]
    verdict = verdict_of_test(attempts)
    if verdict is Verdict.FLAKY:
        shown = next((each for each in attempts if each.verdict is Verdict.FAIL), shown)
    where = folder / attempt_path(item, name, shown.start.number)
    trace, problem = _trace(where / "trace.json", folder)
    return TestView(
        name=name,
        verdict=verdict,
        attempts=attempts,
        shown=shown,
        folder=where,
        trace=trace,
        problem=problem,
    )


def _trace(path: Path, folder: Path) -> tuple[Trace | None, str]:
    if not path.is_file():
        return None, ""
    try:
        return read_trace(path), ""
    except RecordError as error:
        # A page must not depend on where the record lies.
        return None, str(error).replace(str(path), path.relative_to(folder).as_posix())
