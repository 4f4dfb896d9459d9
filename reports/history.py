"""Renders the history as one HTML file that needs no network: the same index, the same bytes.

The grid and the charts are drawn by the page; their data lie in it as text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.numbers import plain
from rig.history.alarms import Alarm, Level
from rig.history.drift import WATCH, Numbers
from rig.history.index import opened
from rig.history.nights import NO_RUN, History, read_history
from rig.history.summary import (
    Failure,
    Summary,
    latest,
    newest_column,
    read_failures,
    summarise,
)
from rig.recording import Verdict, worst

_HERE = Path(__file__).parent
FAILURES_A_PAIR = 6  # chosen: what fits under a chart; the others are in their runs
LISTED = 7  # chosen: a list that is longer is not read in the morning
SUM_STEP = 0.1  # what one step of a drawn sum stands for: 255 of them reach farther than any sum
_PASS = Verdict.PASS.severity
# A night as one character: a verdict's place, "r" for a pass that took more than one attempt.
_CELLS = {severity: chr(48 + severity) for severity in range(len(Verdict))} | {NO_RUN: "."}
_RETRIED = 254
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"


def write_history_page(database: Path, path: Path, summary: Summary | None = None) -> Path:
    """Write the page of an index to `path`; of a part of it, where that `summary` is given."""
    summary = summary or summarise(read_history(database))
    with opened(database) as connection:
        failures = read_failures(connection, summary.history, FAILURES_A_PAIR)
    path.write_text(_html(summary, failures), encoding="utf-8", newline="\n")
    return path


def _html(summary: Summary, failures: Mapping[tuple[int, int], Sequence[Failure]]) -> str:
    history = summary.history
    verdicts = [_latest_of_row(history, row) for row in range(len(history.rows))]
    counts = [(each, verdicts.count(each)) for each in reversed(Verdict) if each in verdicts]
    rows = [
        {
            "id": row.id,
            "area": row.area,
            "statement": row.statement,
            "verdict": verdicts[place],
            "alarm": _level_of_row(summary, place),
            "flips": _percent(summary.recent.flips[:, place]),
            "first": _percent(summary.recent.first_passed[:, place], worst_is_low=True),
            "text": f"{row.id} {row.statement} {row.area}".lower(),
        }
        for place, row in enumerate(history.rows)
    ]
    return (
        _environment()
        .get_template("history.html.j2")
        .render(
            summary=summary,
            history=history,
            counts=counts,
            verdicts=list(Verdict),
            rows=rows,
            areas=sorted({row.area for row in history.rows}),
            moving=_moving(summary),
            listed=LISTED,
            warnings=sum(each.level is Level.WARNING for each in summary.alarms),
            newest=[
                (bench, history.runs[place][newest_column(history, place)])
                for place, bench in enumerate(history.benches)
            ],
            data=_json(_data(summary, failures)),
            uplot_js=_static("uPlot.iife.min.js"),
            uplot_css=_static("uPlot.min.css"),
            history_js=_static("history.js"),
            page_css=_static("page.css"),
            history_css=_static("history.css"),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"style": lambda verdict: verdict.lower().replace(" ", "-")}
    return environment


def _static(name: str) -> Markup:
    # Our own files: nothing from a record is ever marked safe.
    return Markup((_HERE / "static" / name).read_text(encoding="utf-8"))


def _json(value: object) -> Markup:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Inside a script element only these could end it or open a comment.
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _latest_of_row(history: History, row: int) -> Verdict:
    found = (latest(history, row, bench) for bench in range(len(history.benches)))
    return worst(each for each in found if each is not None)


def _level_of_row(summary: Summary, row: int) -> str:
    mine = {each.level for each in summary.alarms if summary.history.series[each.series].row == row}
    return next((str(each) for each in (Level.WARNING, Level.WATCH) if each in mine), "")


def _percent(of_benches: Numbers, *, worst_is_low: bool = False) -> str:
    """The worst bench's rate; nothing where no bench ran."""
    known = of_benches[~np.isnan(of_benches)]
    if not len(known):
        return ""
    return f"{100 * float(known.min() if worst_is_low else known.max()):.0f} %"


