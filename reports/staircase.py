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

MODES = ("edge", "leave-one-out", "null")


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
class _Measured:
    item: str
    firmware: str
    claimed: bool
    measured: bool | str
    mode: str
    unmet: str | None


_BLANK = ShownCell(cell=Cell.BLANK, text="")


def staircase_of(path: Path, order: tuple[str, ...]) -> Staircase | None:
    """The picture of a matrix.json, its rows in `order`; None where there is no such file."""
    if not path.is_file():
        return None
    cells = _read(path)
    releases = sorted({cell.firmware for cell in cells if cell.mode == "edge"}, key=_release_number)
    proofs = _proofs(cells)
    placed: dict[tuple[str, str], _Measured] = {}
    for cell in cells:
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
    differing = [
        shown.text
        for row in rows
        for shown in (*row.cells, *row.proofs)
        if shown.cell in {Cell.DIFFERS, Cell.OTHER}
    ]
    return Staircase(
        releases=tuple(releases),
        proofs=proofs,
        rows=rows,
        measured=len(cells),
        disagreements=tuple(differing),
    )


def _proofs(cells: list[_Measured]) -> tuple[str, ...]:
    nulls = sorted({_column(cell) for cell in cells if cell.mode == "null"})
    without = ["less this item"] if any(cell.mode == "leave-one-out" for cell in cells) else []
    return (*without, *nulls)


def _column(cell: _Measured) -> str:
    if cell.mode == "leave-one-out":
        return "less this item"
    return cell.firmware if cell.mode == "edge" else cell.firmware.removeprefix("null:")


def _shown(cell: _Measured | None) -> ShownCell:
    if cell is None:
        return _BLANK
    claim = "claimed to hold" if cell.claimed else "claimed not to hold"
    where = f"{cell.item} on {cell.firmware}"
    if cell.mode == "leave-one-out":
        where = f"{cell.item} on {cell.firmware} less this item"
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


def _read(path: Path) -> list[_Measured]:
    content = read_json(path)
    # A bare list, or an object that carries it beside other facts.
    holder = content if isinstance(content, dict) else {"cells": content}
    return [_cell(each) for each in Fields(holder, path.name).children("cells")]


def _cell(fields: Fields) -> _Measured:
    measured = fields.value("measured")
    if not isinstance(measured, bool | str):
        raise fields.error("measured", measured, "true, false or a text that says what happened")
    return _Measured(
        item=fields.text("item"),
        firmware=fields.text("firmware"),
        claimed=fields.truth("claimed"),
        measured=measured,
        mode=fields.optional_text("mode", MODES) or "edge",
        unmet=fields.optional_text("unmet"),
    )


def _release_number(release: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in release.split("."))
    except ValueError:
        raise RecordError(
            f"matrix.json: firmware is {release!r}; allowed: a release such as 1.38"
        ) from None
