import json
from pathlib import Path

import pytest

from reports import render_page
from reports.staircase import Cell, staircase_of
from rig.recording import RecordError, RunRecord

CELLS = [
    {"item": "v1.08-04", "firmware": "1.10", "claimed": True, "measured": True},
    {"item": "v1.08-04", "firmware": "1.9", "claimed": True, "measured": False, "unmet": "opens"},
    {"item": "v1.08-04", "firmware": "1.07", "claimed": False, "measured": False},
    {"item": "v1.08-01", "firmware": "1.07", "claimed": False, "measured": "NotReady: no start"},
]


def written(folder: Path, cells: object) -> Path:
    full = [
        {"mode": "edge", "unmet": None, **each} if isinstance(each, dict) else each
        for each in cells  # type: ignore[attr-defined]
    ]
    path = folder / "matrix.json"
    path.write_text(json.dumps(full))
    return path


def test_releases_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    picture = staircase_of(written(tmp_path, CELLS), ())

    assert picture is not None
    assert picture.releases == ("1.07", "1.9", "1.10")


def test_rows_stand_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    picture = staircase_of(written(tmp_path, CELLS), ("v1.08-04", "v1.08-01"))

    assert picture is not None
    assert [row.id for row in picture.rows] == ["v1.08-04", "v1.08-01"]


def test_a_cell_says_whether_claim_and_measurement_agree(tmp_path: Path) -> None:
    picture = staircase_of(written(tmp_path, CELLS), ("v1.08-04", "v1.08-01"))

    assert picture is not None
    assert [[shown.cell for shown in row.cells] for row in picture.rows] == [
        [Cell.FAILS, Cell.DIFFERS, Cell.HOLDS],
        [Cell.OTHER, Cell.BLANK, Cell.BLANK],
    ]


def test_disagreements_are_sentences(tmp_path: Path) -> None:
    picture = staircase_of(written(tmp_path, CELLS), ("v1.08-04", "v1.08-01"))

    assert picture is not None
    assert picture.disagreements == (
        "v1.08-04 on 1.9: claimed to hold, seen to fail: opens",
        "v1.08-01 on 1.07: claimed not to hold, measured: NotReady: no start",
    )


def test_the_other_proofs_have_columns_of_their_own(tmp_path: Path) -> None:
    same = {"item": "v1.08-04", "claimed": False, "measured": False}
    cells = [
        {**same, "firmware": "1.38", "mode": "leave-one-out"},
        {**same, "firmware": "silent", "mode": "null"},
    ]

    picture = staircase_of(written(tmp_path, cells), ())

    assert picture is not None
    assert (picture.releases, picture.proofs) == ((), ("less this item", "silent"))


def test_a_neighbours_cell_takes_no_place_in_the_picture(tmp_path: Path) -> None:
    same = {"item": "v1.08-04", "firmware": "1.38", "mode": "leave-one-out"}
    cells = [
        {**same, "claimed": False, "measured": False, "without": "v1.08-04"},
        {**same, "claimed": True, "measured": True, "without": "v1.09-06"},
    ]

    picture = staircase_of(written(tmp_path, cells), ())

    assert picture is not None
    assert [[shown.cell for shown in row.proofs] for row in picture.rows] == [[Cell.FAILS]]
    assert picture.disagreements == ()


def test_a_neighbours_disagreement_is_told(tmp_path: Path) -> None:
    cell = {"item": "v1.08-04", "firmware": "1.38", "mode": "leave-one-out", "unmet": "opens"}
    cells = [{**cell, "claimed": True, "measured": False, "without": "v1.09-06"}]

    picture = staircase_of(written(tmp_path, cells), ())

    assert picture is not None
    assert picture.disagreements == (
        "v1.08-04 on 1.38 less v1.09-06: claimed to hold, seen to fail: opens",
    )


def test_null_devices_have_a_column_each(tmp_path: Path) -> None:
    same = {"item": "v1.08-04", "firmware": "1.38", "mode": "null", "claimed": False}
    cells = [{**same, "measured": False, "null": name} for name in ("silent", "frozen")]

    picture = staircase_of(written(tmp_path, cells), ())

    assert picture is not None
    assert picture.proofs == ("frozen", "silent")


def test_there_is_no_picture_without_a_matrix(tmp_path: Path) -> None:
    assert staircase_of(tmp_path / "matrix.json", ()) is None


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"item": "a", "firmware": "1.07", "claimed": False, "measured": 1}, "measured is 1"),
        ({"item": "a", "firmware": "x", "claimed": False, "measured": True}, "firmware is 'x'"),
        ({"item": "a", "firmware": "1.07", "measured": True}, r"cells\[0\].claimed is missing"),
    ],
    ids=["a number", "no release", "no claim"],
)
def test_a_corrupt_cell_is_explained(tmp_path: Path, cell: object, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        staircase_of(written(tmp_path, [cell]), ())


def test_the_page_shows_the_picture_where_the_run_has_a_matrix(run: RunRecord) -> None:
    without = render_page(run.folder).read_text()
    written(run.folder, CELLS)

    assert 'id="staircase"' not in without
    assert 'id="staircase"' in render_page(run.folder).read_text()
