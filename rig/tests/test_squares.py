"""A matrix that goes on: what was kept counts while nothing that it rests on has changed."""

import json

import pytest

from rig import squares
from rig.cells import Cell
from rig.errors import BenchFileError
from rig.squares import begin_or_go_on, read_done, read_entries

CELL = Cell(item="v1.08-04", firmware="1.07", claimed=False)
OTHER = Cell(item="v1.09-06", firmware="1.09")


def entry(cell, test="test_it", ended="PASS"):
    named = {name: getattr(cell, name) for name in squares.CELL}
    return {**named, "test": test, "measured": True, "ended": ended}


@pytest.fixture
def inputs(monkeypatch):
    """What the rows rest on, as a test can change it."""
    known = {"v1.08-04": "aa", "v1.09-06": "bb"}
    monkeypatch.setattr(
        squares, "inputs_of", lambda rows, _bench, _seed: {r: known[r] for r in rows}
    )
    return known


def write(path, *entries, tail=""):
    path.write_text("".join(f"{json.dumps(one)}\n" for one in entries) + tail)


def test_what_was_kept_is_done(tmp_path, inputs):
    kept = tmp_path / "kept.jsonl"
    assert begin_or_go_on(kept, ["v1.08-04"]) == 0
    write(kept, entry(CELL))

    assert begin_or_go_on(kept, ["v1.08-04"]) == 1
    (done,) = read_done(kept)
    assert done[0][:2] == ("v1.08-04", "1.07")
    assert done[1] == "test_it"


def test_a_row_whose_sources_changed_is_run_again_and_another_is_not(tmp_path, inputs):
    kept = tmp_path / "kept.jsonl"
    begin_or_go_on(kept, ["v1.08-04", "v1.09-06"])
    write(kept, entry(CELL), entry(OTHER))
    inputs["v1.08-04"] = "cc"

    assert begin_or_go_on(kept, ["v1.08-04", "v1.09-06"]) == 1
    assert [each["item"] for each in read_entries(kept)] == ["v1.09-06"]


def test_rows_that_are_not_asked_for_this_time_are_kept(tmp_path, inputs):
    kept = tmp_path / "kept.jsonl"
    begin_or_go_on(kept, ["v1.08-04", "v1.09-06"])
    write(kept, entry(CELL), entry(OTHER))

    begin_or_go_on(kept, ["v1.08-04"])

    assert {each["item"] for each in read_entries(kept)} == {"v1.08-04", "v1.09-06"}


def test_what_was_interrupted_or_cut_off_is_run_again(tmp_path, inputs):
    kept = tmp_path / "kept.jsonl"
    begin_or_go_on(kept, ["v1.08-04"])
    write(kept, entry(CELL, "test_a", "ABORTED"), entry(CELL, "test_b"), tail='{"item": "v1.0')

    begin_or_go_on(kept, ["v1.08-04"])

    assert [each["test"] for each in read_entries(kept)] == ["test_b"]


def test_squares_without_a_word_on_what_they_rest_on_do_not_count(tmp_path, inputs):
    kept = tmp_path / "kept.jsonl"
    write(kept, entry(CELL))

    assert begin_or_go_on(kept, ["v1.08-04"]) == 0


def test_a_file_that_is_something_else_is_refused_in_one_line(tmp_path, inputs):
    other = tmp_path / "notes.txt"
    other.write_text("milk\nbread\n")

    with pytest.raises(BenchFileError, match=r"notes\.txt:1: is no square .*allowed: ") as told:
        begin_or_go_on(other, ["v1.08-04"])

    assert "\n" not in str(told.value)
    assert other.read_text() == "milk\nbread\n"
