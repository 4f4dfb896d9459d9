"""`hil compare RUN RUN`: two releases, two nights, or two benches; it reads records only."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reports.two_runs import Difference, Direction, TwoRuns, compare_two
from rig.errors import BenchFileError
from rig.parity import Parity, SignalParity, read_bands
from rig.parity.bands import FILE as BANDS
from rig.recording import RunFacts

SHOWN = 40  # chosen: a screen of signals; all of them are in the JSON
PROBLEMS_SHOWN = 5
COLOURS = {Direction.WORSE: "red", Direction.BETTER: "green", Direction.NOT_RUN: "yellow"}


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a run record; the earlier one.")],
    second: Annotated[Path, typer.Argument(help="Folder of another.")],
    bands: Annotated[
        Path | None,
        typer.Option(help="TOML file: how far two benches may be apart; rig/benches/parity.toml."),
    ] = None,
    parity: Annotated[
        bool, typer.Option("--parity", help="Compare signals, too, of runs of one bench.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="The same as a page; a new file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """What differs between two runs: verdicts, margins, and signals where the benches differ.

    Exit code 0: nothing of weight. 1: a verdict is another one, a margin moved, evidence is broken,
    or less of the signals is in band than the file of bands asks for. 2: a bad input.
    """
    if html is not None and (html.exists() or not html.parent.is_dir()):
        raise BenchFileError(f"--html {html}: allowed: a new file in a folder that there is")
    if first.resolve() == second.resolve():
        raise BenchFileError(f"{second}: is the first run, too; allowed: two runs")
    found = compare_two(first, second, read_bands(bands or BANDS), signals=parity)
    if as_json:
        print(json.dumps(_object(found)))  # noqa: T201
    else:
        console = Console(record=html is not None)
        for part in _report(found):
            console.print(part, soft_wrap=isinstance(part, str), highlight=False)
        if html is not None:
            html.write_text(console.export_html(), encoding="utf-8")
    raise typer.Exit(0 if found.same else 1)


def _object(found: TwoRuns) -> dict[str, Any]:
    """All that was found, signals in band left out."""
    told = asdict(found)
    told["same"] = found.same
    if found.parity is not None:
        told["parity"] = {
            "attempts": len(found.parity.attempts),
            "signal_seconds": found.parity.compared_s,
            "in_band_pct": found.parity.in_band_pct,
            "goal_pct": found.goal_pct,
            "failures": found.parity.failures,
            "out_of_band": [
                {"item": one.item, "test": one.test, "outside_s": each.outside_s, **asdict(each)}
                for one, each in found.parity.out_of_band
            ],
            "late_claims": [
                {"item": one.item, "test": one.test, **asdict(each)}
                for one in found.parity.attempts
                for each in one.late
            ],
            "unaligned": [
                {"item": one.item, "test": one.test, "why": one.unaligned}
                for one in found.parity.attempts
                if one.unaligned
            ],
        }
    return told


def _report(found: TwoRuns) -> Iterator[str | Table]:
    yield _run("first ", found.first)
    yield _run("second", found.second)
    for name, problems in zip(("first", "second"), found.problems, strict=True):
        if problems:
            yield f"[red]the {name} run's evidence is not whole: {len(problems)} problems[/]"
            yield from (f"  {escape(problem)}" for problem in problems[:PROBLEMS_SHOWN])
    if found.differences:
        yield _verdicts(found.differences)
    yield from _counts(found)
    if found.drifts:
        yield _margins(found)
    if found.parity is not None:
        yield from _parity(found.parity, found.goal_pct)
    yield "[green]the same[/]" if found.same else "[red]they differ[/]"


def _run(name: str, run: RunFacts) -> str:
    return f"{name}  {run.id}: firmware {run.firmware} on bench {run.bench}, {run.started}"


def _verdicts(differences: Sequence[Difference]) -> Table:
    table = _table("row", "first", "second", "reason of the second")
    for each in differences:
        colour = COLOURS[each.direction]
        now = f"[{colour}]{each.now or 'no such row'}[/]"
        table.add_row(each.id, each.before or "no such row", now, escape(each.reason))
    return table


def _counts(found: TwoRuns) -> Iterator[str]:
    yield (
        f"{found.rows_in_both} rows ran in both, {len(found.differences)} with another verdict; "
        f"{found.only_first} ran in the first only, {found.only_second} in the second only"
    )
    if found.same_digest or found.other_digest:
        yield f"event records: {found.same_digest} rows alike, {found.other_digest} not"
    if found.scenarios_changed:
        yield f"scenarios that changed in between: {', '.join(found.scenarios_changed)}"


def _margins(found: TwoRuns) -> Table:
    table = _table("row", "measurement", "first", "second", "margin", "now")
    for each in found.drifts:
        values = (f"{value:.4g} {each.unit}" for value in (each.before, each.now))
        margins = (f"{margin:.0f} %" for margin in (each.margin_before_pct, each.margin_now_pct))
        table.add_row(each.id, escape(each.name), *values, *margins)
    return table


def _parity(parity: Parity, goal_pct: float) -> Iterator[str | Table]:
    share = parity.in_band_pct
    yield from (f"[red]not compared: {escape(failure)}[/]" for failure in parity.failures)
    if share is None:
        yield "parity: no attempt at the same test on the same release has signals in both"
        return
    colour = "green" if share >= goal_pct else "red"
    yield (
        f"parity: {len(parity.attempts)} attempts, {parity.compared_s:.0f} signal-seconds, "
        f"[{colour}]{share:.2f} % in band[/] (goal {goal_pct:g} %)"
    )
    outside = parity.out_of_band
    for one, each in outside[:SHOWN]:
        yield f"  {each.outside_s:6.2f} s  {one.item} {escape(f'{each.name}: {_apart(each)}')}"
        yield f"[dim]            {escape(one.test)}[/]"
    if len(outside) > SHOWN:
        yield f"... and {len(outside) - SHOWN} signals more; --json has them all"
    yield from _claims(parity)


def _apart(each: SignalParity) -> str:
    """When a signal was out of band, and by how much, at its worst."""
    if each.only:
        return f"in the {each.only} run only"
    if not each.spans:
        return "; ".join(each.missing)
    worst = max(each.spans, key=lambda span: (span.excess, span.duration_s))
    when = f"{worst.begin_s:.2f} to {worst.end_s:.2f} s"
    if not worst.excess:
        return f"{when}: one of the two has not told it yet"
    values = f"{worst.first:g} {each.unit}".rstrip(), f"{worst.second:g} {each.unit}".rstrip()
    return f"{when}: {values[0]}, then {values[1]}; {worst.excess:.3g} beyond the band"


def _claims(parity: Parity) -> Iterator[str]:
    for one in parity.attempts:
        name = f"{one.item} {escape(one.test)}"
        if one.unaligned:
            yield f"{name}: compared up to where the claims part: {escape(one.unaligned)}"
        for late in one.late:
            yield (
                f"{name}: {escape(late.what)} at {late.time_s:.2f} s came {late.first_s:.2f} s "
                f"after the one before, then {late.second_s:.2f} s"
            )


def _table(*titles: str) -> Table:
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for title in titles:
        table.add_column(title)
    return table
