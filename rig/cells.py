"""Cells: one test on one firmware, as a verdict of the plan or as a square of the matrix."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bms.catalogue import SILENT, catalogue, changes, edges, neighbours, release_before
from bms.firmware import Version
from bms.releases import BASELINE, NEWEST, VERSIONS, rows_listed
from rig.benches.parts import Compared
from rig.dut.terminals import NullMode
from rig.planning import scenarios

Mode = Literal["verdict", "edge", "leave-one-out", "null", "resolving", "unlisted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """On which device a test is run, and whether its claim should hold there."""

    item: str
    firmware: str
    mode: Mode = "verdict"
    claimed: bool = True
    without: str | None = None
    null: str | None = None
    reference: str | None = None  # for a silent row: the release whose traces are the measure
    unlisted: str | None = None  # for a silent row: a row of its release, taken for unlisted

    @property
    def label(self) -> str:
        """As a test id shows it."""
        parts = [self.firmware]
        if self.without:
            parts.append(f"less-{self.without}")
        if self.unlisted:
            parts.append(f"unlisted-{self.unlisted}")
        if self.null:
            parts.append(self.null)
        return "-".join(parts)


def compared_in(cell: Cell) -> Compared:
    """What a silent row compares: its release less the rows listed, and the one before, whole.

    In a cell of the resolving power: a release less one change, and the same one whole.
    """
    row = catalogue()[cell.item]
    if cell.reference is not None:
        lacking = () if cell.without is None else (cell.without,)
        return Compared(reference=cell.reference, left_out=lacking)
    before = release_before(row)
    release = Version.parse(cell.firmware)
    if row.row_class != SILENT or release == before:
        return Compared(reference=str(before))
    listed = tuple(item for item in rows_listed(release) if item != cell.unlisted)
    return Compared(reference=str(before), left_out=listed)


def newest_where_it_holds(item: str) -> Version:
    """The release on which leave-one-out and null devices are tried."""
    row = catalogue()[item]
    if row.row_class == SILENT and row.release is not None:
        return row.release
    return row.holds_on[-1] if row.holds_on else NEWEST


def edge_cells(*, every_release: bool = False) -> list[Cell]:
    """Both sides of each place where a claim begins or ceases, and the newest release."""
    cells = []
    for item in scenarios():
        row = catalogue()[item]
        versions = {newest_where_it_holds(item)}
        if row.row_class != SILENT:
            versions |= set(VERSIONS if every_release else edges(row)) | {NEWEST}
        if row.release == VERSIONS[0] and item in changes() and changes()[item].deltas:
            versions.add(BASELINE)  # no release precedes it: what it mended was in that build
        cells += [
            Cell(item=item, firmware=str(v), mode="edge", claimed=row.holds(v))
            for v in sorted(versions)
        ]
    return cells


def leave_one_out_cells() -> list[Cell]:
    """Less its own item a scenario must fail; less any other of the same room it must not."""
    cells = []
    for item in scenarios():
        if changes()[item].exempt is not None or changes()[item].skeleton:
            continue
        newest = newest_where_it_holds(item)
        own = changes()[item].cured_by or item
        cells.append(
            Cell(
                item=item,
                firmware=str(newest),
                mode="leave-one-out",
                claimed=False,
                without=own,
            )
        )
        cells += [
            Cell(item=item, firmware=str(newest), mode="leave-one-out", without=other)
            for other in neighbours(own)
            if _can_be_left_out(other, newest)
        ]
    return cells


def _can_be_left_out(item: str, version: Version) -> bool:
    """Whether a change has deltas and is in a release; a defect's is left out by its cure."""
    change, row = changes()[item], catalogue()[item]
    if not change.deltas or change.cured_by is not None:
        return False
    return row.release is not None and not version < row.release


def null_cells() -> list[Cell]:
    """On a device that does nothing every scenario must fail."""
    return [
        Cell(
            item=item,
            firmware=str(newest_where_it_holds(item)),
            mode="null",
            claimed=False,
            null=str(mode),
        )
        for item in scenarios()
        for mode in NullMode
    ]


def resolving_cells() -> list[Cell]:
    """What the stimuli of silent rows can see: a release less one change, against the whole.

    They are the same for all silent rows, so one row tells it for all.
    """
    return [
        Cell(
            item=item,
            firmware=str(newest_where_it_holds(other)),
            mode="resolving",
            claimed=False,
            without=other,
            reference=str(newest_where_it_holds(other)),
        )
        for item in _silent()[:1]
        for other in changes()
        if _can_be_left_out(other, newest_where_it_holds(other))
    ]


def unlisted_cells() -> list[Cell]:
    """What a silent row would see of each row of its release, if the log did not list that one."""
    return [
        Cell(item=item, firmware=str(release), mode="unlisted", claimed=False, unlisted=other)
        for item in _silent()
        if (release := catalogue()[item].release) is not None and release != VERSIONS[0]
        for other in rows_listed(release)
    ]


def _silent() -> list[str]:
    return [item for item in scenarios() if catalogue()[item].row_class == SILENT]


def without_a_delta() -> dict[str, str]:
    """Rows that leave-one-out cannot try on themselves, with the other proof that they can fail."""
    told = {}
    for item in scenarios():
        change = changes()[item]
        if change.exempt is not None:
            told[item] = f"{change.exempt}; null devices, and the stimuli's resolving power"
        elif change.skeleton:
            told[item] = "a skeleton: its change is not written"
        elif not change.deltas:
            told[item] = f"a defect since before the first release: less its cure {change.cured_by}"
    return told


def write_cells(path: Path, cells: list[Cell]) -> None:
    """The cells that a session of pytest shall run."""
    path.write_text(json.dumps([asdict(cell) for cell in cells]), encoding="utf-8")


def read_cells(path: Path) -> list[Cell]:
    """Read what `write_cells` wrote."""
    return [Cell(**cell) for cell in json.loads(path.read_text(encoding="utf-8"))]
