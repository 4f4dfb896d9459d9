"""`hil plan`: in which order a bench would run what, and how long that takes. It moves nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bms.catalogue import item_of
from bms.releases import NEWEST
from rig.benches.file import load_bench
from rig.commands.options import Firmware, Only
from rig.errors import BenchFileError
from rig.nightly.window import span_of
from rig.planning import ROOT, scenarios, under_test
from rig.scheduling.planner import PlanAsked, plan_for
from rig.scheduling.told import for_a_machine, whole

SECONDS_AN_HOUR = 3600.0
out = Console()


def plan(
    bench: Annotated[str, typer.Argument(help="Name of a bench, or its .toml file.")],
    firmware: Firmware = str(NEWEST),
    only: Only = None,
    window: Annotated[
        str | None,
        typer.Option(help="Local times, as 22:00-06:00: what fits until it ends, or the next one."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, max=168.0, help="What fits into so many.")
    ] = None,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="As a night: nobody moves the batteries.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Folder of all runs: for risk and durations.")] = (
        ROOT / "runs"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Say in which order a bench would run its rows, and how long it would take.

    In a lab tests of one start state run together, in the order that spares charging and soaking;
    among them, and on any other bench, what failed, changed or never ran comes first. Nothing is
    energised or asked.
    """
    file = load_bench(bench)
    device = under_test(firmware, is_read=file.kind == "lab").firmware
    now = datetime.now(UTC).astimezone()
    span = span_of(window, hours, now)
    known = scenarios()
    wanted = {item_of(text).id for text in only or known}
    for id_ in sorted(wanted - known.keys()):
        raise BenchFileError(f"--only {id_}: no scenario yet; allowed: ids with one")
    asked = PlanAsked(
        file=file,
        firmware=str(device),
        rows={id_: scenario for id_, scenario in known.items() if id_ in wanted},
        runs=runs,
        window_h=None if span is None else (span[1] - span[0]).total_seconds() / SECONDS_AN_HOUR,
        attended=not unattended,
    )
    planned = plan_for(asked)
    if as_json:
        told: dict[str, object] = {"bench": file.name, "firmware": str(device)}
        told["window"] = None if span is None else [instant.isoformat() for instant in span]
        print(json.dumps(told | for_a_machine(planned)))  # noqa: T201
        return
    if span is not None:
        out.print(_in_words(*span, now), markup=False, highlight=False, soft_wrap=True)
    for line in whole(planned):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _in_words(begin: datetime, end: datetime, now: datetime) -> str:
    since = "from now on" if begin == now else f"from {begin:%a %d %b %H:%M}"
    return f"What fits {since} until {end:%a %d %b %H:%M}."
