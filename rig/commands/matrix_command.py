"""`hil matrix`: what is asked for, and how the squares are shown."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bms.catalogue import item_of
from rig.cells import (
    edge_cells,
    leave_one_out_cells,
    null_cells,
    resolving_cells,
    unlisted_cells,
    without_a_delta,
)
from rig.clock import wall_s
from rig.commands.matrix import Square, as_json, disagreements, run_matrix
from rig.commands.options import Jobs, Only
from rig.errors import BenchFileError

out = Console()


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
    kept: Annotated[
        Path | None, typer.Option("--keep", help="Squares as they come; go on from what counts.")
    ] = None,
    jobs: Jobs = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="On the workers of a dask scheduler (tcp://host:8786), in checkouts like this.",
        ),
    ] = None,
) -> None:
    """Prove that each scenario fails where it must, and passes where it must."""
    cells = edge_cells(every_release=every_release) if edges or every_release else []
    cells += leave_one_out_cells() if leave_one_out else []
    cells += null_cells() if null else []
    cells += resolving_cells() + unlisted_cells() if resolving else []
    cells = cells or edge_cells()
    if cluster is not None and jobs is not None:
        raise BenchFileError("--jobs: not with --cluster; allowed: as many as its workers have")
    for path in (out_file, kept):
        if path is not None:
            _check_writable(path)
    if only:
        wanted = {item_of(text).id for text in only}
        cells = [cell for cell in cells if cell.item in wanted]
    began_s = wall_s()
    squares, said = run_matrix(cells, jobs, kept, cluster)
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
        raise BenchFileError(f"{path}: allowed: a file that can be written")


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
