"""The matrix: every scenario on releases where it must pass and must fail, and on dead devices."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from bms.catalogue import catalogue
from bms.firmware import Version
from rig.cells import Cell, write_cells
from rig.commands.running import run_session, shown, workers
from rig.errors import BenchFileError
from rig.planning import scenarios
from rig.recording import sha256_of
from rig.squares import Key, begin_or_go_on, key_of_cell, read_entries, take_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """One cell with what was measured: True, False, or in words what else happened."""

    item: str
    firmware: str
    mode: str
    claimed: bool
    measured: bool | str
    without: str | None
    unlisted: str | None
    null: str | None
    unmet: str | None
    reason: str
    sim_s: float

    @property
    def agrees(self) -> bool:
        """Whether the measured is what was claimed."""
        return self.measured is self.claimed


def run_matrix(
    cells: Sequence[Cell],
    jobs: int | None,
    kept: Path | None = None,
    cluster: str | None = None,
) -> tuple[list[Square], str]:
    """Run all cells; the squares in the order of the cells, and what pytest said.

    ``kept``: the squares' file, which outlives this; what stands in it and counts is not run again.
    ``cluster``: the address of a scheduler whose workers run them. Raises BenchFileError.
    """
    known = scenarios()
    total = sum(len(known[cell.item].tests) for cell in cells)
    with tempfile.TemporaryDirectory(prefix="hil-matrix-") as folder:
        wanted, found, log = (Path(folder) / name for name in ("cells.json", "out.jsonl", "log"))
        write_cells(wanted, list(cells))
        options = ["--cells", str(wanted)]
        if kept is not None:
            found = kept.resolve()
            begin_or_go_on(found, {cell.item for cell in cells})
            done = Path(folder) / "done.jsonl"
            shutil.copyfile(found, done)
            options += ["--cells-done", str(done)]
        if cluster is not None:
            said = _on_cluster(cluster, cells, found, total)
            return squares_of(cells, read_entries(found)), said
        options += ["--cells-out", str(found), *workers(jobs, total)]
        paths = sorted({known[cell.item].path for cell in cells})
        run_session(options, paths, log, found, total)
        said = log.read_text(encoding="utf-8", errors="replace")
        return squares_of(cells, read_entries(found)), said


def _on_cluster(address: str, cells: Sequence[Cell], found: Path, total: int) -> str:
    from rig.cluster import run_on_cluster  # it is an extra, and wants the time that it takes

    try:
        with shown(found, total) as (look, tell):
            return run_on_cluster(address, cells, found, tell, look)
    except BenchFileError:
        take_back(found)
        raise


def squares_of(cells: Sequence[Cell], entries: Iterable[Mapping[str, Any]]) -> list[Square]:
    """What the tests of each cell found together, in the order of the cells."""
    mine: dict[Key, list[Mapping[str, Any]]] = {}
    for entry in entries:
        mine.setdefault(key_of_cell(entry), []).append(entry)
    return [_square(cell, mine.get(astuple(cell), [])) for cell in cells]


def _square(cell: Cell, mine: Sequence[Mapping[str, Any]]) -> Square:
    """All tests of one cell together: one Unmet is a failure, anything else unusual is told."""
    strange = [entry for entry in mine if isinstance(entry["measured"], str)]
    failed = sorted(
        (entry for entry in mine if entry["measured"] is False), key=lambda e: str(e["unmet"])
    )
    measured: bool | str = not failed
    if strange:
        measured = strange[0]["measured"]
    elif not mine:
        measured = "not run"
    first = (strange or failed or [{}])[0]
    return Square(
        item=cell.item,
        firmware=cell.firmware,
        mode=cell.mode,
        claimed=cell.claimed,
        measured=measured,
        without=cell.without,
        unlisted=cell.unlisted,
        null=cell.null,
        unmet=failed[0]["unmet"] if failed else None,
        reason=first.get("reason", ""),
        sim_s=sum(entry["sim_s"] for entry in mine),
    )


def disagreements(squares: Sequence[Square]) -> list[str]:
    """What is not as claimed, a sentence each.

    On releases, and less its own item, a scenario has to fail by the same claim every time; what
    fails because a later release revoked it, may do so by another.
    """
    found = []
    for square in squares:
        if not square.agrees:
            where = square.firmware
            where += f" less {square.without}" if square.without else ""
            where += f", null device {square.null}" if square.null else ""
            verb = "passed" if square.measured is True else "failed"
            wanted = "pass" if square.claimed else "fail by an unmet claim"
            if isinstance(square.measured, str):
                verb = "did neither"
            found.append(
                f"{square.item} on {where} should {wanted}; it {verb}"
                f"{': ' + square.reason if square.reason else ''}"
            )
    for item in dict.fromkeys(square.item for square in squares):
        keys = {
            square.unmet
            for square in squares
            if square.item == item
            and square.measured is False
            and square.mode in {"edge", "leave-one-out"}
            and not _is_revoked(square)
        }
        if len(keys) > 1:
            found.append(f"{item} fails by different claims: {', '.join(sorted(map(str, keys)))}")
    return found


def _is_revoked(square: Square) -> bool:
    """Whether its release is one on which the row holds no longer, for a later item's sake."""
    row = catalogue()[square.item]
    revoked = row.superseded_by is not None and bool(row.holds_on)
    return revoked and row.holds_on[-1] < Version.parse(square.firmware)


def as_json(squares: Sequence[Square]) -> str:
    """The squares as the page and other programs read them."""
    known = {item: sha256_of(scenario.path) for item, scenario in scenarios().items()}
    # With it a dossier can say that it was this file, and not an older one, that was seen failing.
    cells = [{**asdict(square), "scenario_sha256": known.get(square.item)} for square in squares]
    return json.dumps(cells, indent=1) + "\n"
