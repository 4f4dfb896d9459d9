"""`hil safety` and `hil prove`: what they show, and what they refuse."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rig.benches.file import load_bench
from rig.benches.guarding import latches_of
from rig.cli import app
from rig.commands import safety
from rig.errors import BenchFileError
from rig.safety.latch import latch, standing

STEPS = [
    {"name": "charger: output off", "took_ms": 12.0, "verified": True, "said": ""},
    {"name": "no current", "took_ms": 1500.0, "verified": False, "said": "not within 1.5 s"},
]
LINES = [
    {"utc": "2026-11-23T02:00:00Z", "t_us": 1, "did": "granted", "wish": "20 A"},
    {
        "utc": "2026-11-23T02:00:01Z",
        "t_us": 2,
        "did": "tripped",
        "why": "the emergency stop is pressed",
        "state": "unknown",
        "off_ms": 12.0,
        "steps": STEPS,
    },
]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "attempts" / "v1.24-01" / "test-1"
    folder.mkdir(parents=True)
    (folder / "safety.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return tmp_path


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_show_tells_why_and_how_and_which_step_was_not_seen(run):
    shown = said("safety", "show", str(run))

    assert "attempts/v1.24-01/test-1: granted 20 A" in shown
    assert "unknown: the emergency stop is pressed; outputs off: 12 ms" in shown
    assert "NOT SEEN    1500 ms  no current: not within 1.5 s" in shown


def test_show_gives_every_line_to_a_machine(run):
    told = json.loads(said("safety", "show", str(run), "--json"))

    assert [one["did"] for one in told] == ["granted", "tripped"]
    assert told[1]["attempt"] == "attempts/v1.24-01/test-1"


def test_show_refuses_what_is_no_folder(tmp_path):
    with pytest.raises(BenchFileError, match="is no folder; allowed: a run's folder"):
        said("safety", "show", str(tmp_path / "nothing"))


def test_a_person_resets_a_bench_that_was_tripped_and_it_is_written_down(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_LATCHES", str(tmp_path))
    latches = latches_of(load_bench("lab_example"))
    latch(latches, "2026-11-23T02:00:01Z a reason")

    shown = said("safety", "reset", "lab_example", "--by", "A. Meyer")

    assert shown.count("tripped: 2026-11-23T02:00:01Z a reason") == 1
    assert standing(latches) == ""
    log = (tmp_path / "resets.log").read_text()
    assert log.count("lab_example reset by A. Meyer: 2026-11-23T02:00:01Z a reason\n") == 1


def test_a_latch_that_cannot_be_taken_away_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_LATCHES", str(tmp_path))
    first, *_ = latches_of(load_bench("lab_example"))
    Path(first).mkdir()

    with pytest.raises(BenchFileError, match=r"Is a directory; allowed: latches that may be"):
        said("safety", "reset", "lab_example", "--by", "A. Meyer")


def test_a_bench_that_was_not_tripped_cannot_be_reset(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_LATCHES", str(tmp_path))

    with pytest.raises(BenchFileError, match="lab_example: was not tripped"):
        said("safety", "reset", "lab_example", "--by", "A. Meyer")


def test_the_proofs_limits_are_those_of_the_mission():
    assert (safety.P99_MS, safety.MAX_MS) == (50.0, 250.0)
