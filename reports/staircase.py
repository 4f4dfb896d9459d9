"""The staircase: for every row and release, what is claimed beside what was measured.

A row that holds from a release on must be seen to fail before it; read down the change log, the
claims make a staircase. A cell where claim and measurement differ is a defect of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rig.recording import RecordError
from rig.recording.fields import Fields, read_json

MODES = ("edge", "leave-one-out", "null", "resolving", "unlisted")
# What a picture of rows by releases has a place for; the others are counted.
DRAWN = ("edge", "leave-one-out", "null")


class Cell(StrEnum):
    """What a cell shows; the value is its style."""

    HOLDS = "holds"
    FAILS = "fails"
    DIFFERS = "differs"
    OTHER = "other"
    BLANK = "blank"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCell:
    """A cell and the sentence that a reader gets on asking."""

    cell: Cell
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaircaseRow:
    """One row of the catalogue: a cell a release, then those of the other proofs."""

    id: str
    cells: tuple[ShownCell, ...]
    proofs: tuple[ShownCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staircase:
    """The whole picture; `disagreements` are sentences."""

    releases: tuple[str, ...]
    proofs: tuple[str, ...]
    rows: tuple[StaircaseRow, ...]
    measured: int
    disagreements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A cell of the matrix: a scenario on a device, and what it did there.

    `scenario_sha256` is that of the scenario's file as it was run; None in an old matrix.
    """

    item: str
    firmware: str
    claimed: bool
    measured: bool | str
    mode: str
    unmet: str | None
    without: str | None
    null: str | None
    reason: str
    scenario_sha256: str | None

    @property
    def device(self) -> str:
        """On what the scenario was run, in words."""
        if self.mode == "leave-one-out":
            return f"{self.firmware} less {self.without or 'this item'}"
        return f"{self.firmware}, null device {self.null}" if self.null else self.firmware

    @property
    def is_drawn(self) -> bool:
        """Whether it has a place in the picture: less its own item, not less a neighbour."""
        return self.mode in DRAWN and not (self.mode == "leave-one-out" and self.claimed)


_WRONG = frozenset({Cell.DIFFERS, Cell.OTHER})
_BLANK = ShownCell(cell=Cell.BLANK, text="")


def staircase_of(path: Path, order: tuple[str, ...]) -> Staircase | None:
    """The picture of a matrix.json, its rows in `order`; None where there is no such file."""
    if not path.is_file():
        return None
    cells = read_cells(path)
    releases = sorted({cell.firmware for cell in cells if cell.mode == "edge"}, key=_release_number)
    proofs = _proofs(cells)
    placed: dict[tuple[str, str], Measured] = {}
    for cell in cells:
        if cell.is_drawn:
            placed[cell.item, _column(cell)] = cell
    items = {cell.item for cell in cells}
    known = [item for item in order if item in items] + sorted(items.difference(order))
    rows = tuple(
        StaircaseRow(
            id=item,
            cells=tuple(_shown(placed.get((item, release))) for release in releases),
            proofs=tuple(_shown(placed.get((item, proof))) for proof in proofs),
        )
        for item in known
    )
    # A neighbour's cell is not drawn, but a disagreement is told wherever it is.
    told = [*(placed[key] for key in sorted(placed, key=lambda key: known.index(key[0])))]
    told += [cell for cell in cells if not cell.is_drawn and cell.mode != "resolving"]
    differing = [shown.text for shown in map(_shown, told) if shown.cell in _WRONG]
    return Staircase(
        releases=tuple(releases),
        proofs=proofs,
        rows=rows,
        measured=len(cells),
        disagreements=tuple(differing),
    )


def _proofs(cells: list[Measured]) -> tuple[str, ...]:
    nulls = sorted({_column(cell) for cell in cells if cell.mode == "null"})
    without = ["less this item"] if any(cell.mode == "leave-one-out" for cell in cells) else []
    return (*without, *nulls)


def _column(cell: Measured) -> str:
    if cell.mode == "leave-one-out":
        return "less this item"
    return cell.firmware if cell.mode == "edge" else cell.null or cell.firmware


def _shown(cell: Measured | None) -> ShownCell:
    if cell is None:
        return _BLANK
    claim = "claimed to hold" if cell.claimed else "claimed not to hold"
    where = f"{cell.item} on {cell.device}"
    unmet = f": {cell.unmet}" if cell.unmet else ""
    if isinstance(cell.measured, str):
        return ShownCell(
            cell=Cell.OTHER, text=f"{where}: {claim}, measured: {cell.measured}{unmet}"
        )
    seen = "seen to hold" if cell.measured else "seen to fail"
    style = Cell.HOLDS if cell.measured else Cell.FAILS
    if cell.measured is not cell.claimed:
        style = Cell.DIFFERS
    return ShownCell(cell=style, text=f"{where}: {claim}, {seen}{unmet}")


def read_cells(path: Path) -> list[Measured]:
    """The cells of a matrix file; RecordError says in one line what is wrong with it."""
    content = read_json(path)
    # A bare list, or an object that carries it beside other facts.
    holder = content if isinstance(content, dict) else {"cells": content}
    return [_cell(each) for each in Fields(holder, path.name).children("cells")]


def _cell(fields: Fields) -> Measured:
    measured = fields.value("measured")
    if not isinstance(measured, bool | str):
        raise fields.error("measured", measured, "true, false or a text that says what happened")
    return Measured(
        item=fields.text("item"),
        firmware=fields.text("firmware"),
        claimed=fields.truth("claimed"),
        measured=measured,
        mode=fields.optional_text("mode", MODES) or "edge",
        unmet=fields.optional_text("unmet"),
        without=fields.optional_text("without"),
        null=fields.optional_text("null"),
        reason=fields.optional_text("reason") or "",
        scenario_sha256=fields.optional_text("scenario_sha256"),
    )


def _release_number(release: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in release.split("."))
    except ValueError:
        raise RecordError(
            f"matrix.json: firmware is {release!r}; allowed: a release such as 1.38"
        ) from None
