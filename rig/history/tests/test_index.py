"""The index: that it says what the records say, and nothing that they do not."""

import shutil
import sqlite3

import pytest

from rig.errors import BenchFileError
from rig.history.index import contents, update, write_runs
from rig.recording import Verdict

PASS, FAIL, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.BROKEN
MONDAY = {"v1.08-04": [PASS], "v1.09-06": [FAIL, PASS]}


def asked(database, query):
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_record_is_indexed_with_verdicts_attempts_and_margins(tmp_path, maker):
    maker(tmp_path / "monday", MONDAY)

    done = update(tmp_path)

    base = tmp_path / "history.sqlite"
    assert (done.runs, done.read, done.gone, done.broken) == (1, 1, 0, ())
    assert asked(base, "SELECT folder, bench, ran, rows FROM run") == [("monday", "lab-1", 2, 2)]
    verdicts = asked(
        base, "SELECT id, verdict, first_passed FROM verdict JOIN about ON n = about ORDER BY id"
    )
    assert verdicts == [
        ("v1.08-04", Verdict.PASS.severity, 1),
        ("v1.09-06", Verdict.FLAKY.severity, 0),
    ]
    assert asked(base, "SELECT count(*) FROM attempt") == [(3,)]
    ((value, margin, low, high, unit),) = asked(
        base,
        "SELECT DISTINCT value, margin, low, high, unit FROM measurement JOIN phase ON n = phase",
    )
    assert (value, low, high, unit) == (5.02, 4.9, 5.1, "s")
    assert margin == pytest.approx(0.08)


def test_only_the_first_attempt_that_the_bench_did_not_spoil_is_charted(tmp_path, maker):
    maker(tmp_path / "monday", {"v1.08-04": [BROKEN, PASS], "v1.09-06": [FAIL, PASS]})

    update(tmp_path)

    charted = asked(
        tmp_path / "history.sqlite",
        "SELECT id, number FROM measurement JOIN series ON n = series WHERE charted ORDER BY id",
    )
    assert charted == [("v1.08-04", 2), ("v1.09-06", 1)]


def test_a_record_that_did_not_change_is_not_read_again(tmp_path, maker):
    maker(tmp_path / "monday", MONDAY)
    update(tmp_path)

    assert update(tmp_path).read == 0
    assert update(tmp_path, rebuild=True).read == 1


def test_a_record_that_grew_is_read_again(tmp_path, maker, more):
    made = maker(tmp_path / "monday", {"v1.08-04": [PASS]})
    update(tmp_path)

    more(made, "v1.08-04", 2, FAIL, 5.0)

    assert update(tmp_path).read == 1
    found = asked(tmp_path / "history.sqlite", "SELECT verdict FROM verdict")
    assert found == [(Verdict.FAIL.severity,)]


def test_a_record_that_is_gone_is_gone_from_the_index(tmp_path, maker):
    maker(tmp_path / "monday", MONDAY)
    maker(tmp_path / "tuesday", MONDAY)
    update(tmp_path)

    shutil.rmtree(tmp_path / "monday")
    done = update(tmp_path)

    assert (done.runs, done.gone) == (1, 1)
    for table in ("verdict", "attempt", "measurement"):
        assert asked(tmp_path / "history.sqlite", f"SELECT DISTINCT run FROM {table}") == [(2,)]


def test_a_broken_record_is_named_and_the_others_are_read(tmp_path, maker):
    maker(tmp_path / "monday", MONDAY)
    maker(tmp_path / "tuesday", MONDAY)
    with (tmp_path / "tuesday" / "journal.jsonl").open("ab") as journal:
        journal.write(b"no JSON\n")

    done = update(tmp_path)

    assert done.runs == 1
    assert done.broken == (("tuesday", "journal.jsonl:7: line 1: not JSON: Expecting value"),)


