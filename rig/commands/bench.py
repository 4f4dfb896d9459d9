"""`hil bench`: the benches that there are, and the check of a lab before it is used."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from bms.releases import NEWEST
from rig.benches.file import BenchFile, known_benches, load_bench
from rig.benches.lab.asked import Answers, keep_answers, read_answers
from rig.benches.lab.checking.walk import Asked, Report, check_bench
from rig.benches.lab.finding import Finding, Grade
from rig.benches.lab.held import held, holders
from rig.benches.lab.miswiring import Miswiring
from rig.benches.lab.place import PlaceState, state_of
from rig.benches.lab.rehearsal import rehearsal
from rig.clock import utc_now
from rig.commands.faults import bench_faults
from rig.errors import BenchFileError
from rig.planning import ROOT, under_test
from rig.wall import WallLoop

bench_app = typer.Typer(no_args_is_help=True, help="Benches.")
bench_app.command("faults", epilog="Example: hil bench faults --json")(bench_faults)
out = Console()
SIGNS = {
    Grade.GOOD: "[green]✓[/green]",
    Grade.WRONG: "[bold red]✗[/bold red]",
    Grade.UNKNOWN: "[yellow]?[/yellow]",
    Grade.SKIPPED: "[dim]-[/dim]",
}
File = Annotated[str, typer.Argument(help="Name of a bench, or its .toml file; of kind lab.")]


@bench_app.command("list", epilog="Example: hil bench list")
def bench_list() -> None:
    """The benches that come with the project."""
    for name in known_benches():
        bench = load_bench(name)
        line = f"{name:12} {bench.kind:12} {bench.description}"
        out.print(line, highlight=False, soft_wrap=True)


@bench_app.command("check", epilog="Example: hil bench check my_lab.toml --night-hours 14")
def bench_check(
    ctx: typer.Context,
    file: File,
    night_hours: Annotated[
        float | None,
        typer.Option(min=0.1, max=168.0, help="Check what a night of so many hours needs, too."),
    ] = None,
    energise: Annotated[
        bool, typer.Option(help="Put 3 V and at most 0.5 A on the empty system bus.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Walk round a lab step by step, and say what is wrong and what to do about it.

    Exit code 0: nothing is wrong; 1: something is; 2: the file cannot be read.
    """
    bench = lab_file(file)
    stay = ctx.with_resource(held(bench, is_check=True))
    answers = _ask(bench, may_ask=not as_json and sys.stdin.isatty())
    asked = Asked(
        today=date.fromisoformat(utc_now()[:10]),
        night_hours=night_hours,
        energise=energise,
        runs=ROOT / "runs",
    )
    if as_json:
        report = check_bench(bench, asked, lambda _step, _found: None)
        print(json.dumps(_as_json(bench, report, answers), indent=2))  # noqa: T201
    else:
        out.print(f"[bold]{escape(bench.name)}[/bold]  {escape(bench.description)}")
        report = check_bench(bench, asked, _show)
        _conclude(report, answers)
    if report.sound and energise:
        stay.prove()
    raise typer.Exit(0 if report.sound else 1)


@bench_app.command("lock", epilog="Example: hil bench lock my_lab.toml --hold")
def bench_lock(
    file: File,
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep it for yourself until Ctrl-C: you work by hand.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Who uses a lab's instruments and adapters. Exit code 0: nobody; 1: somebody does."""
    bench = lab_file(file)
    if hold:
        with held(bench):
            out.print(f"{escape(bench.name)} is yours. Give it back with Ctrl-C.")
            with suppress(KeyboardInterrupt):
                signal.pause()
        return
    found, place = holders(bench), _place(bench)
    if as_json:
        told = {name: holder and asdict(holder) for name, holder in found.items()}
        at = place and asdict(place)
        print(json.dumps({"bench": bench.name, "held": told, "place": at}, indent=2))  # noqa: T201
    if place is not None and not as_json:
        run = f", run {place.run}" if place.run else ""
        out.print(f"{'place':16} {place.owner or 'free'}{run}", markup=False, highlight=False)
    for name, holder in found.items() if not as_json else ():
        who = "free"
        if holder is not None:
            who = f"{holder.user} since {holder.since}, process {holder.process}: {holder.command}"
        out.print(f"{name:16} {who}", markup=False, highlight=False, soft_wrap=True)
    taken = any(found.values()) or (place is not None and bool(place.owner))
    raise typer.Exit(1 if taken else 0)


def _place(bench: BenchFile) -> PlaceState | None:
    """Who has the bench in its fleet; None: it is in none."""
    if bench.lab is None or bench.lab.place is None:
        return None
    return state_of(bench.lab.place)


@bench_app.command(
    "rehearse", epilog="Example: hil bench rehearse my_lab.toml --out /tmp/twins.toml"
)
def bench_rehearse(
    file: File,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="The bench file of the twins; default: <file>.twins.toml here."),
    ] = None,
    firmware: Annotated[str, typer.Option(help="What the twins' device runs.")] = str(NEWEST),
    miswired: Annotated[
        Miswiring | None, typer.Option(help="Have one thing wired wrongly, for a check to find.")
    ] = None,
) -> None:
    """Run twins of a lab, and write its very file with their addresses; until Ctrl-C.

    In another terminal: hil bench check FILE, hil qualify --bench FILE.
    """
    bench = lab_file(file)
    release = under_test(firmware, is_read=False).firmware
    place = (out_file or Path.cwd() / f"{bench.path.stem}.twins.toml").resolve()
    if place.exists():
        raise BenchFileError(f"--out {place}: is there already; allowed: a new file")
    try:
        with asyncio.Runner(loop_factory=WallLoop) as runner:
            runner.run(_rehearse(bench, str(release), place, miswired))
    finally:
        place.unlink(missing_ok=True)


