"""The qualification dossier as one model: HTML and PDF are two views of it.

Record -> dossier is pure: the same files give the same dossier, wherever and whenever it is made.
The day on which deviations and calibrations are judged is the day of the run, never today.

    INVALID                  the record cannot be believed, or the bench was not fit to measure
    NO RELEASE               a row that applies is not verified, and no deviation accepts that
    PARTIAL                  nothing is open, but some rows passed in an earlier run only
    PROVISIONAL              nothing is open, but the release was judged by another one's claims
    RELEASE WITH DEVIATIONS  every such row has a deviation that was in force on the day
    RELEASE                  every row that applies is verified
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from reports.comparison import Comparison, compared
from reports.lab import LAB, NOBODY, Deviation, Lab, read_lab
from reports.marks import cautions_of
from reports.plots import Plot, plot_of
from reports.proof import Proof, Standing, proofs_of
from reports.staircase import Staircase, staircase_of
from reports.view import RowView, RunView, read_run
from rig.recording import (
    MANIFEST,
    BenchFacts,
    InstrumentFacts,
    Manifest,
    Plan,
    RecordError,
    RunRecord,
    SelfTest,
    Session,
    Verdict,
    Verification,
    manifest_of,
    read_manifest,
    verify_record,
)

MATRIX = "matrix.json"
SIMULATED = "simulated"


class Release(StrEnum):
    """What a dossier says about a release, worst last."""

    RELEASE = "RELEASE"
    WITH_DEVIATIONS = "RELEASE WITH DEVIATIONS"
    PROVISIONAL = "PROVISIONAL"
    PARTIAL = "PARTIAL"
    NO_RELEASE = "NO RELEASE"
    INVALID = "INVALID"


class Status(StrEnum):
    """What a row contributes to that."""

    VERIFIED = "verified"
    NOT_APPLICABLE = "does not apply"
    DEVIATION = "accepted deviation"
    CARRIED = "passed in an earlier run"
    OPEN = "open"


class CalibrationState(StrEnum):
    """An instrument's calibration on the day of the run."""

    VALID = "valid"
    OVERDUE = "overdue"
    MISSING = "not stated"
    NOT_NEEDED = "twin, none needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRow:
    """A row with all that is said of it; `before` is its verdict in the run compared with."""

    view: RowView
    status: Status
    proof: Proof
    deviation: Deviation | None
    lapsed: tuple[Deviation, ...]
    plot: Plot | None
    before: Verdict | None

    @property
    def id(self) -> str:
        """The row's id in the catalogue."""
        return self.view.plan.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument and how its calibration stood."""

    facts: InstrumentFacts
    state: CalibrationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often the bench had to try: `first_passed` of `tests` passed at their first attempt."""

    tests: int
    attempts: int
    first_passed: int
    aborted: int
    broken: int
    flaky: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that a dossier says; `reasons` are why the release has its verdict."""

    release: Release
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]
    day: date
    plan: Plan
    view: RunView
    rows: tuple[DossierRow, ...]
    lab: Lab
    bench: BenchFacts | None
    instruments: tuple[Instrument, ...]
    self_tests: Mapping[str, SelfTest | None]
    staircase: Staircase | None
    comparison: Comparison | None
    verification: Verification
    manifest: Manifest
    sealed: bool
    retries: Retries
    sessions: tuple[Session, ...]

    def with_status(self, status: Status) -> tuple[DossierRow, ...]:
        """The rows of one status, in the order of the catalogue."""
        return tuple(row for row in self.rows if row.status is status)

    @property
    def headline(self) -> str:
        """The verdict as every page of the dossier shows it, with the marks that belong to it."""
        marks = [mark.partition(":")[0] for mark in self.view.verdicts.run.marks]
        return ", ".join(dict.fromkeys([*marks, str(self.release)]))

    @property
    def worst_first(self) -> tuple[DossierRow, ...]:
        """The rows that ran, failures before all others."""
        ran = (row for row in self.rows if row.view.verdict is not Verdict.NOT_RUN)
        return tuple(sorted(ran, key=lambda row: -row.view.verdict.severity))

    @property
    def shown_able_to_fail(self) -> int:
        """Of how many rows that ran a cell of the matrix shows it."""
        return sum(row.proof.standing is Standing.SHOWN for row in self.worst_first)


def dossier_of(folder: Path) -> Dossier:
    """Read a run's folder into a dossier; RecordError where the record is corrupt."""
    view = read_run(folder)
    record = RunRecord(folder)
    plan = record.plan()
    run = plan.run
    ids = tuple(row.id for row in plan.rows)
    lab = read_lab(folder / LAB, ids) if (folder / LAB).is_file() else NOBODY
    day = date.fromisoformat((view.verdicts.run.finished or run.started)[:10])
    comparison = compared(folder, plan, view.verdicts)
    rows = _rows(folder, view, plan, lab, day)
    instruments = _instruments(run.bench_facts, day)
    self_tests = {when: record.self_test(when) for when in ("before", "after")}
    verification = verify_record(folder)
    staircase = staircase_of(folder / MATRIX, ids)
    manifest, sealed = _manifest(folder, run.id)
    fitness = _unfit(run.bench_facts, instruments, self_tests, record.sessions())
    release, reasons = _release(view, rows, verification, fitness)
    return Dossier(
        release=release,
        reasons=reasons,
        cautions=_cautions(plan, rows, lab, day, self_tests, staircase, sealed=sealed),
        day=day,
        plan=plan,
        view=view,
        rows=rows,
        lab=lab,
        bench=run.bench_facts,
        instruments=instruments,
        self_tests=self_tests,
        staircase=staircase,
        comparison=comparison,
        verification=verification,
        manifest=manifest,
        sealed=sealed,
        retries=_retries(view),
        sessions=record.sessions(),
    )


