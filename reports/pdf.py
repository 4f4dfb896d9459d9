"""Renders a dossier as PDF by typst: own fonts, vector plots, the same bytes for the same run.

What is said goes to typst as JSON, never as its markup, so that nothing in a record can become it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from reports import numbers
from reports.dossier import Dossier, DossierRow, Status
from reports.drawing import draw
from reports.page import holds_on, in_words, scalar
from reports.staircase import Staircase
from rig.recording import Measurement, RecordError, Session, Verdict

_HERE = Path(__file__).parent
_TEMPLATE = "dossier.typ"
# More than that are for the screen, and stand in trace.json; a claim that was not met always shows.
_EVENTS, _CLAIMS = 12, 20

Said = Mapping[str, object]


def write_pdf(dossier: Dossier) -> Path:
    """Write report.pdf into the run's folder.

    Raises RecordError where typst is not installed, or cannot make a document of it.
    """
    try:
        import typst
    except ImportError:
        raise RecordError("report.pdf: typst is missing; allowed: pip install typst") from None
    path = dossier.view.folder / "report.pdf"
    run = dossier.view.verdicts.run
    made = datetime.fromisoformat(run.finished or run.started).astimezone(UTC)
    with tempfile.TemporaryDirectory(prefix="hil-pdf-") as folder:
        root = Path(folder)
        (root / _TEMPLATE).write_bytes((_HERE / "templates" / _TEMPLATE).read_bytes())
        (root / "dossier.json").write_text(json.dumps(content_of(dossier)), encoding="utf-8")
        try:
            pdf = typst.compile(
                str(root / _TEMPLATE),
                root=str(root),
                font_paths=[str(_HERE / "fonts")],
                ignore_system_fonts=True,
                format="pdf",
                # Of the run, not of now: the same run gives the same bytes.
                timestamp=int(made.timestamp()),
                pdf_standards="a-2b",
                # Tags of some 50,000 table cells would make the file five times as large.
                pdf_tags=False,
            )
        except typst.TypstError as error:
            raise RecordError(f"report.pdf: {error}") from None
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(pdf)
    draft.replace(path)
    return path


def content_of(dossier: Dossier) -> Said:
    """All that the PDF says, as JSON values: texts, and lists of them."""
    run, finished = dossier.plan.run, dossier.view.verdicts.run.finished
    verification, retries = dossier.verification, dossier.retries
    simulated = dossier.bench is not None and dossier.bench.kind == "simulated"
    return {
        "release": dossier.release,
        "headline": dossier.headline,
        "reasons": dossier.reasons,
        "cautions": dossier.cautions,
        "day": dossier.day.isoformat(),
        "firmware": run.firmware,
        "bench": run.bench,
        "run": run.id,
        "started": numbers.utc(run.started),
        "finished": numbers.utc(finished) if finished else "cut off",
        "seed": run.seed,
        "simulated": simulated,
        "plan_sha256": dossier.view.plan_sha256,
        "manifest": _manifest(dossier),
        "people": dict(dossier.lab.people),
        "counts": [[verdict, count] for verdict, count in dossier.view.counts],
        "statuses": [[status, len(dossier.with_status(status))] for status in Status],
        "rows": [_row(row) for row in dossier.rows],
        "order": [row.id for row in dossier.worst_first],
        "bench_facts": _bench(dossier),
        "software": [[name, scalar(value)] for name, value in sorted(run.software.items())],
        "completeness": {
            "planned": verification.tests_planned,
            "run": verification.tests_run,
            "not_started": verification.tests_not_started,
            "rows": verification.rows,
            "rows_not_run": verification.rows_not_run,
        },
        "retries": {
            "tests": retries.tests,
            "attempts": retries.attempts,
            "first_passed": retries.first_passed,
            "aborted": retries.aborted,
            "broken": retries.broken,
            "flaky": list(retries.flaky),
        },
        "deviations": [
            {
                "rows": list(each.rows),
                "covers": list(each.covers),
                "reason": each.reason,
                "ticket": each.ticket,
                "approver": each.approver,
                "approved": each.approved.isoformat(),
                "expires": each.expires.isoformat(),
                "in_force": each.counts_on(dossier.day),
            }
            for each in dossier.lab.deviations
        ],
        "staircase": _staircase(dossier.staircase),
        "comparison": _comparison(dossier),
    }


def _row(row: DossierRow) -> Said:
    plan, item, view = row.view.plan, row.view.item, row.view
    return {
        "id": row.id,
        "statement": plan.statement,
        "area": plan.area,
        "kind": f"{plan.kind}, {plan.item_class}",
        "basis": plan.basis or "",
        "holds": holds_on(plan),
        "verdict": row.view.verdict,
        "status": row.status,
        "reason": item.reason,
        "firmware": item.firmware or "",
        "scenario": plan.scenario or "",
        "scenario_sha256": plan.scenario_sha256 or "",
        "tests": len(plan.tests),
        "attempts": sum(len(test.attempts) for test in view.tests),
        "files": len(item.evidence),
        "digest": item.digest or "",
        "before": row.before or "",
        "sim": numbers.duration(item.sim_s),
        "proof": {
            "standing": row.proof.standing,
            "device": row.proof.device,
            "said": row.proof.said,
        },
        "deviation": _deviation(row),
        "deltas": [[each.slot, scalar(each.was), scalar(each.now)] for each in plan.deltas],
        "measurements": [_measurement(each) for each in view.measurements],
        "claims": _claims(row),
        "events": _events(row),
        "retried": [
            [in_words(test.name), attempt.start.number, attempt.verdict, attempt.reason]
            for test in view.tests
            for attempt in test.attempts
            if len(test.attempts) > 1 or attempt.verdict is not Verdict.PASS
        ],
        "shown_test": in_words(view.deciding.name) if view.deciding else "",
        "plot": draw(row.plot) if row.plot else "",
        "plot_note": row.plot.note if row.plot else "",
    }


def _measurement(each: Measurement) -> list[str]:
    return [
        each.name,
        numbers.quantity(each),
        each.unit,
        numbers.limits(each),
        numbers.instant(each.t_s),
        each.rule,
        each.verdict,
    ]


def _deviation(row: DossierRow) -> str:
    each = row.deviation
    if each is None:
        return ""
    ticket = f" ({each.ticket})" if each.ticket else ""
    return f"{each.reason}{ticket}. {each.approver}, {each.approved}, until {each.expires}."


def _claims(row: DossierRow) -> list[Said]:
    """Test by test: the claims with their times."""
    return [
        {
            "test": in_words(test.name),
            "verdict": test.verdict,
            "claims": [
                [numbers.instant(each.t_s), each.outcome, each.what, each.text]
                for n, each in enumerate(test.trace.expectations)
                if n < _CLAIMS or each.outcome == "unmet"
            ],
            "more": sum(e.outcome != "unmet" for e in test.trace.expectations[_CLAIMS:]),
        }
        for test in row.view.tests
        if test.trace is not None
    ]


def _events(row: DossierRow) -> Said:
    """The first events of the test that is drawn; those of its first instants are its start."""
    test = row.view.deciding
    told = test.trace.events if test is not None and test.trace is not None else ()
    first = {e.text.rpartition(" ")[0]: e for e in reversed(told) if e.lane == "digital"}
    events = [e for e in told if e not in first.values()]
    return {
        "shown": [[numbers.instant(e.t_s), e.lane, e.text] for e in events[:_EVENTS]],
        "more": max(len(events) - _EVENTS, 0),
    }


def _bench(dossier: Dossier) -> Said:
    bench = dossier.bench
    return {
        "kind": bench.kind if bench else "",
        "description": bench.description if bench else "",
        "sha256": bench.sha256 if bench else "",
        "instruments": [
            [
                *(each.facts.role, each.facts.model, each.facts.serial or ""),
                *(each.facts.resource, each.facts.certificate or ""),
                *(each.facts.calibrated or "", each.facts.due or "", each.state),
            ]
            for each in dossier.instruments
        ],
        "sessions": [
            [numbers.utc(each.utc), each.why, str(each.tests or ""), _session(each)]
            for each in (dossier.sessions if len(dossier.sessions) > 1 else ())
        ],
        "self_tests": [
            {
                "when": when,
                "utc": numbers.utc(test.utc) if test else "",
                "checks": [
                    [check.name, check.said, "PASS" if check.passed else "FAIL"]
                    for check in (test.checks if test else ())
                ],
            }
            for when, test in dossier.self_tests.items()
        ],
    }


def _session(session: Session) -> str:
    """What was found before a session began."""
    said = ["the journal's torn last line was cut off"] if session.mended else []
    if session.self_test is not None:
        said.append(f"self-test {'passed' if session.self_test.passed else 'FAILED'}")
    return "; ".join(said)


def _manifest(dossier: Dossier) -> Said:
    manifest = dossier.manifest
    return {
        "sha256": manifest.sha256,
        "sealed": dossier.sealed,
        "size": numbers.size(manifest.size()),
        "count": len(manifest.files),
        "folders": [
            [folder, [[each.path.rpartition("/")[2], each.size, each.sha256] for each in files]]
            for folder, files in groupby(manifest.files, lambda each: each.path.rpartition("/")[0])
        ],
    }


def _staircase(staircase: Staircase | None) -> Said | None:
    if staircase is None:
        return None
    return {
        "releases": list(staircase.releases),
        "proofs": list(staircase.proofs),
        "measured": staircase.measured,
        "disagreements": list(staircase.disagreements),
        "rows": [
            [each.id, [shown.cell for shown in (*each.cells, *each.proofs)]]
            for each in staircase.rows
        ],
    }


def _comparison(dossier: Dossier) -> Said | None:
    found = dossier.comparison
    if found is None:
        return None
    return {
        "run": found.run.id,
        "firmware": found.run.firmware,
        "bench": found.run.bench,
        "started": numbers.utc(found.run.started),
        "same": found.same_digest,
        "other": found.other_digest,
        "suspects": list(found.suspects),
        "scenarios_changed": list(found.scenarios_changed),
        "changes": [
            [c.id, c.before or "no such row", c.now or "no such row", c.reason]
            for c in found.changes
        ],
        "drifts": [
            [
                *(d.id, d.name, numbers.plain(d.before), numbers.plain(d.now), d.unit),
                *(f"{d.margin_before_pct:.0f} %", f"{d.margin_now_pct:.0f} %"),
            ]
            for d in found.drifts
        ],
    }
