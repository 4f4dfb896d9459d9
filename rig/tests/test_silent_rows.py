"""What a silent row compares, and that a row taken for unlisted would be seen."""

import pytest

from bms.catalogue import SILENT, catalogue
from bms.firmware import Component
from bms.releases import VERSIONS, firmware, less, rows_listed
from rig.cells import Cell, compared_in, resolving_cells, unlisted_cells
from rig.planning import scenarios

ROWS = [row.id for row in catalogue().values() if row.row_class == SILENT]


def test_every_silent_row_has_its_scenario() -> None:
    assert set(ROWS) <= set(scenarios())


@pytest.mark.parametrize("before", VERSIONS[:-1], ids=str)
@pytest.mark.parametrize("component", Component)
def test_a_release_less_the_rows_listed_is_the_one_before(before, component) -> None:
    release = VERSIONS[VERSIONS.index(before) + 1]

    stripped = less(firmware(str(release), component), *rows_listed(release))

    assert stripped.differs == firmware(str(before), component).differs


def test_a_silent_row_is_compared_less_the_rows_listed_with_the_release_before() -> None:
    compared = compared_in(Cell(item="v1.31-02", firmware="1.31"))

    assert (compared.reference, compared.left_out) == ("1.30", ("v1.31-01",))


def test_a_row_taken_for_unlisted_is_not_left_out() -> None:
    compared = compared_in(Cell(item="v1.31-02", firmware="1.31", unlisted="v1.31-01"))

    assert compared.left_out == ()


def test_the_oldest_release_is_compared_with_itself() -> None:
    compared = compared_in(Cell(item="v1.07-02", firmware="1.07"))

    assert (compared.reference, compared.left_out) == ("1.07", ())


def test_the_resolving_power_compares_less_one_change_with_the_whole() -> None:
    cell = next(cell for cell in resolving_cells() if cell.without == "v1.08-04")

    compared = compared_in(cell)

    assert (compared.reference, compared.left_out) == (cell.firmware, ("v1.08-04",))


def test_an_ordinary_row_leaves_nothing_out_of_its_comparison() -> None:
    assert compared_in(Cell(item="v1.08-04", firmware="1.38")).left_out == ()


def test_each_row_listed_beside_a_silent_one_is_tried_unlisted() -> None:
    found = {(cell.item, cell.unlisted) for cell in unlisted_cells()}

    assert ("v1.31-02", "v1.31-01") in found
    assert {item for item, _ in found} == set(ROWS) - {"v1.07-02"}
