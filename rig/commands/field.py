"""`hil replay`, `hil bisect`, `hil reproduce`: from a log of the field to what is behind it.

Exit code 0: the model does what the device did; 4: it does not, which is a finding about the model;
1: the log does not show what was asked for; 2: bad input.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bms.firmware import UnknownRelease
from bms.releases import release_of
from rig.clock import utc_now
from rig.commands.logs import Buses, Logs, Mapping, roles_of
from rig.errors import BenchFileError
from rig.planning import ROOT
from rig.replay.compare import Comparison
from rig.replay.compare import as_mapping as comparison_as_mapping
from rig.replay.condition import Condition, read_condition
from rig.replay.excerpt import Excerpt, find
from rig.replay.likeness import compared
from rig.replay.log import Log, open_log
from rig.replay.play import Firmware
from rig.replay.plotting import plot_comparison
from rig.replay.pool import Pool
from rig.replay.reproduce import Reproduction, reproduce
from rig.replay.restore import restore
from rig.replay.telling import as_mapping, name_of, provenance, write_scenario

NOT_SHOWN, MODEL_DIFFERS = 1, 4
ANY_ERROR, ANY = "error > 0", read_condition("error >= 0")
SHOWN = 12  # chosen: signals in a terminal
When = Annotated[str, typer.Option(help="The condition, such as 'event == 26'; see --help.")]
Release = Annotated[
    str | None, typer.Option("--firmware", help="What the device ran, if the log does not tell it.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")]
Machine = Annotated[bool, typer.Option("--json", help="For a machine.")]
LANGUAGE = (
    "A condition compares signals (soc_pct > 100, state == running, event == 26, flags bit 30, "
    "n2k.batteryStatus.0.voltage < 20, general.soc_pct > 100), or tells of events (contactor "
    "opens, contactor closes, start, stop, error becomes 26, 0x0390 is told), joined by and, or, "
    "not, ( ), and by time: X for 10 s, X within 3 s of EVENT, no X within 3 s of EVENT, "
    "no 127508 for 10 s (a PGN, a register 0x0FFF, or an identifier 0x351)."
)
out = Console()
err = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """The three commands of `hil`."""
    app.command("replay", epilog="Example: hil replay monday.blf --firmware 1.20 --plot d.png")(
        replay
    )
    app.command(
        "bisect", epilog=f"Example: hil bisect monday.blf --when 'event == 26'. {LANGUAGE}"
    )(bisect_log)
    app.command(
        "reproduce",
        epilog="Example: hil reproduce monday.blf --when 'contactor opens within 3 s of stop'. "
        f"{LANGUAGE}",
    )(reproduce_log)


def replay(
    logs: Logs,
    firmware: Release = None,
    begin_s: Annotated[float, typer.Option("--from", min=0.0, help="Seconds into the log.")] = 0.0,
    for_s: Annotated[float, typer.Option("--for", min=1.0, help="How many seconds.")] = 3_600.0,
    bus: Buses = None,
    mapping: Mapping = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture, .png or .svg.")] = None,
    as_machine: Machine = False,
) -> None:
    """Play what a log shows to a firmware, and compare what it says with what the device said."""
    if plot is not None and (plot.suffix not in {".png", ".svg"} or not plot.parent.is_dir()):
        raise BenchFileError(f"--plot {plot}: allowed: .png or .svg in a folder that is there")
    log = open_log(logs, mapping=mapping, buses=roles_of(bus))
    with _telling() as tell:
        part_us = round(begin_s * 1e6), round((begin_s + for_s) * 1e6)
        excerpt = find(log, None, _reading(tell), part_us=part_us)
        if not excerpt.entries:
            raise BenchFileError(
                f"--from {begin_s:g}: {logs[0]} has {excerpt.duration_us / 1e6:g} s; allowed: less"
            )
        release = _release(excerpt, firmware)
        begin_us, end_us = excerpt.begin_us, excerpt.entries[-1].t_us
        restored = restore(excerpt, begin_us, end_us)
        tell(f"{(end_us - begin_us) / 1e6:.0f} s are played to {release}")
        with Pool(1) as pool:
            outcome = pool.play(restored.stimulus, [Firmware(release=release)], ANY, keep=True)[0]
    comparison = compared(excerpt, restored.begin_us, outcome, end_us)
    if plot is not None:
        plot_comparison(plot, excerpt, restored, outcome, comparison)
    if as_machine:
        told = {
            "release": release,
            "started": outcome.started,
            "assumed": list(restored.assumed),
            **comparison_as_mapping(comparison),
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        _print_problems(excerpt)
        _print_comparison(comparison, release, restored.assumed, started=outcome.started)
    raise typer.Exit(0 if comparison.first is None and outcome.started else MODEL_DIFFERS)


def bisect_log(
    logs: Logs,
    when: When,
    firmware: Release = None,
    bus: Buses = None,
    mapping: Mapping = None,
    jobs: Jobs = None,
    as_machine: Machine = False,
) -> None:
    """On which of all releases a log's fault shows, and which row brought or cured it."""
    log = open_log(logs, mapping=mapping, buses=roles_of(bus))
    made, _ = _made(log, read_condition(when), firmware, jobs, smaller=False)
    _print(made, as_machine=as_machine)
    raise typer.Exit(0 if made.reproduced else MODEL_DIFFERS)


