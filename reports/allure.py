"""Allure 2 results of a run: one result an attempt, so that Allure shows retries as retries.

An attempt that was cut off is there too, as broken; a row that did not run is there as skipped, so
that what was planned equals what is reported. Names are made from the run, not drawn: writing
twice gives the same files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from allure_commons.model2 import (
    Attachment,
    Label,
    Parameter,
    Status,
    StatusDetails,
    TestResult,
    TestStepResult,
)
from attr import asdict

from reports.numbers import limits, quantity
from reports.view import RowView, RunView, TestView, read_run
from rig.recording import Attempt, Evidence, Measurement, Verdict

# Allure has no word for "the limit lies inside the uncertainty"; it is certainly no pass.
_STATUS = {
    Verdict.NOT_RUN: Status.SKIPPED,
    Verdict.PASS: Status.PASSED,
    Verdict.NOT_VERIFIED: Status.SKIPPED,
    Verdict.INCONCLUSIVE: Status.UNKNOWN,
    Verdict.FLAKY: Status.FAILED,
    Verdict.FAIL: Status.FAILED,
    Verdict.ABORTED: Status.BROKEN,
    Verdict.BROKEN: Status.BROKEN,
}

_TYPES = {".json": "application/json", ".txt": "text/plain", ".png": "image/png"}


def write_allure(run_dir: Path, out_dir: Path, attached: Collection[str] | None = None) -> Path:
    """Write the run in `run_dir` as Allure results into `out_dir`, which may hold other runs.

    `attached` are the endings of the evidence that goes along, such as .json; all if None.
    """
    view = read_run(run_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    for row in view.rows:
        for test in row.tests:
            for attempt in test.attempts:
                result = _attempt_result(view, row, test, attempt)
                end = attempt.end
                result.attachments = [
                    attachment
                    for each in (() if end is None else end.evidence)
                    if attached is None or Path(each.path).suffix in attached
                    if (attachment := _attach(view, each, out_dir)) is not None
                ]
                _write(out_dir, result)
        told = {row.shown(test, each) for test in row.tests for each in test.attempts}
        if row.verdict not in told | {test.verdict for test in row.tests}:
            _write(out_dir, _row_result(view, row))
    _write_environment(view, out_dir)
    return out_dir


def _attempt_result(view: RunView, row: RowView, test: TestView, attempt: Attempt) -> TestResult:
    result = _result(view, row, test.name, attempt.start.attempt)
    end = attempt.end
    flaky = test.verdict is Verdict.FLAKY or None
    result.status = _STATUS[row.shown(test, attempt)]
    result.start = _milliseconds(attempt.start.utc)
    result.stop = result.start if end is None else _milliseconds(end.utc)
    reason = row.item.reason if row.overrules_its_tests else attempt.reason
    if reason or flaky:
        result.statusDetails = StatusDetails(message=reason or None, flaky=flaky)
    result.parameters = [
        # They vary from night to night and release to release, and must not cut a test's history.
        Parameter(name="firmware", value=attempt.start.firmware or "none", excluded=True),
        Parameter(name="bench", value=view.verdicts.run.bench, excluded=True),
        Parameter(name="attempt", value=str(attempt.start.number), excluded=True),
    ]
    if end is not None:
        result.steps = [_step(each, result.start) for each in end.measurements]
    return result


def _row_result(view: RunView, row: RowView) -> TestResult:
    """What only the row as a whole knows: nothing ran, a test is missing, evidence is altered."""
    result = _result(view, row, "row", f"{row.plan.id}/row")
    result.status = _STATUS[row.verdict]
    result.statusDetails = StatusDetails(message=row.item.reason)
    result.start = result.stop = _milliseconds(view.verdicts.run.started)
    return result


def _result(view: RunView, row: RowView, test: str, attempt: str) -> TestResult:
    plan, run = row.plan, view.verdicts.run
    full_name = f"{plan.scenario or plan.id}::{test}"
    identity = hashlib.md5(full_name.encode(), usedforsecurity=False).hexdigest()
    labels = {
        "item": plan.id,
        "area": plan.area,
        "basis": plan.basis,
        "kind": plan.kind,
        "verdict": row.verdict,
        "epic": row.release,
        "feature": plan.area,
        "story": plan.id,
        "parentSuite": row.release,
        "suite": plan.id,
        "host": run.bench,
        "framework": "pytest",
        "language": "python",
    }
    return TestResult(
        uuid=_uuid(view, attempt),
        name=f"{plan.id} {test}",
        fullName=full_name,
        historyId=identity,
        testCaseId=identity,
        description=plan.statement,
        stage="finished",
        labels=[Label(name=name, value=value) for name, value in labels.items() if value],
        titlePath=[row.release, plan.id],
    )


def _step(measurement: Measurement, start: int) -> TestStepResult:
    at = start + round(measurement.t_s * 1000)
    unit = measurement.unit
    return TestStepResult(
        name=f"{measurement.name}: {quantity(measurement)} {unit} (limits {limits(measurement)})",
        status=_STATUS[measurement.verdict],
        start=at,
        stop=at,
    )


def _attach(view: RunView, evidence: Evidence, out_dir: Path) -> Attachment | None:
    source = view.folder / evidence.path
    if not source.is_file():
        return None
    name = f"{_uuid(view, evidence.path)}-attachment{source.suffix}"
    shutil.copyfile(source, out_dir / name)
    kind = _TYPES.get(source.suffix, "application/octet-stream")
    return Attachment(name=source.name, source=name, type=kind)


def _write(out_dir: Path, result: TestResult) -> None:
    # As Allure's own writer does, but under a name that the run decides.
    content = asdict(result, filter=lambda _, value: bool(value) or value is False)
    name = result.file_pattern.format(prefix=result.uuid)
    (out_dir / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _write_environment(view: RunView, out_dir: Path) -> None:
    run = view.verdicts.run
    facts = {"bench": run.bench, "firmware": run.firmware, "run": run.id, "seed": run.seed}
    marks = {"marks": "; ".join(run.marks)} if run.marks else {}
    lines = [f"{name}={value}" for name, value in {**facts, **marks, **run.software}.items()]
    text = "".join(line.replace("\n", " ") + "\n" for line in lines)
    (out_dir / "environment.properties").write_text(text, encoding="utf-8")


def _uuid(view: RunView, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{view.verdicts.run.id}/{name}"))


def _milliseconds(utc: str) -> int:
    return round(datetime.fromisoformat(utc).timestamp() * 1000)