def _moving(summary: Summary) -> Iterator[dict[str, str]]:
    """The alarms in words."""
    history = summary.history
    for each in summary.alarms:
        series = history.series[each.series]
        yield {
            "id": history.rows[series.row].id,
            "bench": history.benches[series.bench],
            "level": each.level,
            "name": series.name,
            "says": in_words(history, each),
        }


def in_words(history: History, alarm: Alarm) -> str:
    """What moved, how far, since when, and when it meets its limit."""
    unit = history.series[alarm.series].unit
    limit = f"{'upper' if alarm.upwards else 'lower'} limit {plain(alarm.limit)}"
    says = (
        f"{plain(alarm.before)} → {plain(alarm.now)} {unit}, {alarm.sigmas:.1f} {_SIGMA} "
        f"towards the {limit}, since about {history.nights[alarm.since].name}"
    )
    if alarm.nights_left is None:
        return says
    if alarm.nights_left == 0:
        return f"{says}; at the limit"
    return f"{says}; at the limit in about {alarm.nights_left:.0f} nights"


def _data(summary: Summary, failures: Mapping[tuple[int, int], Sequence[Failure]]) -> object:
    history = summary.history
    series: list[list[object]] = [[] for _ in history.rows]
    for place, each in enumerate(history.series):
        series[each.row].append(_series(summary, place))
    return {
        "benches": history.benches,
        "verdicts": list(Verdict),
        "nights": [night.name for night in history.nights],
        "runs": [
            [
                None if run is None else [run.folder, run.firmware, run.finished, run.marks]
                for run in runs
            ]
            for runs in history.runs
        ],
        "watch": WATCH,
        "warning": round(history.charts.warning, 2),
        "step": SUM_STEP,
        "rows": [
            {
                "id": row.id,
                "cells": [_cells(history, bench, place) for bench in range(len(history.benches))],
                "whole": [
                    [
                        _share(summary.whole.flips[bench, place]),
                        _share(summary.whole.first_passed[bench, place]),
                        int(summary.whole.ran[bench, place]),
                    ]
                    for bench in range(len(history.benches))
                ],
                "series": series[place],
                "failures": [
                    [bench, each.night, each.verdict, each.reason]
                    for bench in range(len(history.benches))
                    for each in failures.get((place, bench), ())
                ],
            }
            for place, row in enumerate(history.rows)
        ],
    }


def _share(rate: float) -> float | None:
    return None if np.isnan(rate) else round(float(rate), 4)


def _cells(history: History, bench: int, row: int) -> str:
    verdicts = history.verdicts[bench, row].copy()
    verdicts[(verdicts == _PASS) & ~history.first_passed[bench, row]] = _RETRIED
    signs: str = verdicts.tobytes().decode("latin-1")
    return signs.translate({**_CELLS, _RETRIED: "r"})


def _series(summary: Summary, place: int) -> dict[str, object]:
    history, charts = summary.history, summary.history.charts
    about = history.series[place]
    sums = np.fmax(charts.up[place], charts.down[place])
    drawn = np.clip(np.round(np.nan_to_num(sums) / SUM_STEP), 0, 255).astype(np.uint8)
    alarm = next((each for each in summary.alarms if each.series == place), None)
    return {
        "bench": about.bench,
        "test": about.test,
        "name": about.name if about.nth == 1 else f"{about.name} #{about.nth}",
        "unit": about.unit,
        "values": _base64(history.values[place].astype("<f4").tobytes()),
        "sums": _base64(drawn.tobytes()),
        "limits": _limits(history.low[place], history.high[place]),
        "alarm": None
        if alarm is None
        else {
            "level": alarm.level,
            "since": alarm.since,
            "found": alarm.found,
            "before": alarm.before,
            "says": in_words(history, alarm),
        },
    }


def _limits(low: Numbers, high: Numbers) -> list[list[float | None]]:
    """From which night on which limits held, as far as something was measured."""
    found: list[list[float | None]] = []
    for night in np.nonzero(~(np.isnan(low) & np.isnan(high)))[0].tolist():
        now = [_limit(low[night]), _limit(high[night])]
        if not found or found[-1][1:] != now:
            found.append([night, *now])
    return found


def _limit(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