def _rows(folder: Path, view: RunView, plan: Plan, lab: Lab, day: date) -> tuple[DossierRow, ...]:
    proofs = proofs_of(folder / MATRIX, plan.rows)
    before = _verdicts_before(folder)
    rows = []
    for row in view.rows:
        about = [each for each in lab.deviations if each.accepts(row.plan.id, row.verdict)]
        deviation = next((each for each in about if each.counts_on(day)), None)
        rows.append(
            DossierRow(
                view=row,
                status=_status(row, deviation),
                proof=proofs[row.plan.id],
                deviation=deviation,
                lapsed=tuple(each for each in about if not each.counts_on(day)),
                plot=plot_of(row),
                before=before.get(row.plan.id),
            )
        )
    return tuple(rows)


def _status(row: RowView, deviation: Deviation | None) -> Status:
    if row.verdict is Verdict.PASS:
        return Status.VERIFIED
    if row.verdict is Verdict.NOT_RUN and row.plan.carried_from is not None:
        return Status.CARRIED
    if row.verdict is Verdict.NOT_RUN and not row.plan.holds:
        return Status.NOT_APPLICABLE  # newer than this release, or revoked before it
    return Status.OPEN if deviation is None else Status.DEVIATION


def _verdicts_before(folder: Path) -> dict[str, Verdict]:
    record = RunRecord(folder / "against")
    if not (record.folder / "plan.json").is_file():
        return {}
    return {item.id: item.verdict for item in record.verdicts().items}


def _instruments(bench: BenchFacts | None, day: date) -> tuple[Instrument, ...]:
    if bench is None:
        return ()

    def state(facts: InstrumentFacts) -> CalibrationState:
        if bench.kind == SIMULATED:
            return CalibrationState.NOT_NEEDED
        if facts.due is None or facts.certificate is None:
            return CalibrationState.MISSING
        late = day > date.fromisoformat(facts.due)
        return CalibrationState.OVERDUE if late else CalibrationState.VALID

    return tuple(Instrument(facts=each, state=state(each)) for each in bench.instruments)


def _manifest(folder: Path, run: str) -> tuple[Manifest, bool]:
    """The run's manifest; where it left none, or a broken one, that of the files as they are."""
    try:
        return read_manifest(folder / MANIFEST), True
    except RecordError:
        return manifest_of(folder, run), False


def _unfit(
    bench: BenchFacts | None,
    instruments: tuple[Instrument, ...],
    self_tests: Mapping[str, SelfTest | None],
    sessions: tuple[Session, ...],
) -> list[str]:
    """Why the bench was not fit to measure, or is not known to have been."""
    found = []
    if bench is None:
        found.append("the record does not say what stood on the bench")
    for each in instruments:
        if each.state in {CalibrationState.OVERDUE, CalibrationState.MISSING}:
            what = f"{each.facts.role}, {each.facts.model}"
            found.append(f"{what}: calibration {each.state}, {each.facts.due or 'no due date'}")
    for session in sessions:
        if session.self_test is not None and not session.self_test.passed:
            found.append(f"bench self-test before session {session.number} of the run")
    for when, test in self_tests.items():
        failed = [] if test is None else [check.name for check in test.checks if not check.passed]
        if test is not None and not test.passed:
            found.append(f"bench self-test {when} the run: {', '.join(failed) or 'no check'}")
    return found


