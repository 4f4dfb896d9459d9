"""For every row the cell of the matrix that shows its scenario failing, or that none does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reports.staircase import Measured, read_cells
from rig.recording import PlanRow


class Standing(StrEnum):
    """How well a row's scenario is known to be able to fail."""

    SHOWN = "shown able to fail"
    ANOTHER_FILE = "shown able to fail by another version of the scenario"
    NOT_SHOWN = "not shown able to fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The cell that a row quotes; `device` and `said` are empty where there is none."""

    standing: Standing
    device: str = ""
    said: str = ""


_NONE = Proof(standing=Standing.NOT_SHOWN)
# The more a cell has in common with the device under test, the better it shows.
_BEST = ("edge", "leave-one-out", "null")


def proofs_of(path: Path, rows: Sequence[PlanRow]) -> dict[str, Proof]:
    """The proof of every row; without a matrix file none is shown able to fail."""
    cells = read_cells(path) if path.is_file() else []
    by_item: dict[str, list[Measured]] = {row.id: [] for row in rows}
    for cell in cells:
        if cell.item in by_item and cell.measured is False and not cell.claimed and cell.is_drawn:
            by_item[cell.item].append(cell)
    return {row.id: _proof(row, by_item[row.id]) for row in rows}


def _proof(row: PlanRow, failing: Iterable[Measured]) -> Proof:
    # The last one of a kind: of the releases, the one next to where the claim begins to hold.
    cells = sorted(failing, key=lambda cell: -_BEST.index(cell.mode))
    if row.scenario is None or not cells:
        return _NONE
    cell = cells[-1]
    same = cell.scenario_sha256 == row.scenario_sha256
    return Proof(
        standing=Standing.SHOWN if same else Standing.ANOTHER_FILE,
        device=cell.device,
        said=cell.reason or cell.unmet or "",
    )
