"""Renders a dossier as one HTML file that needs no network: the same run gives the same bytes.

A plot's data lie in the page as text and are drawn when their row is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import numbers
from reports.dossier import Dossier, dossier_of
from reports.plots import Plot
from reports.view import RowView
from rig.recording import PlanRow, Verdict, as_json
from rig.recording.fields import Scalar

_HERE = Path(__file__).parent


def render_page(run_dir: Path) -> Path:
    """Write report.html into the run's folder.

    Raises RecordError where the record is corrupt.
    """
    return write_page(dossier_of(run_dir))


def write_page(dossier: Dossier) -> Path:
    """Write a dossier's report.html into its run's folder."""
    path = dossier.view.folder / "report.html"
    path.write_text(_html(dossier), encoding="utf-8", newline="\n")
    return path


def _html(dossier: Dossier) -> str:
    view, ran = dossier.view, dossier.worst_first
    run = view.verdicts.run
    took = numbers.seconds_between(run.started, run.finished) if run.finished else 0.0
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            dossier=dossier,
            view=view,
            run=run,
            parts=(
                ("Needs attention", [r for r in ran if r.view.verdict is not Verdict.PASS]),
                ("Passed", [r for r in ran if r.view.verdict is Verdict.PASS]),
            ),
            absent=_absent(dossier),
            not_run=[row for row in dossier.rows if row.view.verdict is Verdict.NOT_RUN],
            passed=sum(row.verdict is Verdict.PASS for row in view.rows),
            releases=[
                (name, list(rows)) for name, rows in groupby(view.rows, lambda row: row.release)
            ],
            areas=sorted({row.plan.area for row in view.rows}),
            took=numbers.duration(took) if run.finished else "cut off",
            simulated=numbers.duration(sum(row.item.sim_s for row in view.rows)),
            staircase=dossier.staircase,
            uplot_js=_static("uPlot.iife.min.js"),
            uplot_css=_static("uPlot.min.css"),
            page_js=_static("page.js"),
            page_css=_static("page.css"),
        )
    )


def _absent(dossier: Dossier) -> set[str]:
    """The parts that this dossier does not have."""
    verdicts = {row.view.verdict for row in dossier.rows}
    parts = {
        "needs-attention": verdicts <= {Verdict.PASS, Verdict.NOT_RUN},
        "passed": Verdict.PASS not in verdicts,
        "not-run": Verdict.NOT_RUN not in verdicts,
        "staircase": dossier.staircase is None,
    }
    return {name for name, missing in parts.items() if missing}


def in_words(test: str) -> str:
    """A test's name as the claim that it is: "test_runs_on[at 1:59]" is "runs on: at 1:59"."""
    name, _, parameters = test.removeprefix("test_").partition("[")
    words = name.replace("_", " ")
    return f"{words}: {parameters.removesuffix(']')}" if parameters else words


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "words": in_words,
        "duration": numbers.duration,
        "instant": numbers.instant,
        "limits": numbers.limits,
        "margin_picture": numbers.margin_picture,
        "plain": numbers.plain,
        "plot_json": _plot_json,
        "quantity": numbers.quantity,
        "scalar": scalar,
        "search_text": _search_text,
        "span": holds_on,
        "style": _style,
        "utc": numbers.utc,
        "bytes": numbers.size,
    }
    return environment


def _static(name: str) -> Markup:
    # Our own files: nothing from a record is ever marked safe.
    return Markup((_HERE / "static" / name).read_text(encoding="utf-8"))


def _plot_json(plot: Plot) -> Markup:
    text = json.dumps(as_json(plot), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Inside a script element only these could end it or open a comment.
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _style(verdict: StrEnum) -> str:
    return verdict.lower().replace(" ", "-")


def scalar(value: Scalar) -> str:
    """A value of the record as a person reads it."""
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return numbers.plain(value) if isinstance(value, float) else str(value)


def _search_text(row: RowView) -> str:
    return " ".join(_lower((row.plan.id, row.plan.statement, row.plan.area, row.item.reason)))


def _lower(texts: Iterable[str]) -> Iterable[str]:
    return (text.lower() for text in texts if text)


def holds_on(row: PlanRow) -> str:
    """On which releases the row's claim holds."""
    if row.kind in {"known-issue", "introduced"}:
        first = row.since or "the first release"
        return f"except from {first} until {row.until}" if row.until else f"except from {first}"
    since = f"from {row.since}" if row.since else "on every release"
    if row.revoked_by:
        return f"{since} until revoked by {row.revoked_by}"
    return since
