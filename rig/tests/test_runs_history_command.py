"""`hil history` as it is typed."""

import json
import re

import pytest
from typer.testing import CliRunner

from rig.cli import app
from rig.errors import BenchFileError
from rig.recording import Verdict


@pytest.fixture
def hil():
    def typed(*arguments):
        result = CliRunner().invoke(app, ["history", *map(str, arguments)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return typed


@pytest.fixture
def runs(tmp_path):
    """Two nights of three rows; one failed in the second, after a retry in the first."""
    from rig.history.tests.conftest import record

    folder = tmp_path / "runs"
    folder.mkdir()
    one, two = {"v1.08-04": [Verdict.PASS]}, {"v1.08-04": [Verdict.FAIL]}
    rest = {"v1.08-05": [Verdict.PASS], "v1.09-06": [Verdict.BROKEN, Verdict.PASS]}
    record(folder / "monday", one | rest, started="2026-11-02T21:00:00Z")
    record(folder / "tuesday", two | rest, started="2026-11-03T21:00:00Z")
    return folder


def test_the_rows_that_need_a_look_are_told_with_their_nights(hil, runs):
    told = hil("--runs", runs).stdout

    assert "2 nights, 2026-11-02 to 2026-11-03, on lab-1; 3 rows" in told
    assert re.search(r"v1\.08-04 on lab-1: FAIL, for the first time", told)
    assert re.search(r"v1\.08-04 +lab-1 \.F  flips 100 %, first 50 %", told)
    assert "v1.08-05" not in told


def test_a_row_can_be_asked_for(hil, runs):
    told = hil("--runs", runs, "--id", "v1.09-06").stdout

    assert re.search(r"v1\.09-06 +lab-1 \.\.  flips 0 %, first 0 %", told)
    assert "v1.08-04" not in told


def test_a_machine_gets_every_night(hil, runs):
    told = json.loads(hil("--runs", runs, "--json").stdout)

    row = next(each for each in told["rows"] if each["id"] == "v1.08-04")
    assert told["nights"] == ["2026-11-02", "2026-11-03"]
    assert row["nights"] == ["PASS", "FAIL"]
    assert (row["flip_rate"], row["first_attempt_rate"], row["latest"]) == (1.0, 0.5, "FAIL")


def test_since_leaves_earlier_nights_out(hil, runs):
    told = json.loads(hil("--runs", runs, "--since", "2026-11-03", "--json").stdout)

    assert told["nights"] == ["2026-11-03"]


def test_the_page_is_written_where_it_was_asked_for(hil, runs, tmp_path):
    hil("--runs", runs, "--html", tmp_path / "nights.html")

    assert '<details class="row" id="v1.08-04"' in (tmp_path / "nights.html").read_text()


def test_a_broken_record_is_named_and_passed_over(hil, runs):
    (runs / "monday" / "plan.json").write_text("{}")

    told = hil("--runs", runs).stdout

    assert "passed over: monday: plan.json: format is missing" in told
    assert "1 nights" in told


def test_rebuild_reads_records_that_did_not_seem_to_change(hil, runs):
    """Evidence that went away deep inside a record: only reading it again shows."""
    hil("--runs", runs)
    (runs / "tuesday" / "attempts/v1.08-05/test_it-1/trace.json").unlink()

    usual, again = hil("--runs", runs).stdout, hil("--runs", runs, "--rebuild").stdout

    assert "v1.08-05" not in usual
    assert "v1.08-05 on lab-1: BROKEN, for the first time" in again


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "--since yesterday: allowed: a day such as 2026-11-01"),
        (["--bench", "lab-9"], "holds no run on bench lab-9 that can be shown"),
        (["--id", "v1.99-01"], "--id v1.99-01: no run in"),
        (["--html", "/nowhere/page.html"], "--html /nowhere/page.html: allowed: a file in a"),
        (["--runs", "/nowhere"], "/nowhere: no such folder; allowed: a folder of run records"),
    ],
    ids=["since", "bench", "id", "html", "runs"],
)
def test_a_bad_input_is_one_line_that_says_what_is_allowed(hil, runs, arguments, said):
    with pytest.raises(BenchFileError) as error:
        hil("--runs", runs, *arguments)

    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_verdict_has_a_sign_of_its_own():
    from rig.commands.runs_history import _SIGNS

    assert sorted(_SIGNS) == sorted(Verdict)
    assert len(set(_SIGNS.values())) == len(Verdict)
