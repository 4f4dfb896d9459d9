"""Field scenarios and the three commands: what they write, say, and end with."""

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rig.cli import app
from rig.errors import BenchFileError
from rig.replay.cases import Recorder, caught, happens, write_log
from rig.replay.field import FieldCase, spans_in, step
from rig.replay.situations import SITUATIONS, Situation
from rig.replay.telling import harmless

ROOT = Path(__file__).parents[3]


async def _stop(bench, dice):
    await bench.press_start_stop()
    await bench.wait(9_000_000)
    await bench.load.draw(10.0)
    await bench.wait(3_000_000)
    await bench.load.off()
    await bench.press_start_stop()
    await bench.wait(6_000_000)


STOP = Situation(
    name="stop",
    item="v1.09-06",
    faulty=("1.07", "1.08"),
    when="contactor opens within 4 s of stop",
    story=_stop,
    needs={"parallel": 1},
    life=False,
)
CASE = FieldCase(
    when="contactor opens within 4 s of stop",
    faulty=(("1.07", "1.08"),),
    needs={"parallel": 1},
    runs=False,
    steps=(step(0, "button"), step(8.2, "button")),
    length_s=15,
)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    ear, there = happens(STOP, "1.08", 3)
    assert there
    frames = caught(ear, Recorder(), random.Random(5))
    return write_log(frames, tmp_path_factory.mktemp("log") / "stop.log")[0]


def hil(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_a_case_claims_health_and_fails_on_a_faulty_release():
    CASE.expect_health("1.09")
    with pytest.raises(AssertionError, match=r"firmware 1\.08: 'contactor opens .* after 10\."):
        CASE.expect_health("1.08")


def test_a_case_that_is_elsewhere_than_it_says_fails():
    moved = FieldCase(when=CASE.when, faulty=(("1.07", "1.07"),), runs=False, steps=CASE.steps)

    with pytest.raises(AssertionError, match=r"firmware 1\.08 shows it, and should not"):
        moved.expect_as_found("1.08")


def test_borders_are_both_sides_of_where_it_ends_and_the_outermost():
    assert CASE.borders == ("1.07", "1.08", "1.09", "1.38")
    assert len(CASE.releases) == 32


def test_spans_are_firsts_and_lasts():
    assert spans_in(frozenset({"1.07", "1.08", "1.27"})) == (("1.07", "1.08"), ("1.27", "1.27"))


def test_replay_says_that_the_model_says_the_same(log, tmp_path):
    picture = tmp_path / "replay.png"

    done = hil("replay", log, "--for", 18, "--json", "--plot", picture)

    told = json.loads(done.stdout)
    assert told["release"] == "1.08"
    assert told["alike_pct"] > 97
    assert done.exit_code in {0, 4}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_replay_of_another_release_shows_the_first_difference_on_top(log):
    done = hil("replay", log, "--firmware", "1.09")

    assert done.exit_code == 4
    assert "The model of 1.09 says something else" in done.stdout
    assert done.stdout.splitlines()[1].startswith("  ")
    assert "says" in done.stdout.splitlines()[1]


def test_reproduce_writes_a_scenario_that_tells_the_releases_apart(log, tmp_path):
    folder = tmp_path / "field"

    done = hil("reproduce", log, "--when", STOP.when, "--out", folder, "--json", "-j", 1)

    assert done.exit_code == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["faulty"] == ["1.07", "1.08"]
    assert [row["item"] for row in told["rows"]] == ["v1.09-06"]
    assert told["minimal"]
    assert told["steps_after"] <= 5
    assert {path.suffix for path in folder.iterdir()} == {".md", ".py", ".log"}
    (test,) = folder.glob("test_*.py")
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "rig.plugin", "-k", "under_test"]
    options += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    ran = {
        release: subprocess.run(
            [sys.executable, "-m", "pytest", *options, "--firmware", release, str(test)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        for release in ("1.08", "1.09")
    }
    assert ran["1.08"].returncode == 1, ran["1.08"].stdout
    assert "contactor opens within 4 s of stop" in ran["1.08"].stdout
    assert ran["1.09"].returncode == 0, ran["1.09"].stdout


def test_a_log_without_the_symptom_says_so(log):
    done = hil("bisect", log, "--when", "error == 13")

    assert done.exit_code == 1
    assert "the log does not show it" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bisect", "LOG", "--when", "event = 3"), "character 6"),
        (("bisect", "no.log", "--when", "event == 3"), "no.log"),
        (("replay", "LOG", "--firmware", "1.99"), "1.99"),
        (("replay", "LOG", "--plot", "x.gif"), "--plot x.gif"),
        (("replay", "LOG", "--from", "999"), "--from 999"),
        (("reproduce", "LOG", "--when", "event == 3", "--out", "."), "--out .: is there already"),
    ],
    ids=["condition", "file", "release", "picture", "beginning", "folder"],
)
def test_bad_input_is_one_line_and_names_what_is_wrong(log, arguments, told):
    given = [str(log) if each == "LOG" else each for each in arguments]
    command = [sys.executable, "-m", "rig.cli", *given]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert told in done.stderr


def test_a_default_folder_that_is_there_is_told_before_the_log_is_read(log, tmp_path, monkeypatch):
    def read(*_arguments, **_more):
        raise AssertionError("the work has begun")

    monkeypatch.setattr("rig.commands.field.ROOT", tmp_path)
    monkeypatch.setattr("rig.commands.field.utc_now", lambda: "2026-01-02T03:04:05Z")
    monkeypatch.setattr("rig.commands.field.find", read)
    (tmp_path / "scenarios" / "field" / "2026-01-02-event-is-3").mkdir(parents=True)

    done = hil("reproduce", log, "--when", "event == 3")

    assert isinstance(done.exception, BenchFileError)
    assert "2026-01-02-event-is-3: is there already" in str(done.exception)


def test_what_is_no_stimulus_of_a_bench_is_refused():
    with pytest.raises(BenchFileError):
        step(1.0, "miracle")


@pytest.mark.nightly
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.name)
def test_a_situation_shows_its_complaint_on_the_releases_it_says(situation):
    shown = {release for release in CASE.releases if happens(situation, release, 1)[1]}

    assert spans_in(frozenset(shown)) == (situation.faulty,)


def test_a_logs_name_is_text_in_a_test_and_nothing_else():
    name = 'a""";import os;os.system("touch PWNED");""".log\n'

    told = f'"""{harmless(name)}"""'

    assert ast.literal_eval(told) == "a''';import os;os.system('touch PWNED');'''.log "
