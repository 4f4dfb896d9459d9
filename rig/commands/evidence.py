"""`hil report`, `hil verify`, `hil export`: the dossier of a run, its check, and its bundle."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reports.allure import write_allure
from reports.allure_page import write_allure_page
from reports.comparison import keep_for_comparison
from reports.dossier import MATRIX, Dossier, Release, dossier_of
from reports.junit import write_junit
from reports.lab import LAB, read_lab
from reports.page import write_page
from reports.pdf import write_pdf
from reports.staircase import read_cells
from rig.commands.exporting import export_attempts
from rig.commands.rerunning import run_again
from rig.errors import BenchFileError
from rig.recording import (
    RunRecord,
    Verification,
    is_bundle,
    unpack_bundle,
    verify_record,
    write_bundle,
)

out = Console()

OF_A_RECORD = ("plan.json", "journal.jsonl", "manifest.json")
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run record.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")]


def render_views(folder: Path) -> Path:
    """The views that a run gets by itself: page, Allure results, JUnit; the page's path."""
    page = write_page(dossier_of(folder))
    _render_others(folder)
    return page


def _render_others(folder: Path) -> None:
    write_allure(folder, folder / "allure-results")
    write_junit(folder, folder / "junit.xml")


def report(
    folder: RunFolder,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", "--matrix", help="Squares that `hil matrix --out` wrote."),
    ] = None,
    lab: Annotated[
        Path | None, typer.Option(help="TOML file: who signs, and which deviations are accepted.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run to compare with.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Make report.pdf, too.")] = True,
    allure: Annotated[
        bool, typer.Option("--allure", help="Make allure.html, too: Allure 3, by Node.")
    ] = False,
    allure_history: Annotated[
        Path | None, typer.Option(help="With --allure: file of earlier runs, for its trends.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Make the qualification dossier of a run: report.html and report.pdf; Allure and JUnit again.

    What is given by options is kept beside the record, so that the same dossier can be made again
    without them. Exit code 1 where the dossier is INVALID.
    """
    plan = RunRecord(folder).plan()
    if allure_history is not None and not (allure and allure_history.parent.is_dir()):
        allowed = "with --allure, a file in a folder that is there"
        raise BenchFileError(f"--allure-history {allure_history}: allowed: {allowed}")
    if proof is not None:
        if not proof.is_file():
            raise BenchFileError(f"--proof {proof}: no such file; allowed: a JSON file")
        read_cells(proof)  # a file that is no matrix must not come into the record
        _keep(proof, folder / MATRIX)
    if lab is not None:
        read_lab(lab, [row.id for row in plan.rows])
        _keep(lab, folder / LAB)
    if against is not None:
        keep_for_comparison(against, folder)
    dossier = dossier_of(folder)
    paths = [write_page(dossier), *([write_pdf(dossier)] if pdf else [])]
    _render_others(folder)
    if allure:
        paths.append(write_allure_page(folder, dossier.headline, allure_history, aside))
    _tell_dossier(dossier, paths, as_json=as_json)
    raise typer.Exit(1 if dossier.release is Release.INVALID else 0)


def _keep(given: Path, kept: Path) -> None:
    if given.resolve() != kept.resolve():
        shutil.copyfile(given, kept)


def _tell_dossier(dossier: Dossier, paths: list[Path], *, as_json: bool) -> None:
    if as_json:
        told = {
            "release": dossier.release,
            "headline": dossier.headline,
            "reasons": dossier.reasons,
            "cautions": dossier.cautions,
            "manifest_sha256": dossier.manifest.sha256,
            "files": [str(path) for path in paths],
        }
        print(json.dumps(told))  # noqa: T201
        return
    _say([f"{dossier.headline}: {dossier.reasons[0]}", *dossier.reasons[1:], *map(str, paths)])


def verify(
    record: Annotated[Path, typer.Argument(help="Folder of a run record, or a bundle.")],
    manifest: Annotated[
        str | None,
        typer.Option(help="SHA-256 of the manifest, 64 digits, as a signed dossier states it."),
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run every simulated attempt again; compare digests.")
    ] = False,
    jobs: Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Check a record: hashes, completeness, verdicts worked out again. Exit code 1 if it fails."""
    if manifest is not None and not re.fullmatch(r"[0-9a-f]{64}", manifest):
        raise BenchFileError(
            f"--manifest {manifest}: allowed: 64 hexadecimal digits, small letters"
        )
    if not record.exists():
        raise BenchFileError(f"{record}: no such file or folder; allowed: a run, or a bundle")
    with tempfile.TemporaryDirectory(prefix="hil-verify-") as scratch:
        folder, found = record, []
        if is_bundle(record):
            folder = Path(scratch) / "bundle"
            folder.mkdir()
            found = unpack_bundle(record, folder)
        if not any((folder / name).is_file() for name in OF_A_RECORD):
            allowed = f"a folder with {', '.join(OF_A_RECORD)}, or a bundle of `hil export`"
            raise BenchFileError(f"{record}: no run record; allowed: {allowed}")
        result = verify_record(folder, manifest)
        result = replace(result, problems=tuple(dict.fromkeys([*found, *result.problems])))
        if rerun and result.sound:
            again = run_again(folder, jobs)
            told = (*result.remarks, *again.remarks)
            result = replace(result, problems=again.problems, remarks=told)
        elif rerun:
            result = replace(result, remarks=(*result.remarks, "not run again: it is not sound"))
    if result.manifest_sha256 is None:
        # Whoever edits journal and verdicts alike would only have to take the manifest away.
        said = "manifest.json: missing or unreadable: nothing vouches for this record"
        result = replace(result, problems=(*result.problems, said))
    _tell_verification(record, result, as_json=as_json)
    raise typer.Exit(0 if result.sound else 1)


def _tell_verification(record: Path, found: Verification, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"sound": found.sound, **asdict(found)}))  # noqa: T201
        return
    _say(found.problems)
    _say(found.remarks)
    _say(
        [
            f"{found.run}: {found.files} files; {found.tests_planned} tests planned = "
            f"{found.tests_run} run + {found.tests_not_started} not started; {found.rows} rows = "
            f"{found.rows - found.rows_not_run} with a verdict + {found.rows_not_run} not run",
            f"manifest {found.manifest_sha256 or 'none'}",
            f"{record}: sound" if found.sound else f"{record}: {len(found.problems)} problems",
        ]
    )


