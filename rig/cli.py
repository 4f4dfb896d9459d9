"""The `hil` command. It parses and prints; what it does stands in `rig.commands` and `reports`."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bms.catalogue import UnknownItemId, catalogue, item_of, judged_on
from bms.firmware import UnknownRelease
from bms.releases import NEWEST, release_of
from rig.benches.file import known_benches, load_bench
from rig.cells import (
    edge_cells,
    leave_one_out_cells,
    null_cells,
    resolving_cells,
    unlisted_cells,
    without_a_delta,
)
from rig.clock import utc_now, wall_s
from rig.commands.evidence import export, render_views, report, verify
from rig.commands.faults import bench_faults
from rig.commands.history import UnknownSlot, diff, explain, history
from rig.commands.hub import hub
from rig.commands.instruments import instrument_app, twin_app
from rig.commands.matrix import Square, as_json, disagreements, run_matrix
from rig.commands.mutants import BadMutant, mutants
from rig.commands.plant import as_json as validation_as_json
from rig.commands.plant import as_lines, fit_folder, validate_file
from rig.commands.running import run_in_view, run_session, workers
from rig.commands.skeleton import AlreadyThere, new_scenario
from rig.errors import BenchFileError
from rig.planning import ROOT, Scenario, scenarios
from rig.plant.cell import Chemistry
from rig.recording import (
    RecordError,
    RunRecord,
    RunVerdicts,
    Verdict,
    exit_code,
    write_manifest,
)
from rig.short import selection, write_short

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
bench_app = typer.Typer(no_args_is_help=True, help="Benches.")
app.command(epilog="Example: hil report runs/monday --proof matrix.json --lab lab.toml")(report)
app.command(epilog="Example: hil verify monday.zip --manifest 3f5c...e1")(verify)
app.command(epilog="Example: hil export runs/monday --bundle monday.zip")(export)
app.add_typer(bms_app, name="bms")
app.add_typer(scenario_app, name="scenario")
app.add_typer(bench_app, name="bench")
plant_app = typer.Typer(no_args_is_help=True, help="The plant's cells against measurements.")
app.add_typer(plant_app, name="plant")
app.add_typer(twin_app, name="twin")
app.add_typer(instrument_app, name="instrument")
app.command(epilog="Example: hil hub ve_can:250000 private:250000 --read-only strangers")(hub)
app.command(epilog="Example: hil mutants --of rooms/contactor")(mutants)
out = Console()

Firmware = Annotated[str, typer.Option(help="Release under test: 1.38, v1.38 or v01.38.")]
BenchName = Annotated[str, typer.Option("--bench", help="Name of a bench, or its .toml file.")]
Seed = Annotated[int, typer.Option(help="Seed of all chance.", min=0)]
Only = Annotated[list[str] | None, typer.Option("--only", help="These ids only; repeatable.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")]


@app.command(epilog="Example: hil qualify --firmware 1.38 --out runs/monday")
def qualify(
    firmware: Firmware = str(NEWEST),
    bench: BenchName = "sim",
    seed: Seed = 1,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run record; default runs/<time>.")
    ] = None,
    jobs: Jobs = None,
    strict: Annotated[bool, typer.Option(help="NOT RUN rows make the exit code 1.")] = False,
    only: Only = None,
    limit_s: Annotated[
        float | None,
        typer.Option(help="Wire bench: rows of less simulated time only; 20.", min=0.001),
    ] = None,
    durations: Annotated[
        Path | None,
        typer.Option(help="Wire bench: the simulated run, or folder of runs, that knows it; runs."),
    ] = None,
) -> None:
    """Qualify a release against the change log, and make the report."""
    release, bench = release_of(firmware), _bench_from_anywhere(bench)
    loaded, known = load_bench(bench), _selected(only)
    short = selection(loaded, str(release), limit_s, durations)
    stamp = utc_now().replace(":", "").replace("-", "")
    named = f"{stamp}-{loaded.name}-{release}-{os.getpid()}"  # two may begin in one second
    folder = (out_folder or ROOT / "runs" / named).resolve()
    _make_new_folder(folder)
    began_s = wall_s()
    out.print(
        f"Qualifying firmware {release} on bench {loaded.name}: {len(catalogue())} statements, "
        f"{len(known)} with a scenario{' selected' if only else ''}."
    )
    total = sum(len(scenario.tests) for scenario in known.values())
    options = ["--firmware", str(release), "--bench", bench, "--seed", str(seed)]
    options += ["--out", str(folder), *workers(jobs, total)]
    if short is not None:
        write_short(folder / "short.json", *short)
        options += ["--short", str(folder / "short.json")]
    log = folder / "pytest.log"
    paths = [scenario.path for scenario in known.values()]
    ended = run_session(options, paths, log, folder / "journal.jsonl", total)
    if not (folder / "plan.json").is_file():
        raise BenchFileError(f"no scenario was started; {log} says why")
    record = RunRecord(folder)
    verdicts = record.finish(utc_now())
    _print_verdicts(verdicts)
    write_manifest(folder, verdicts.run.id)
    page = render_views(folder)
    out.print(f"{wall_s() - began_s:.1f} s. Record: {folder}\nReport: {page}", soft_wrap=True)
    code = exit_code([item.verdict for item in verdicts.items], strict=strict)
    # A session that was cut off leaves rows NOT RUN, which alone would look like success.
    raise typer.Exit(code or min(ended, 1))


def _selected(only: list[str] | None) -> Mapping[str, Scenario]:
    """The scenarios of these ids, or all. Raises UnknownItemId, or BenchFileError for none."""
    known = scenarios()
    if not only:
        return known
    wanted = {item_of(text).id for text in only}
    chosen = {id_: scenario for id_, scenario in known.items() if id_ in wanted}
    if not chosen:
        raise BenchFileError(f"--only {' '.join(only)}: no scenario yet; allowed: ids with one")
    return chosen


def _bench_from_anywhere(bench: str) -> str:
    """A bench's name, or its file's whole path: the session of pytest works in another folder."""
    return str(Path(bench).resolve()) if Path(bench).suffix == ".toml" else bench


def _make_new_folder(folder: Path) -> None:
    """Make the folder of a run record. Raises BenchFileError if it cannot be, or holds anything."""
    allowed = "allowed: a new or empty folder that can be written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "plan.json").exists():
            raise BenchFileError(f"--out {folder}: holds a run already; {allowed}")
        if any(folder.iterdir()):
            raise BenchFileError(f"--out {folder}: is not empty; {allowed}")
    except OSError as error:
        raise BenchFileError(f"--out {folder}: {error.strerror}; {allowed}") from error
    if not os.access(folder, os.W_OK):
        raise BenchFileError(f"--out {folder}: is read-only; {allowed}")


def _print_verdicts(verdicts: RunVerdicts) -> None:
    """Failures first, then how many of each."""
    counts: dict[str, int] = {}
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for title in ("row", "verdict", "on", "reason"):
        table.add_column(title)
    for item in verdicts.items:
        # Which tests were not started stands on the page.
        kind = item.reason.split(":")[0]
        reason = f": {kind}" if item.verdict is Verdict.NOT_RUN else ""
        name = f"{item.verdict}{reason}"
        counts[name] = counts.get(name, 0) + 1
        if item.verdict not in {Verdict.PASS, Verdict.NOT_RUN}:
            table.add_row(item.id, str(item.verdict), item.firmware or "", escape(item.reason))
    if table.row_count:
        out.print(table)
    for name in sorted(counts, key=lambda n: (n != "PASS", n)):
        out.print(f"{counts[name]:4}  {name}", markup=False, highlight=False)


@app.command(epilog="Example: hil run v1.08-04 --firmware 1.07 --trace")
def run(
    item: Annotated[str, typer.Argument(help="Id of the row, such as v1.08-04.")],
    firmware: Annotated[
        str | None,
        typer.Option(help="Release under test; default: the one that the row is judged on."),
    ] = None,
    bench: BenchName = "sim",
    seed: Seed = 1,
    trace: Annotated[bool, typer.Option(help="Show the last frames around a failure.")] = False,
    pdb: Annotated[bool, typer.Option(help="Stop in the debugger at a failure.")] = False,
) -> None:
    """Run one scenario on one release, as it is, whether or not its claim holds there."""
    row = item_of(item)
    if firmware is None:
        judging = judged_on(row, release_of(str(NEWEST))).firmware
        firmware = str(NEWEST if judging is None else judging)
    release, bench = release_of(firmware), _bench_from_anywhere(bench)
    load_bench(bench)
    scenario = scenarios().get(row.id)
    if scenario is None:
        known = ", ".join(scenarios())
        raise UnknownItemId(f"{row.id} has no scenario yet; these have one: {known}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--exact"]
    command += ["--firmware", str(release), "--bench", bench, "--seed", str(seed), "--tb=short"]
    command += [*(["--frames"] if trace else []), *(["--pdb"] if pdb else []), str(scenario.path)]
    raise typer.Exit(run_in_view(command))


@app.command(epilog="Example: hil matrix --edges --leave-one-out --null --out matrix.json")
def matrix(
    edges: Annotated[bool, typer.Option("--edges", help="Both sides of each edge.")] = False,
    every_release: Annotated[bool, typer.Option("--every-release", help="All releases.")] = False,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Less its own item, and less each neighbour.")
    ] = False,
    null: Annotated[bool, typer.Option("--null", help="On devices that do nothing.")] = False,
    resolving: Annotated[
        bool, typer.Option("--resolving", help="Which other changes silent rows' stimuli see.")
    ] = False,
    only: Only = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="JSON file to write.")] = None,
    jobs: Jobs = None,
) -> None:
    """Prove that each scenario fails where it must, and passes where it must."""
    cells = edge_cells(every_release=every_release) if edges or every_release else []
    cells += leave_one_out_cells() if leave_one_out else []
    cells += null_cells() if null else []
    cells += resolving_cells() + unlisted_cells() if resolving else []
    cells = cells or edge_cells()
    if out_file is not None:
        _check_writable(out_file)
    if only:
        wanted = {item_of(text).id for text in only}
        cells = [cell for cell in cells if cell.item in wanted]
    began_s = wall_s()
    squares, said = run_matrix(cells, jobs)
    _print_staircase(squares)
    _print_resolving_power(squares)
    wrong = disagreements([s for s in squares if s.mode not in {"resolving", "unlisted"}])
    if any(square.measured == "not run" for square in squares):
        out.print(said[-3000:], markup=False, highlight=False)
    for sentence in wrong:
        out.print(f"disagrees: {sentence}", markup=False, highlight=False, soft_wrap=True)
    if leave_one_out:
        for item, proof in without_a_delta().items():
            out.print(f"{item} has no delta: {proof}", soft_wrap=True)
    if out_file is not None:
        out_file.write_text(as_json(squares), encoding="utf-8")
    out.print(
        f"{len(squares)} cells, {len(wrong)} disagreements, {sum(s.sim_s for s in squares):.0f} s "
        f"of bench time in {wall_s() - began_s:.1f} s"
    )
    raise typer.Exit(1 if wrong else 0)


def _check_writable(path: Path) -> None:
    """Raises BenchFileError, before hours of work, for a file that could not be written."""
    place = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(place, os.W_OK):
        raise BenchFileError(f"--out {path}: allowed: a file that can be written")


def _print_resolving_power(squares: list[Square]) -> None:
    """How many changes the stimuli of silent rows tell apart, and which they miss.

    By one row for all, since their stimuli are the same; then what each sees of its own release.
    """
    for mode, what in (
        ("resolving", "the stimuli of all silent rows tell {} of {} changes apart ({:.0f} %)"),
        ("unlisted", "of the rows of its release it would see {} of {} unlisted ({:.0f} %)"),
    ):
        for item in dict.fromkeys(s.item for s in squares if s.mode == mode):
            tried = [s for s in squares if s.item == item and s.mode == mode]
            missed = [s for s in tried if s.measured is not False]
            seen = len(tried) - len(missed)
            out.print(f"{item}: " + what.format(seen, len(tried), 100 * seen / len(tried)))
            for square in missed:
                text = f"  missed: {square.without or square.unlisted}  {square.reason}"
                out.print(text, markup=False, soft_wrap=True)


def _sign(square: Square) -> str:
    if not isinstance(square.measured, bool):
        return "!"
    if square.measured:
        return "+" if square.claimed else "P"
    return "F" if square.claimed else "."


def _print_staircase(squares: list[Square]) -> None:
    """Rows against releases: what each scenario did, and how often the other proofs agree."""
    releases = sorted({s.firmware for s in squares if s.mode == "edge"})
    minors = [release.split(".")[1] for release in releases]
    gap, tail = " " * 11, "   own  others  null"
    lines = [gap + "".join(f" {minor[0]}" for minor in minors)]
    lines.append(gap + "".join(f" {minor[1]}" for minor in minors) + tail)
    for item in dict.fromkeys(square.item for square in squares):
        mine = [square for square in squares if square.item == item]
        at = {s.firmware: s for s in mine if s.mode == "edge"}
        left_out = [s for s in mine if s.mode == "leave-one-out"]
        shares = [
            _share([s for s in left_out if not s.claimed]),
            _share([s for s in left_out if s.claimed]),
            _share([s for s in mine if s.mode == "null"]),
        ]
        marks = "".join(f" {_sign(at[r]) if r in at else ' '}" for r in releases)
        lines.append(f"{item:11}{marks}  {shares[0]:>4}  {shares[1]:>6}  {shares[2]:>4}".rstrip())
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    out.print("+ passes, . fails by a claim, as it should; P, F, ! not as claimed", style="dim")


def _share(squares: list[Square]) -> str:
    return f"{sum(square.agrees for square in squares)}/{len(squares)}" if squares else ""


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


bench_app.command("faults", epilog="Example: hil bench faults --json")(bench_faults)


@bench_app.command("list", epilog="Example: hil bench list")
def bench_list() -> None:
    """The benches that come with the project."""
    for name in known_benches():
        bench = load_bench(name)
        line = f"{name:12} {bench.kind:12} {bench.description}"
        out.print(line, highlight=False, soft_wrap=True)


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
