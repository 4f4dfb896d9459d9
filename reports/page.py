"""Renders a run as one HTML file that needs no network: the same run gives the same bytes.

A plot's data lie in the page as text and are drawn when their row is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import numbers
from reports.plots import Plot, plot_of
from reports.staircase import staircase_of
from reports.view import RowView, RunView, read_run
from rig.recording import PlanRow, Verdict, as_json
from rig.recording.fields import Scalar

_HERE = Path(__file__).parent


def render_page(run_dir: Path) -> Path:
    """Write report.html into the run's folder.

    Raises RecordError where the record is corrupt.
    """
    view = read_run(run_dir)
    path = run_dir / "report.html"
    path.write_text(_html(view), encoding="utf-8", newline="\n")
    return path


def _html(view: RunView) -> str:
    ran = [row for row in view.rows if row.verdict is not Verdict.NOT_RUN]
    worst_first = sorted(ran, key=lambda row: -row.verdict.severity)
    run = view.verdicts.run
    order = tuple(row.plan.id for row in view.rows)
    took = numbers.seconds_between(run.started, run.finished) if run.finished else 0.0
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            view=view,
            run=run,
            parts=(
                (
                    "Needs attention",
                    [row for row in worst_first if row.verdict is not Verdict.PASS],
                ),
                ("Passed", [row for row in worst_first if row.verdict is Verdict.PASS]),
            ),
            not_run=[row for row in view.rows if row.verdict is Verdict.NOT_RUN],
            passed=sum(row.verdict is Verdict.PASS for row in view.rows),
            plots={row.plan.id: plot_of(row) for row in ran},
            releases=[
                (name, list(rows)) for name, rows in groupby(view.rows, lambda row: row.release)
            ],
            areas=sorted({row.plan.area for row in view.rows}),
            took=numbers.duration(took) if run.finished else "cut off",
            simulated=numbers.duration(sum(row.item.sim_s for row in view.rows)),
            staircase=staircase_of(view.folder / "matrix.json", order),
            uplot_js=_static("uPlot.iife.min.js"),
            uplot_css=_static("uPlot.min.css"),
            page_js=_static("page.js"),
            page_css=_static("page.css"),
        )
    )


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
        "plot_json": _plot_json,
        "quantity": numbers.quantity,
        "scalar": _scalar,
        "search_text": _search_text,
        "span": _span,
        "style": _style,
        "utc": numbers.utc,
    }
    return environment


def _static(name: str) -> Markup:
    # Our own files: nothing from a record is ever marked safe.
    return Markup((_HERE / "static" / name).read_text(encoding="utf-8"))


def _plot_json(plot: Plot) -> Markup:
    text = json.dumps(as_json(plot), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Inside a script element only these could end it or open a comment.
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _style(verdict: Verdict) -> str:
    return verdict.lower().replace(" ", "-")


def _scalar(value: Scalar) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return numbers.plain(value) if isinstance(value, float) else str(value)


def _search_text(row: RowView) -> str:
    return " ".join(_lower((row.plan.id, row.plan.statement, row.plan.area, row.item.reason)))


def _lower(texts: Iterable[str]) -> Iterable[str]:
    return (text.lower() for text in texts if text)


def _span(row: PlanRow) -> str:
    """On which releases the row's claim holds."""
    if row.kind in {"known-issue", "introduced"}:
        first = row.since or "the first release"
        return f"except from {first} until {row.until}" if row.until else f"except from {first}"
    since = f"from {row.since}" if row.since else "on every release"
    if row.revoked_by:
        return f"{since} until revoked by {row.revoked_by}"
    return since
