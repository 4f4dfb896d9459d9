"""`hil history`: what the nights say; the index is brought up to date on the way."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from reports.history import in_words, write_history_page
from rig.errors import BenchFileError
from rig.history.index import DATABASE, Updated, update, verdict_of
from rig.history.nights import NO_RUN, History, Wanted, read_history
from rig.history.summary import Summary, latest, summarise
from rig.planning import ROOT
from rig.recording import Verdict

out = Console()
COLUMNS = 60  # chosen: the nights that fit beside a row's name on a terminal
SHOWN = 20  # chosen: rows of a list; what is more stands on the page
_SIGNS = {
    Verdict.PASS: ".",
    Verdict.NOT_RUN: " ",
    Verdict.NOT_VERIFIED: "q",
    Verdict.INCONCLUSIVE: "i",
    Verdict.FLAKY: "f",
    Verdict.FAIL: "F",
    Verdict.ABORTED: "A",
    Verdict.BROKEN: "B",
}


def runs_history(
    runs: Annotated[
        Path | None, typer.Option(help="Folder of run records; default: runs of this tree.")
    ] = None,
    bench: Annotated[str | None, typer.Option(help="Runs on this bench only.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Nights from this day on, such as 2026-11-01.")
    ] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="These rows only; repeatable.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    tries: Annotated[
        bool, typer.Option("--tries", help="Runs of a few rows, too: they are no nights.")
    ] = False,
    database: Annotated[
        Path | None, typer.Option(help="The index; default: history.sqlite beside the runs.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read every record again, changed or not.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Tell what the nights say: failures, flips, drift towards limits, benches that differ.

    Records that cannot be read are named and passed over.
    """
    wanted = Wanted(
        bench=bench,
        since=_day(since),
        ids=frozenset(ids) if ids else None,
        tries=tries,
    )
    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise BenchFileError(f"--html {html}: allowed: a file in a folder that is there")
    folder = runs or ROOT / "runs"
    index = database or folder / DATABASE
    updated = _updated(folder, index, rebuild=rebuild)
    history = read_history(index, wanted)
    if not history.nights or not history.rows:
        raise BenchFileError(_nothing(folder, history, wanted))
    summary = summarise(history)
    if html is not None:
        write_history_page(index, html, summary)
    if as_json:
        print(json.dumps(_as_json(summary, updated)))  # noqa: T201
        return
    for line in _lines(summary, updated, everything=bool(ids)):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if html is not None:
        out.print(f"Page: {html}", markup=False, highlight=False, soft_wrap=True)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BenchFileError(f"--since {text}: allowed: a day such as 2026-11-01") from None


def _updated(folder: Path, index: Path, *, rebuild: bool) -> Updated:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading records", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return update(folder, index, rebuild=rebuild, progress=show)


def _nothing(folder: Path, history: History, wanted: Wanted) -> str:
    """Why there is no history, as one line."""
    if wanted.ids and history.nights:
        return f"--id {' '.join(sorted(wanted.ids))}: no run in {folder} has it; allowed: a row"
    asked = f" on bench {wanted.bench}" if wanted.bench else ""
    asked += f" since {wanted.since}" if wanted.since else ""
    more = f"; {history.left_out} of a few rows only, shown by --tries" if history.left_out else ""
    return f"{folder}: holds no run{asked} that can be shown{more}; allowed: a folder of runs"


def _lines(summary: Summary, updated: Updated, *, everything: bool) -> Iterator[str]:
    history = summary.history
    for folder, reason in updated.broken:
        yield f"passed over: {folder}: {reason}"
    yield (
        f"{len(history.nights)} nights, {history.nights[0].name} to {history.nights[-1].name}, on "
        f"{', '.join(history.benches)}; {len(history.rows)} rows"
        + (f"; {history.left_out} runs of a few rows left out" if history.left_out else "")
    )
    yield from _listed(
        "not passed in the newest run",
        [
            f"{_pair(history, each.row, each.bench)} {each.verdict}, "
            + ("for the first time" if each.nights == 1 else f"{each.nights} nights")
            for each in summary.failing
        ],
    )
    yield from _listed(
        "moves",
        [
            f"{_pair(history, (s := history.series[each.series]).row, s.bench)} {each.level}: "
            f"{s.name}: {in_words(history, each)}"
            for each in summary.alarms
        ],
    )
    yield from _listed(
        "fails on one bench",
        [
            f"{_pair(history, each.row, each.bench)} {each.failed} of {each.ran} nights, "
            f"elsewhere {each.failed_elsewhere} of {each.ran_elsewhere}"
            for each in summary.one_bench
        ],
    )
    yield from _listed(
        f"wavers, last {summary.recent.nights} nights",
        [
            f"{_pair(history, each.row, each.bench)} changed sides in {100 * each.rate:.0f} %"
            for each in summary.wavering
        ],
    )
    yield from _grid(summary, everything=everything)


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}: {len(lines)}"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more"