def _release(
    view: RunView, rows: tuple[DossierRow, ...], verification: Verification, unfit: list[str]
) -> tuple[Release, tuple[str, ...]]:
    """The verdict and its reasons, the first of which decided."""
    invalid = list(dict.fromkeys([*view.problems, *verification.problems, *unfit]))
    open_rows = [row for row in rows if row.status is Status.OPEN]
    accepted = [row for row in rows if row.status is Status.DEVIATION]
    if invalid:
        return Release.INVALID, tuple(invalid)
    if not any(row.status is Status.VERIFIED for row in rows):
        return Release.NO_RELEASE, ("no row is verified",)
    if open_rows:
        return Release.NO_RELEASE, _in_counts(open_rows, "and no deviation accepts it")
    marks = view.verdicts.run.marks
    if marks:
        partial = view.verdicts.run.unchanged_since is not None
        counts = _in_counts(accepted, "accepted by a deviation")
        return (Release.PARTIAL if partial else Release.PROVISIONAL), (*marks, *counts)
    if accepted:
        return Release.WITH_DEVIATIONS, _in_counts(accepted, "accepted by a deviation")
    return Release.RELEASE, ("every row that applies to this release is verified",)


def _in_counts(rows: list[DossierRow], tail: str) -> tuple[str, ...]:
    """A sentence for each verdict and kind of reason, worst first."""
    kinds = Counter(
        (row.view.verdict, row.view.item.reason.split(":")[0])
        if row.view.verdict is Verdict.NOT_RUN
        else (row.view.verdict, "")
        for row in rows
    )
    worst = sorted(kinds.items(), key=lambda each: (-each[0][0].severity, -each[1], each[0][1]))
    return tuple(
        f"{count} {'row' if count == 1 else 'rows'} {verdict}{f' ({why})' if why else ''}, {tail}"
        for (verdict, why), count in worst
    )


def _cautions(
    plan: Plan,
    rows: tuple[DossierRow, ...],
    lab: Lab,
    day: date,
    self_tests: Mapping[str, SelfTest | None],
    staircase: Staircase | None,
    *,
    sealed: bool,
) -> tuple[str, ...]:
    """What a signer must know, whatever the verdict is."""
    run = plan.run
    found = cautions_of(run, sum(row.status is Status.CARRIED for row in rows))
    if run.bench_facts is not None and run.bench_facts.kind == SIMULATED:
        found.append(
            "The bench was simulated: this dossier is about the model of the device, and not a "
            "substitute for one about the device."
        )
    if "revision" not in run.software:
        found.append("The record does not say from which revision of the rig it was made.")
    elif run.software.get("local_changes") is not False:
        found.append("The rig had local changes that its revision does not name.")
    missing = [when for when, test in self_tests.items() if test is None]
    if missing:
        when = " or ".join(missing)
        found.append(f"The record has no self-test of the bench {when} the run.")
    if not sealed:
        found.append("The run left no manifest; the one below was made with the dossier.")
    unproven = [
        row
        for row in rows
        if row.status is Status.VERIFIED and row.proof.standing is not Standing.SHOWN
    ]
    if unproven:
        found.append(
            f"{len(unproven)} of the verified rows are not shown able to fail: no cell of a matrix "
            "shows this very scenario failing."
        )
    if staircase is not None and staircase.disagreements:
        found.append(
            f"In {len(staircase.disagreements)} cells of the matrix the measurement is not as "
            "claimed; the section on proof names them."
        )
    chosen = sum(row.status is Status.VERIFIED and row.view.plan.basis == "chosen" for row in rows)
    if chosen:
        found.append(
            f"{chosen} of the verified rows rest on values that this project chose, because "
            "neither the change log nor a public document gives them."
        )
    for each in lab.deviations:
        if not each.counts_on(day):
            which = "expired" if day > each.expires else "not yet in force"
            found.append(f"A deviation of {', '.join(each.rows)} was {which} on {day}.")
    return tuple(found)


def _retries(view: RunView) -> Retries:
    tests = [test for row in view.rows for test in row.tests]
    attempts = [attempt for test in tests for attempt in test.attempts]
    return Retries(
        tests=len(tests),
        attempts=len(attempts),
        first_passed=sum(test.attempts[0].verdict is Verdict.PASS for test in tests),
        aborted=sum(each.verdict is Verdict.ABORTED for each in attempts),
        broken=sum(each.verdict is Verdict.BROKEN for each in attempts),
        flaky=tuple(row.plan.id for row in view.rows if row.verdict is Verdict.FLAKY),
    )