def reproduce_log(
    logs: Logs,
    when: Annotated[
        str | None, typer.Option(help="The condition; the first error that is told.")
    ] = None,
    firmware: Release = None,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="A new folder; default scenarios/field/<date>-<words>."),
    ] = None,
    bus: Buses = None,
    mapping: Mapping = None,
    jobs: Jobs = None,
    as_machine: Machine = False,
) -> None:
    """From a log to a located fault, and a small scenario that fails where it should."""
    log = open_log(logs, mapping=mapping, buses=roles_of(bus))
    condition = read_condition(when or ANY_ERROR)
    date = utc_now()[:10]

    def new_folder(condition: Condition) -> Path:
        words = name_of(condition).replace("_", "-")
        folder = out_folder or ROOT / "scenarios" / "field" / f"{date}-{words}"
        if folder.exists():
            raise BenchFileError(f"--out {folder}: is there already; allowed: a new folder")
        return folder

    # Before the work: what it would end with.
    if when is not None or out_folder is not None:
        new_folder(condition)
    if firmware is not None:
        release_of(firmware)
    made, condition = _made(log, condition, firmware, jobs, smaller=True, found=new_folder)
    if not made.reproduced:
        _print(made, as_machine=as_machine)
        raise typer.Exit(MODEL_DIFFERS)
    folder = new_folder(condition)
    source = provenance(list(log.paths), date, made.excerpt.start_utc_us)
    files = write_scenario(folder, made, condition, source)
    _print(made, as_machine=as_machine, files=files)


def _made(
    log: Log,
    condition: Condition,
    firmware: str | None,
    jobs: int | None,
    *,
    smaller: bool,
    found: Callable[[Condition], object] = lambda _condition: None,
) -> tuple[Reproduction, Condition]:
    """All of it; `found`: told the condition as soon as the log shows it."""
    with _telling() as tell:
        excerpt = find(log, condition, _reading(tell))
        if excerpt.first_us is None:
            raise _NotShown(condition, excerpt)
        if condition.text == ANY_ERROR:
            condition = read_condition(f"error == {excerpt.signature[-1]}")
        found(condition)
        release = _release(excerpt, firmware)
        tell(f"{condition.text!r} at {excerpt.first_us / 1e6:.3f} s of the log")
        with Pool(jobs) as pool:
            return reproduce(excerpt, condition, release, pool, tell, smaller=smaller), condition


class _NotShown(typer.Exit):
    """The log does not show what was asked for."""

    def __init__(self, condition: Condition, excerpt: Excerpt) -> None:
        super().__init__(NOT_SHOWN)
        err.print(
            f"the log does not show it: {condition.text!r} is not true in "
            f"{excerpt.duration_us / 1e6:.1f} s and {excerpt.frames} frames",
            markup=False,
            highlight=False,
        )


def _release(excerpt: Excerpt, given: str | None) -> str:
    """The release of the device. Raises BenchFileError where nobody tells it."""
    if given is not None:
        return str(release_of(given))
    try:
        return str(release_of(excerpt.release or ""))
    except UnknownRelease:
        told = f"tells {excerpt.release}" if excerpt.release else "does not tell its release"
        raise BenchFileError(
            f"--firmware: the device of this log {told}; allowed: a release, such as 1.20"
        ) from None


def _reading(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda frames, t_us: tell(f"{frames} frames read, {t_us / 1e6:.0f} s of the log")


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """A line that says what is going on, on the terminal's error side; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    with err.status("opening the log") as status:
        yield status.update


def _print_comparison(
    comparison: Comparison, release: str, assumed: tuple[str, ...], *, started: bool
) -> None:
    said = f"{comparison.alike_pct:.1f} % of what both sides told is alike"
    if not started:
        _say(f"The model of {release} does not do what the device did: it does not start.")
    elif comparison.first is None:
        _say(f"The model of {release} says what the device said: {said}.")
    else:
        _say(f"The model of {release} says something else: {said}. First difference:")
        _say(f"  {comparison.first}")
    for each in [one for one in comparison.signals if one.first is not None][1:SHOWN]:
        _say(f"  {each.first} ({each.missed} of {each.told})")
    for text in assumed:
        _say(f"not in the log: {text}")
    ignored = sorted(one.signal for one in comparison.signals if one.ignored)
    if ignored:
        _say(f"not compared (tolerances.toml): {', '.join(ignored)}")


def _print_problems(excerpt: Excerpt) -> None:
    for text in excerpt.problems:
        _say(f"the log: {text}")


def _print(made: Reproduction, *, as_machine: bool, files: list[Path] | None = None) -> None:
    if as_machine:
        told = {**as_mapping(made), "files": [str(path) for path in files or []]}
        typer.echo(json.dumps(told, indent=1))
        return
    trial, found = made.trial, made.bisection
    _print_problems(made.excerpt)
    if found is None:
        _say(f"The model of {made.release} does not do what the device did: a finding about it.")
        _print_comparison(
            trial.comparison, made.release, trial.restored.assumed, started=trial.outcome.started
        )
        return
    _say(f"Reproduced on {made.release}; shown by {found.span}.")
    for row in found.named:
        _say(f"{row.item} {found.does(row)} it in {row.release}:")
        for delta in row.deltas:
            _say(f"  {delta}")
    unreached = [each.release for each in found.judged if each.verdict == "does not start"]
    if unreached:
        _say(f"no verdict, as the start state was not reached: {', '.join(unreached)}")
    for text in (*found.unnamed, *found.remarks):
        _say(text)
    for text in trial.restored.assumed:
        _say(f"not in the log: {text}")
    if made.reduced is not None:
        minimal = "1-minimal" if made.reduced.minimal else "not shown to be 1-minimal"
        _say(f"{made.reduced.before} steps came down to {made.reduced.after}, {minimal}.")
    for path in files or []:
        _say(f"written: {path}")


def _say(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


__all__ = ["register"]
