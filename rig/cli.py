"""The `hil` command. It parses and prints; what it does stands in `rig.commands` and `reports`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.models import CommandInfo, TyperInfo

from bms.catalogue import UnknownItemId, item_of
from bms.firmware import UnknownRelease
from rig.commands import field, safety
from rig.commands.answer import answer
from rig.commands.bench import bench_app
from rig.commands.compare import compare
from rig.commands.evidence import export, report, verify
from rig.commands.history import UnknownSlot, diff, explain, history
from rig.commands.hub import hub
from rig.commands.instruments import instrument_app, twin_app
from rig.commands.live import live
from rig.commands.logs import log_app
from rig.commands.matrix_command import matrix
from rig.commands.mutants import BadMutant, mutants
from rig.commands.nightly import nightly
from rig.commands.plan import plan
from rig.commands.plant import as_json as validation_as_json
from rig.commands.plant import as_lines, fit_folder, validate_file
from rig.commands.qualify import qualify, run
from rig.commands.release import release_app
from rig.commands.runs_history import runs_history
from rig.commands.skeleton import AlreadyThere, new_scenario
from rig.errors import BenchFileError
from rig.planning import ROOT
from rig.plant.cell import Chemistry
from rig.recording import RecordError, Verdict

BAD_INPUT = 2
# The family of Typer's usage errors, whatever package it lies in; all have `format_message`.
USAGE_ERROR: type[typer.BadParameter] = typer.BadParameter.__bases__[0]
app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Test rig for the Lynx Ion BMS: every statement of its change log, proven.",
)
bms_app = typer.Typer(no_args_is_help=True, help="How the firmware came about.")
scenario_app = typer.Typer(no_args_is_help=True, help="Scenarios.")
app.command(epilog="Example: hil qualify --firmware 1.38 --out runs/monday")(qualify)
app.command(epilog="Example: hil run v1.08-04 --firmware 1.07 --trace")(run)
app.command(epilog="Example: hil matrix --edges --leave-one-out --null --out matrix.json")(matrix)
app.command(epilog="Example: hil report runs/monday --proof matrix.json --lab lab.toml")(report)
app.command(epilog="Example: hil verify monday.zip --manifest 3f5c...e1")(verify)
app.command(epilog="Example: hil export runs/monday --bundle monday.zip")(export)
app.command(epilog="Example: hil compare runs/sim runs/wire --json")(compare)
app.add_typer(bms_app, name="bms")
app.add_typer(scenario_app, name="scenario")
app.add_typer(bench_app, name="bench")
plant_app = typer.Typer(no_args_is_help=True, help="The plant's cells against measurements.")
app.add_typer(plant_app, name="plant")
safety.register(app)
field.register(app)
app.add_typer(twin_app, name="twin")
app.add_typer(instrument_app, name="instrument")
app.add_typer(log_app, name="log")
app.add_typer(release_app, name="release")
app.command(epilog="Example: hil hub ve_can:250000 private:250000 --read-only strangers")(hub)
app.command(epilog="Example: hil mutants --of rooms/contactor")(mutants)
app.command(epilog="Example: hil nightly lab.toml --window 22:00-06:00 --resume auto")(nightly)
app.command(epilog="Example: hil plan lab.toml --window 22:00-06:00 --unattended")(plan)
app.command(epilog="Example: hil answer runs/monday done --by Jan")(answer)
app.command(epilog="Example: hil live runs/monday --port 8080")(live)
app.command("history", epilog="Example: hil history --bench lab-1 --html nights.html")(runs_history)
out = Console()


@app.command("explain", epilog="Example: hil explain v1.08-04")
def explain_command(
    item: Annotated[str, typer.Argument(help="Id of the row.")],
    as_json_: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Tell a row: statement, slots, scenario, and its last verdicts."""
    lines = explain(item)
    verdicts = _last_verdicts(item_of(item).id)
    if as_json_:
        print(json.dumps({"id": item_of(item).id, "lines": lines, "verdicts": verdicts}))  # noqa: T201
        return
    for line in lines + [f"  {verdict}" for verdict in verdicts]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _last_verdicts(id_: str, most: int = 5) -> list[str]:
    """The newest verdicts of a row among the runs of this tree; broken records are passed over."""
    found = []
    for path in sorted((ROOT / "runs").glob("*/verdicts.json"), reverse=True):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            verdict = next(i for i in content["items"] if i["id"] == id_)
        except (OSError, ValueError, KeyError, StopIteration):
            continue
        if verdict["verdict"] == Verdict.NOT_RUN:
            continue
        found.append(f"{content['run']['id']}: {verdict['verdict']} on {verdict['firmware']}")
        if len(found) == most:
            break
    return found


@bms_app.command("history", epilog="Example: hil bms history contactor.opening_delay")
def bms_history(
    slot: Annotated[str, typer.Argument(help="A slot; a wrong one lists all.")],
) -> None:
    """One slot over all releases."""
    out.print(history(slot), markup=False, highlight=False, soft_wrap=True)