async def _rehearse(bench: BenchFile, release: str, place: Path, wrong: Miswiring | None) -> None:
    """Until it is interrupted; the file is taken away with the twins."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with rehearsal(bench, release, place, wrong):
        about = f", wired wrongly: {wrong}" if wrong else ""
        out.print(f"Twins of {bench.name} with a device of {release}{about}. Their file: {place}",
                  highlight=False, soft_wrap=True)  # fmt: skip
        out.print(f"Now: hil bench check {place}\nEnd them with Ctrl-C.", soft_wrap=True)
        await ended.wait()


def lab_file(name: str) -> BenchFile:
    """A bench of kind lab. Raises BenchFileError for another."""
    bench = load_bench(name)
    if bench.lab is None:
        raise BenchFileError(
            f"{bench.path}: bench.kind: {bench.kind!r} needs no check; allowed: a bench of kind lab"
        )
    return bench


def _ask(bench: BenchFile, *, may_ask: bool) -> Answers:
    """Who operates, and what is written on the device: asked once, if there is somebody."""
    answers = read_answers(bench)
    if not may_ask or (answers.dut_label and answers.operator):
        return answers
    label = answers.dut_label or typer.prompt("What is written on the device under test")
    operator = answers.operator or typer.prompt("Who operates this bench")
    answers = Answers(dut_label=label.strip(), operator=operator.strip())
    keep_answers(bench, answers)
    return answers


def _show(step: str, findings: Sequence[Finding]) -> None:
    """One step, as soon as it is done."""
    out.print(f"\n[bold]{step}[/bold]")
    for finding in findings:
        where = "" if finding.where == "-" else f"[cyan]{escape(finding.where)}[/cyan]  "
        line = f"{SIGNS[finding.grade]} {where}{escape(finding.text)}"
        out.print(Padding(line, (0, 0, 0, 2)), highlight=False)
        if finding.todo:
            out.print(Padding(f"→ {escape(finding.todo)}", (0, 0, 0, 6)), highlight=False)


def _conclude(report: Report, answers: Answers) -> None:
    counts = {grade: sum(f.grade is grade for f in report.findings) for grade in Grade}
    told = ", ".join(f"{count} {grade}" for grade, count in counts.items() if count)
    verdict = "[bold green]Nothing is wrong[/bold green]"
    if not report.sound:
        verdict = "[bold red]Not ready[/bold red]"
    elif counts[Grade.UNKNOWN]:
        verdict = "[bold yellow]Nothing is wrong that could be seen[/bold yellow]"
    out.print(f"\n{verdict}: {told}.", highlight=False)
    if report.identity is not None:
        label = f" ({answers.dut_label})" if answers.dut_label else ""
        out.print(f"Device under test{escape(label)}: {escape(str(report.identity))}.")


def _as_json(bench: BenchFile, report: Report, answers: Answers) -> dict[str, object]:
    return {
        "bench": bench.name,
        "file": str(bench.path),
        "sound": report.sound,
        "device": None if report.identity is None else asdict(report.identity),
        **asdict(answers),
        "findings": [asdict(finding) for finding in report.findings],
    }
