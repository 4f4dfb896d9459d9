"""`hil qualify` and `hil run`: scenarios on a release, for a record or to look at."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bms.catalogue import UnknownItemId, catalogue, item_of, judged_on
from bms.releases import NEWEST, release_of
from rig.benches.file import load_bench
from rig.benches.lab.asking import expect_release
from rig.benches.lab.held import held
from rig.clock import utc_now, wall_s
from rig.commands.asking import ORDER, asking, plan_first
from rig.commands.evidence import render_views
from rig.commands.fitness import keep_self_test
from rig.commands.options import BenchName, Firmware, Jobs, Only, Seed
from rig.commands.running import run_in_view, run_session, workers
from rig.commands.since import Since, not_again, since_options
from rig.commands.telling import print_verdicts
from rig.errors import BenchFileError
from rig.planning import ROOT, Scenario, scenarios, under_test
from rig.recording import RunRecord, exit_code, write_manifest
from rig.scheduling.planner import PlanAsked
from rig.short import selection, write_short

UNFIT = 3
out = Console()


def qualify(
    ctx: typer.Context,
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
    since: Since = None,
) -> None:
    """Qualify a release against the change log, and make the report."""
    bench = _bench_from_anywhere(bench)
    loaded = load_bench(bench)
    ctx.with_resource(held(loaded))
    device = under_test(firmware, is_read=loaded.kind == "lab")
    release = device.firmware
    expect_release(loaded, str(release))
    carried, known = not_again(since, _selected(only), loaded, str(release), seed)
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
    options += ["--out", str(folder), *workers(1 if loaded.kind == "lab" else jobs, total)]
    options += since_options(carried, folder)
    asked = PlanAsked(file=loaded, firmware=str(release), rows=known, runs=ROOT / "runs")
    options += plan_first(asked, say, folder / ORDER)
    if short is not None:
        write_short(folder / "short.json", *short)
        options += ["--short", str(folder / "short.json")]
    log = folder / "pytest.log"
    paths = [scenario.path for scenario in known.values()]
    record = RunRecord(folder)
    if not keep_self_test(record, "before", loaded, str(release)):
        raise typer.Exit(UNFIT)
    with asking(loaded, folder) as (ask, prompt):
        journal = folder / "journal.jsonl"
        ended = run_session([*options, *ask], paths, log, journal, total, prompt=prompt)
    if not (folder / "plan.json").is_file():
        raise BenchFileError(f"no scenario was started; {log} says why")
    fit = keep_self_test(record, "after", loaded, str(release))
    verdicts = record.finish(utc_now())
    print_verdicts(verdicts, out)
    write_manifest(folder, verdicts.run.id)
    page = render_views(folder)
    out.print(f"{wall_s() - began_s:.1f} s. Record: {folder}\nReport: {page}", soft_wrap=True)
    code = exit_code([item.verdict for item in verdicts.items], strict=strict)
    code = code if fit else UNFIT
    # A session that was cut off leaves rows NOT RUN, which alone would look like success.
    raise typer.Exit(code or min(ended, 1))


def say(text: str) -> None:
    """A line as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


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
    bench = _bench_from_anywhere(bench)
    loaded = load_bench(bench)
    release = under_test(firmware, is_read=loaded.kind == "lab").firmware
    expect_release(loaded, str(release))
    scenario = scenarios().get(row.id)
    if scenario is None:
        known = ", ".join(scenarios())
        raise UnknownItemId(f"{row.id} has no scenario yet; these have one: {known}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--exact"]
    command += ["--firmware", str(release), "--bench", bench, "--seed", str(seed), "--tb=short"]
    command += [*(["--frames"] if trace else []), *(["--pdb"] if pdb else []), str(scenario.path)]
    if pdb or loaded.kind != "lab":  # the debugger has the terminal; only a lab asks
        raise typer.Exit(run_in_view(command))
    with asking(loaded) as (ask, prompt):
        raise typer.Exit(run_in_view([*command, *ask], prompt))
