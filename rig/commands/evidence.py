"""`hil report`, `hil verify`, `hil export`: the dossier of a run, its check, and its bundle."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import can
import typer
from rich.console import Console

from reports.allure import write_allure
from reports.comparison import keep_for_comparison
from reports.dossier import MATRIX, Dossier, Release, dossier_of
from reports.junit import write_junit
from reports.lab import LAB, read_lab
from reports.page import write_page
from reports.pdf import write_pdf
from reports.staircase import read_cells
from rig.commands.running import run_session, workers
from rig.errors import BenchFileError
from rig.planning import scenarios
from rig.recording import (
    Attempt,
    Plan,
    RunRecord,
    Verification,
    attempts_by_item,
    is_bundle,
    sha256_of,
    unpack_bundle,
    verify_record,
    write_bundle,
)

out = Console()

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
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Make the qualification dossier of a run: report.html and report.pdf; Allure and JUnit again.

    What is given by options is kept beside the record, so that the same dossier can be made again
    without them. Exit code 1 where the dossier is INVALID.
    """
    plan = RunRecord(folder).plan()
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
    _tell_dossier(dossier, paths, as_json=as_json)
    raise typer.Exit(1 if dossier.release is Release.INVALID else 0)


def _keep(given: Path, kept: Path) -> None:
    if given.resolve() != kept.resolve():
        shutil.copyfile(given, kept)


def _tell_dossier(dossier: Dossier, paths: list[Path], *, as_json: bool) -> None:
    if as_json:
        told = {
            "release": dossier.release,
            "reasons": dossier.reasons,
            "cautions": dossier.cautions,
            "manifest_sha256": dossier.manifest.sha256,
            "files": [str(path) for path in paths],
        }
        print(json.dumps(told))  # noqa: T201
        return
    _say([f"{dossier.release}: {dossier.reasons[0]}", *dossier.reasons[1:], *map(str, paths)])


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
        result = verify_record(folder, manifest)
        result = replace(result, problems=tuple(dict.fromkeys([*found, *result.problems])))
        if rerun and result.sound:
            again, compared = _rerun(folder, Path(scratch) / "again", jobs)
            remark = f"{compared} attempts were run again, {len(again)} with another outcome"
            result = replace(result, problems=again, remarks=(*result.remarks, remark))
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


def _rerun(folder: Path, again: Path, jobs: int | None) -> tuple[tuple[str, ...], int]:
    """Run what ran on a simulated bench once more; what came out otherwise, and how many ran."""
    record = RunRecord(folder)
    plan = record.plan()
    facts = plan.run.bench_facts
    if facts is not None and facts.kind != "simulated":
        return (f"--rerun: bench {plan.run.bench} is {facts.kind}; only sim runs again",), 0
    attempts = attempts_by_item(plan, record.entries())
    ran = [row for row in plan.rows if attempts[row.id]]
    known, problems = scenarios(), []
    for row in ran:
        if row.id not in known or sha256_of(known[row.id].path) != row.scenario_sha256:
            problems.append(f"{row.id}: its scenario is not the one that ran; it cannot run again")
    changed = {problem.partition(":")[0] for problem in problems}
    wanted = [row for row in ran if row.id not in changed]
    if not wanted:
        return tuple(problems), 0
    options = ["--firmware", plan.run.firmware, "--bench", plan.run.bench]
    options += ["--seed", str(plan.run.seed), "--out", str(again)]
    # The same device either way where every row ran on the release itself, held or not.
    options += ["--exact"] if all(row.firmware == plan.run.firmware for row in wanted) else []
    total = sum(len(row.tests) for row in wanted)
    paths = [known[row.id].path for row in wanted]
    log, journal = again.with_suffix(".log"), again / "journal.jsonl"
    run_session([*options, *workers(jobs, total)], paths, log, journal, total)
    if not (again / "plan.json").is_file():
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise BenchFileError(f"--rerun: nothing was started: {said[-1] if said else 'no word'}")
    second = attempts_by_item(RunRecord(again).plan(), RunRecord(again).entries())
    problems += [
        said for row in wanted for said in _differences(attempts[row.id], second.get(row.id, ()))
    ]
    return tuple(problems), sum(len(attempts[row.id]) for row in wanted)


def _differences(first: Iterable[Attempt], second: Iterable[Attempt]) -> Iterator[str]:
    """What an attempt did otherwise when it ran again."""
    ends = {each.start.test: each.end for each in second}
    for each in first:
        end = ends.get(each.start.test)
        if each.end is None:
            continue
        if end is None:
            yield f"{each.end.attempt}: did not run again"
        elif end.verdict is not each.end.verdict:
            yield f"{each.end.attempt}: {each.end.verdict} in the record, {end.verdict} again"
        elif end.digest != each.end.digest:
            digests = f"{_short(each.end.digest)} in the record, {_short(end.digest)} again"
            yield f"{each.end.attempt}: another event record: {digests}"


def _short(digest: str | None) -> str:
    return (digest or "none")[:12]


def export(
    folder: RunFolder,
    bundle: Annotated[
        Path | None, typer.Option(help="ZIP file to write, with all that belongs to the run.")
    ] = None,
    asc: Annotated[
        Path | None, typer.Option(help="Folder to write: the frames as ASC, a file an attempt.")
    ] = None,
) -> None:
    """Give a run away: whole, as one file that `hil verify` checks; or its frames as ASC.

    A record that is not sound is bundled as it is, said to be so, and gives exit code 1.
    """
    plan = RunRecord(folder).plan()
    if bundle is None and asc is None:
        raise BenchFileError("export: nothing was asked for; allowed: --bundle FILE, --asc FOLDER")
    if bundle is not None:
        if bundle.suffix != ".zip" or bundle.exists():
            raise BenchFileError(f"--bundle {bundle}: allowed: a new file whose name ends in .zip")
        try:
            index = write_bundle(folder, plan.run.id, bundle)
        except OSError as error:
            raise BenchFileError(f"--bundle {bundle}: {error.strerror}; allowed: a file") from None
        _say([f"{bundle}: {len(index.files)} files, {bundle.stat().st_size} bytes"])
    if asc is not None:
        _say([f"{asc}: {_export_asc(folder, plan, asc)} files"])
    problems = verify_record(folder).problems if bundle is not None else ()
    _say(f"not sound: {problem}" for problem in problems)
    raise typer.Exit(1 if problems else 0)


def _export_asc(folder: Path, plan: Plan, target: Path) -> int:
    """Every frames.blf of a run as an ASC file at the same place below `target`."""
    written = 0
    for row in plan.rows:
        for blf in sorted((folder / "attempts" / row.id).rglob("frames.blf")):
            path = (target / blf.relative_to(folder / "attempts")).with_suffix(".asc")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with can.BLFReader(blf) as reader, can.ASCWriter(path) as writer:
                    for frame in reader:
                        writer.on_message_received(frame)
            except OSError as error:
                raise BenchFileError(f"--asc {path}: {error.strerror}; allowed: a folder") from None
            written += 1
    return written


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
