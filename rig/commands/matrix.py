"""The matrix: every scenario on releases where it must pass and must fail, and on dead devices."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from rig.cells import Cell, write_cells
from rig.commands.running import run_session, workers
from rig.planning import scenarios
from rig.recording import sha256_of


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


def run_matrix(cells: Sequence[Cell], jobs: int | None) -> tuple[list[Square], str]:
    """Run all cells; the squares in the order of the cells, and what pytest said."""
    known = scenarios()
    total = sum(len(known[cell.item].tests) for cell in cells)
    with tempfile.TemporaryDirectory(prefix="hil-matrix-") as folder:
        wanted, found, log = (Path(folder) / name for name in ("cells.json", "out.jsonl", "log"))
        write_cells(wanted, list(cells))
        options = ["--cells", str(wanted), "--cells-out", str(found), *workers(jobs, total)]
        paths = sorted({known[cell.item].path for cell in cells})
        run_session(options, paths, log, found, total)
        lines = found.read_text(encoding="utf-8").splitlines() if found.is_file() else []
        said = log.read_text(encoding="utf-8", errors="replace")
    names = [field.name for field in fields(Cell)]
    entries: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for entry in map(json.loads, lines):
        entries.setdefault(tuple(entry[name] for name in names), []).append(entry)
    return [_square(cell, entries.get(astuple(cell), [])) for cell in cells], said


def _square(cell: Cell, mine: Sequence[dict[str, Any]]) -> Square:
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

    On releases, and less its own item, a scenario has to fail by the same claim every time.
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
        }
        if len(keys) > 1:
            found.append(f"{item} fails by different claims: {', '.join(sorted(map(str, keys)))}")
    return found


def as_json(squares: Sequence[Square]) -> str:
    """The squares as the page and other programs read them."""
    known = {item: sha256_of(scenario.path) for item, scenario in scenarios().items()}
    # With it a dossier can say that it was this file, and not an older one, that was seen failing.
    cells = [{**asdict(square), "scenario_sha256": known.get(square.item)} for square in squares]
    return json.dumps(cells, indent=1) + "\n"