def test_a_row_whose_evidence_is_gone_is_broken_and_not_passed(tmp_path, maker):
    made = maker(tmp_path / "monday", {"v1.08-04": [PASS]})
    (made.folder / "attempts/v1.08-04/test_it-1/trace.json").unlink()

    update(tmp_path)

    ((severity, reason),) = asked(
        tmp_path / "history.sqlite", "SELECT verdict, text FROM verdict JOIN text ON n = reason"
    )
    assert severity == Verdict.BROKEN.severity
    assert reason == "attempts/v1.08-04/test_it-1/trace.json: evidence is missing"


def test_a_deleted_database_is_made_again_with_the_same_contents(tmp_path, maker, more):
    """Against one that came about in another order, with runs that grew, broke and went."""
    grown = maker(tmp_path / "wednesday", {"v1.08-04": [PASS]})
    update(tmp_path)
    maker(tmp_path / "monday", MONDAY, started="2026-11-20T21:00:00+00:00")
    maker(tmp_path / "tuesday", MONDAY)
    update(tmp_path)
    more(grown, "v1.08-04", 2, FAIL, 5.0)
    shutil.rmtree(tmp_path / "monday")
    (tmp_path / "tuesday" / "plan.json").write_text("{}")
    update(tmp_path)
    before = contents(tmp_path / "history.sqlite")

    for path in tmp_path.glob("history.sqlite*"):
        path.unlink()
    update(tmp_path)

    assert contents(tmp_path / "history.sqlite") == before


def test_contents_tell_two_histories_apart(tmp_path, run_of, row_of):
    for name, value in (("a", 5.0), ("b", 5.000001)):
        write_runs(tmp_path / name, [run_of("x", 1, [row_of("v1.08-04", PASS, value=value)])])

    assert contents(tmp_path / "a") != contents(tmp_path / "b")


@pytest.mark.parametrize("damage", ["no database", "cut", "other layout"])
def test_a_database_of_no_use_is_made_anew(tmp_path, maker, damage):
    maker(tmp_path / "monday", MONDAY)
    base = tmp_path / "history.sqlite"
    update(tmp_path)
    before = contents(base)
    if damage == "no database":
        base.write_bytes(b"no database at all" * 500)
    elif damage == "cut":
        whole = base.read_bytes()
        base.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    else:
        connection = sqlite3.connect(base)
        connection.execute("PRAGMA user_version=3")
        connection.close()

    assert update(tmp_path).runs == 1
    assert contents(base) == before


def test_a_reader_sees_the_last_whole_run_while_another_is_written(tmp_path, maker):
    maker(tmp_path / "monday", MONDAY)
    update(tmp_path)
    base = tmp_path / "history.sqlite"
    writing = sqlite3.connect(base, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    writing.execute("DELETE FROM run")

    seen = asked(base, "SELECT folder FROM run")

    writing.execute("ROLLBACK")
    writing.close()
    assert seen == [("monday",)]


def test_two_updates_in_turn_do_not_give_one_number_twice(tmp_path, run_of, row_of):
    runs = [run_of(f"run {n}", n, [row_of(f"v1.08-{n:02}", PASS, value=5.0)]) for n in (1, 2, 3)]
    write_runs(tmp_path / "alone", runs)
    turns = iter(runs)

    class Interrupting(list):
        def __iter__(self):
            yield next(turns)
            # Between two runs of the one, another writes its own.
            yield next(turns)

    write_runs(tmp_path / "shared", Interrupting())
    write_runs(tmp_path / "shared", list(turns))

    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(BenchFileError, match="no such folder; allowed: a folder of run records"):
        update(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content", [b"[bench]\nname = 'mine'\n", b"SQLite format 3\0" + bytes(200)]
)
def test_a_file_that_is_no_index_is_refused_and_left_as_it_is(tmp_path, content):
    other = tmp_path / "mine.toml"
    other.write_bytes(content)

    with pytest.raises(BenchFileError, match=r"mine\.toml: is something else; allowed: an index"):
        update(tmp_path, other)

    assert other.read_bytes() == content