@bms_app.command("diff", epilog="Example: hil bms diff 1.36 1.38")
def bms_diff(
    old: Annotated[str, typer.Argument(help="A release.")],
    new: Annotated[str, typer.Argument(help="Another release.")],
) -> None:
    """What changed between two releases."""
    for line in diff(old, new) or ["no difference that the model has"]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


@scenario_app.command("new", epilog='Example: hil scenario new v1.09-02 "interlock opens at once"')
def scenario_new(
    item: Annotated[str, typer.Argument(help="Id of the row.")],
    words: Annotated[str, typer.Argument(help="A few words for the file's name.")] = "",
) -> None:
    """Lay down the skeleton of a scenario."""
    out.print(str(new_scenario(item, words).relative_to(ROOT)))


@plant_app.command(
    "validate",
    epilog="Example: hil plant validate dynamic_25degC.csv.gz --cell a123 --temperature 25",
)
def plant_validate(
    file: Annotated[Path, typer.Argument(help="CSV, plain or gzip: time_s, current_a, voltage_v.")],
    cell: Annotated[str, typer.Option(help="A cell's name, or its .toml file.")],
    temperature: Annotated[float, typer.Option(help="Of the measurement, in degC.")],
    capacity_ah: Annotated[
        float | None, typer.Option(help="Of the specimen; found below 5 % SOC if not given.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
    out_folder: Annotated[Path | None, typer.Option("--out", help="For result and plot.")] = None,
) -> None:
    """Drive a cell's model with a measured current (discharge positive), beginning full."""
    result = validate_file(file, cell, temperature, capacity_ah, out_folder)
    if as_json_:
        print(validation_as_json(result), end="")  # noqa: T201
    else:
        for line in as_lines(result):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if result.passed else 1)


@plant_app.command("fit", epilog="Example: hil plant fit a123_lfp --name a123 --out a123.toml")
def plant_fit(
    folder: Annotated[
        Path, typer.Argument(help="With dynamic_<T>degC.csv(.gz), ocv_discharge_, ocv_charge_.")
    ],
    name: Annotated[str, typer.Option(help="The cell's name.")],
    out_file: Annotated[Path, typer.Option("--out", help="Cell file to write.")],
    source: Annotated[str, typer.Option(help="What the numbers rest on.")] = "measured",
    nmc: Annotated[bool, typer.Option("--nmc", help="The cell is NMC, not LFP.")] = False,
    hysteresis_share: Annotated[
        float, typer.Option(help="Of the gap between the slow sweeps; the rest is polarisation.")
    ] = 0.5,
    knots: Annotated[str, typer.Option(help="Over SOC: coarse or fine.")] = "coarse",
    leave_out: Annotated[
        list[float] | None, typer.Option("--leave-out", help="A temperature to leave out.")
    ] = None,
) -> None:
    """Write the cell file that follows measurements best."""
    chemistry: Chemistry = "NMC" if nmc else "LFP"
    settings = (name, chemistry, source, hysteresis_share, knots)
    for line in fit_folder(folder, out_file, settings, leave_out or ()):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


# What `hil --help` shows together, in this order.
PANELS = {
    "Qualify": ("qualify", "run", "plan", "nightly", "answer", "explain", "live"),
    "Prove": ("matrix", "mutants", "prove"),
    "Evidence": ("report", "verify", "export", "compare", "history"),
    "Field": ("log", "replay", "bisect", "reproduce"),
    "Bench": ("bench", "hub", "instrument", "twin", "plant", "safety"),
    "Firmware": ("bms", "release", "scenario"),
}


def _arrange() -> None:
    """Put each command under its heading, in the order of the headings."""
    places = {name: panel for panel, names in PANELS.items() for name in names}
    order = list(places)

    def name_of(entry: CommandInfo | TyperInfo) -> str:
        named = entry.name or getattr(getattr(entry, "callback", None), "__name__", "")
        return str(named).replace("_", "-")

    for entries in (app.registered_commands, app.registered_groups):
        for entry in entries:
            entry.rich_help_panel = places[name_of(entry)]
        entries.sort(key=lambda entry: order.index(name_of(entry)))


_arrange()


def main() -> None:
    """Run `hil`. A bad input is one line and exit code 2."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        result = app(arguments, standalone_mode=False)
    except typer.Abort:
        sys.exit(130)
    except USAGE_ERROR as error:
        sys.exit(_complain(error.format_message()))
    except (
        BenchFileError,
        UnknownRelease,
        UnknownItemId,
        UnknownSlot,
        AlreadyThere,
        RecordError,
        BadMutant,
    ) as error:
        sys.exit(_complain(str(error)))
    sys.exit(result if isinstance(result, int) else 0)


def _complain(text: str) -> int:
    print(f"hil: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201
    return BAD_INPUT


if __name__ == "__main__":
    main()
