"""`hil prove safe-state`, and `hil safety show` and `reset`: what a guardian did, and its latch."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rig.benches.file import load_bench
from rig.benches.guarding import REPORT, latches_of
from rig.clock import utc_now, wall_s
from rig.errors import BenchFileError
from rig.proofs.kills_judged import Killed, Spread, as_json, spreads
from rig.safety.latch import standing

P99_MS, MAX_MS = 50.0, 250.0  # chosen by the mission: from failure to the last output off

prove_app = typer.Typer(no_args_is_help=True, help="Proofs of what must hold whatever happens.")
safety_app = typer.Typer(no_args_is_help=True, help="What the guardian of a bench did.")
AsJson = Annotated[bool, typer.Option("--json", help="For a machine.")]


def register(app: typer.Typer) -> None:
    """Put these commands into `hil`."""
    app.add_typer(prove_app, name="prove")
    app.add_typer(safety_app, name="safety")


@prove_app.callback()
def _prove() -> None:
    """Proofs of what must hold whatever happens."""


@prove_app.command("safe-state", epilog="Example: hil prove safe-state --kills 300 --seed 1")
def safe_state(
    kills: Annotated[int, typer.Option(help="How many kills.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="Seed of the points' order.", min=0)] = 1,
    as_json_: AsJson = False,
) -> None:
    """Kill tests on a wire stand at every instrument command; the plant's circuit is the judge.

    By SIGKILL, SIGSTOP, SIGSEGV, double interrupt, hung VISA read, closed socket, full disk,
    guardian killed or stopped, clock jump. Exit code 0: all ended safe, within the limits.
    """
    from rig.proofs.kills import prove

    console, began_s, load = Console(stderr=as_json_), wall_s(), os.getloadavg()[0]
    done: list[Killed] = []

    def told(killed: Killed) -> None:
        done.append(killed)
        if not killed.safe or not killed.struck:
            what = "NOT SAFE" if not killed.safe else "not struck"
            text = f"{what}: {killed.kind} at {killed.point or '-'}: {killed.said} {killed.why}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif len(done) % 20 == 0:
            console.print(f"{len(done)} of {kills} ...", style="dim")

    found = prove(kills, seed, told)
    struck = [killed for killed in found if killed.struck]
    all_ = spreads(struck)[-1]
    holds = (
        len(struck) == len(found) == all_.safe
        and not any(killed.contradicts for killed in found)
        and (all_.p99_ms is None or all_.p99_ms < P99_MS)
        and (all_.max_ms is None or all_.max_ms < MAX_MS)
    )
    loads = {"before": load, "after": os.getloadavg()[0]}
    if as_json_:
        told_all = as_json(found, seed=seed, wall_s=wall_s() - began_s, load=loads, holds=holds)
        print(json.dumps(told_all, indent=1))  # noqa: T201
    else:
        console.print(_table(spreads(struck)))
        console.print(
            f"{all_.safe} of {len(found)} ended safe by the plant's circuit, "
            f"{len(found) - len(struck)} never struck, in {wall_s() - began_s:.0f} s; "
            f"load {loads['before']:.1f} to {loads['after']:.1f}"
        )
    raise typer.Exit(0 if holds else 1)


def _table(found: Sequence[Spread]) -> Table:
    table = Table("failure", "kills", "energised", "safe", "p50 ms", "p99 ms", "max ms")
    for one in found:
        times = (one.p50_ms, one.p99_ms, one.max_ms)
        shown = ["" if time is None else f"{time:.1f}" for time in times]
        table.add_row(one.kind, str(one.kills), str(one.energised), str(one.safe), *shown)
    return table


@safety_app.command("show", epilog="Example: hil safety show runs/monday")
def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or of one attempt.")],
    as_json_: AsJson = False,
) -> None:
    """What the guardians of a run did: permits, trips, and each step to the safe state."""
    if not run.is_dir():
        raise BenchFileError(f"{run}: is no folder; allowed: a run's folder, or an attempt's")
    found: list[dict[str, Any]] = []
    for path in sorted(run.rglob(REPORT)):
        for line in path.read_text(encoding="utf-8").splitlines():
            found.append({"attempt": str(path.parent.relative_to(run)), **json.loads(line)})
    if as_json_:
        print(json.dumps(found, indent=1))  # noqa: T201
        return
    console = Console()
    for one in found:
        for text in _lines(one):
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"no guardian has written anything in {run}")


def _lines(one: dict[str, Any]) -> list[str]:
    what = f"{one['utc']}  {one['attempt']}: {one['did']}"
    if "state" in one:
        off = "not seen" if one["off_ms"] is None else f"{one['off_ms']:.0f} ms"
        what += f", {one['state']}: {one.get('why', 'the guardian was gone')}; outputs off: {off}"
        marks = {True: "seen", False: "NOT SEEN", None: "-"}
        steps = [
            f"    {marks[step['verified']]:8} {step['took_ms']:7.0f} ms  {step['name']}"
            f"{': ' if step['said'] else ''}{step['said']}"
            for step in one["steps"]
        ]
        return [what, *steps]
    return [what + (f" {one['wish']}" if "wish" in one else "")]


@safety_app.command("reset", epilog="Example: hil safety reset my_lab.toml --by 'A. Meyer'")
def reset(
    bench: Annotated[str, typer.Argument(help="Name of the tripped bench, or its .toml file.")],
    by: Annotated[str, typer.Option(help="Who has been there and looked.")],
) -> None:
    """Let a bench that was tripped be armed again: for a person who has been there."""
    file = load_bench(bench)
    tripped = [latch for latch in map(Path, latches_of(file)) if latch.exists()]
    if not tripped:
        raise BenchFileError(f"{bench}: was not tripped; allowed: a bench that was")
    if not by.strip():
        raise BenchFileError("--by: is empty; allowed: the name of who has been there")
    console = Console()
    try:
        for why in dict.fromkeys(standing([str(latch)]) for latch in tripped):
            console.print(f"tripped: {why}", markup=False)
            with (tripped[0].parent / "resets.log").open("a", encoding="utf-8") as log:
                log.write(f"{utc_now()} {file.name} reset by {by.strip()}: {why}\n")
        for latch in tripped:
            latch.unlink()
    except OSError as error:
        raise BenchFileError(
            f"{error.filename}: {error.strerror}; allowed: latches that may be taken away"
        ) from error
    console.print(f"{file.name} may be armed again")