def _pair(history: History, row: int, bench: int) -> str:
    return f"{history.rows[row].id} on {history.benches[bench]}:"


def _grid(summary: Summary, *, everything: bool) -> Iterator[str]:
    """The last nights of the rows that did not always pass, or of all that were asked for."""
    history = summary.history
    first = max(0, len(history.nights) - COLUMNS)
    shown = [
        (row, bench)
        for row, bench in np.ndindex(len(history.rows), len(history.benches))
        if everything or summary.recent.failed[bench, row]
    ]
    if not shown:
        return
    widest = max(len(name) for name in history.benches)
    signs = "  ".join(f"{sign} {verdict}" for verdict, sign in _SIGNS.items() if sign.strip())
    yield f"the last {len(history.nights) - first} nights: {signs}"
    for row, bench in shown[: None if everything else SHOWN]:
        nights = "".join(_sign(each) for each in history.verdicts[bench, row, first:].tolist())
        flips = _percent(float(summary.recent.flips[bench, row]))
        first_passed = _percent(float(summary.recent.first_passed[bench, row]))
        yield (
            f"  {history.rows[row].id:10} {history.benches[bench]:{widest}} {nights}"
            f"  flips {flips}, first {first_passed}"
        )
    if not everything and len(shown) > SHOWN:
        yield f"  and {len(shown) - SHOWN} more"


def _sign(severity: int) -> str:
    return " " if severity == NO_RUN else _SIGNS[verdict_of(severity)]


def _percent(rate: float) -> str:
    return "-" if np.isnan(rate) else f"{100 * rate:.0f} %"


def _share(rate: float) -> float | None:
    return None if np.isnan(rate) else float(rate)


def _as_json(summary: Summary, updated: Updated) -> dict[str, object]:
    history = summary.history
    return {
        "benches": list(history.benches),
        "nights": [night.name for night in history.nights],
        "runs_indexed": updated.runs,
        "left_out": history.left_out,
        "broken": [{"folder": folder, "reason": reason} for folder, reason in updated.broken],
        "rates_over_nights": summary.recent.nights,
        "rows": [
            {
                "id": about.id,
                "bench": name,
                "latest": latest(history, row, bench),
                "ran": int(summary.recent.ran[bench, row]),
                "failed": int(summary.recent.failed[bench, row]),
                "flip_rate": _share(summary.recent.flips[bench, row]),
                "first_attempt_rate": _share(summary.recent.first_passed[bench, row]),
                "nights": [
                    None if each == NO_RUN else verdict_of(each)
                    for each in history.verdicts[bench, row].tolist()
                ],
            }
            for row, about in enumerate(history.rows)
            for bench, name in enumerate(history.benches)
        ],
        "drift": [_alarm_json(summary, place) for place in range(len(summary.alarms))],
        "one_bench": [
            {
                "id": history.rows[each.row].id,
                "bench": history.benches[each.bench],
                "failed": each.failed,
                "ran": each.ran,
                "failed_elsewhere": each.failed_elsewhere,
                "ran_elsewhere": each.ran_elsewhere,
                "expected": each.expected,
                "chance": each.chance,
            }
            for each in summary.one_bench
        ],
    }


def _alarm_json(summary: Summary, place: int) -> dict[str, object]:
    history, alarm = summary.history, summary.alarms[place]
    series = history.series[alarm.series]
    return {
        "id": history.rows[series.row].id,
        "bench": history.benches[series.bench],
        "test": series.test,
        "name": series.name,
        "unit": series.unit,
        "level": alarm.level,
        "since": history.nights[alarm.since].name,
        "found": history.nights[alarm.found].name,
        "before": alarm.before,
        "now": alarm.now,
        "sigmas": alarm.sigmas,
        "limit": alarm.limit,
        "nights_left": alarm.nights_left,
    }