def export(
    folder: RunFolder,
    bundle: Annotated[
        Path | None, typer.Option(help="ZIP file to write, with all that belongs to the run.")
    ] = None,
    mf4: Annotated[
        Path | None, typer.Option(help="Folder to write: signals and events as MDF 4.10.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Folder to write: signals and events as tables.")
    ] = None,
    asc: Annotated[Path | None, typer.Option(help="Folder to write: the frames as ASC.")] = None,
) -> None:
    """Give a run away: whole, as one file that `hil verify` checks; or a file an attempt.

    A record that is not sound is bundled as it is, said to be so, and gives exit code 1.
    """
    plan = RunRecord(folder).plan()
    folders = {"--mf4": mf4, "--parquet": parquet, "--asc": asc}
    if bundle is None and not any(folders.values()):
        allowed = "--bundle FILE, --mf4 FOLDER, --parquet FOLDER, --asc FOLDER"
        raise BenchFileError(f"export: nothing was asked for; allowed: {allowed}")
    if bundle is not None:
        if bundle.suffix != ".zip" or bundle.exists():
            raise BenchFileError(f"--bundle {bundle}: allowed: a new file whose name ends in .zip")
        try:
            index = write_bundle(folder, plan.run.id, bundle)
        except OSError as error:
            raise BenchFileError(f"--bundle {bundle}: {error.strerror}; allowed: a file") from None
        _say([f"{bundle}: {len(index.files)} files, {bundle.stat().st_size} bytes"])
    for option, target in folders.items():
        if target is not None:
            done = export_attempts(folder, target, option)
            _say([f"{target}: {done.files} files", *done.remarks])
    problems = verify_record(folder).problems if bundle is not None else ()
    _say(f"not sound: {problem}" for problem in problems)
    raise typer.Exit(1 if problems else 0)


def aside(text: str) -> None:
    """A remark on the way, where it does not disturb what a machine reads."""
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
