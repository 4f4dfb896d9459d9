"""A technician's hand in a lab of twins, by the commands that people type."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rig.clock import unix_ms, wall_s
from rig.live.state import snapshot
from rig.operator.questions import End, open_questions, outcome_of
from rig.planning import ROOT
from rig.recording import RunRecord, Verdict, attempt_path

HIL = [sys.executable, "-m", "rig.cli"]
TIMEOUT_S = 300.0
ROW = "v1.17-01"  # 5 s; it starts at 60 % state of charge
pytestmark = pytest.mark.nightly  # two minutes each on a busy machine; the parts are tested daily
TEST = "test_charge_voltage_limit_at_shutdown_is_the_actual_voltage"
EXAMPLE = ROOT / "rig" / "benches" / "lab_example.toml"


class Twins:
    """A lab of twins whose batteries are at 59 %, while the context is entered."""

    def __enter__(self) -> "Twins":
        self.folder = Path(tempfile.mkdtemp(prefix="ask"))  # a socket's name has to be short
        self.file = self.folder / "lab.toml"
        mine = self.folder / "mine.toml"
        stated = EXAMPLE.read_text().replace("\nsoc_pct = 60.0", "\nsoc_pct = 59.0")
        mine.write_text(stated)
        self._process = subprocess.Popen(
            [*HIL, "bench", "rehearse", str(mine), "--out", str(self.file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first.startswith("Twins of"), first
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=TIMEOUT_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def state(self) -> Path:
        return self.file.with_suffix(".state.json")

    def hil(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*HIL, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout

    def qualify(self, run: Path) -> "subprocess.Popen[str]":
        command = [*HIL, "qualify", "--bench", str(self.file), "--only", ROW, "--out", str(run)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def asked(self, run: Path) -> str:
        """The text of the question, as soon as there is one."""
        until_s = wall_s() + TIMEOUT_S
        while wall_s() < until_s:
            waiting = open_questions(run / "questions", unix_ms())
            if waiting:
                return waiting[0].text
        raise AssertionError("nothing was asked")


@pytest.fixture(scope="module")
def twins():
    with Twins() as running:
        yield running


def verdict(run: Path):
    return next(each for each in RunRecord(run).verdicts().items if each.id == ROW)


def test_batteries_are_brought_to_a_start_state_by_a_hand_that_answers_from_elsewhere(twins):
    run = twins.folder / "by-hand"
    process = twins.qualify(run)

    text = twins.asked(run)
    page = snapshot(run, {}, unix_ms() / 1000)
    code, _ = twins.hil("answer", str(run), "done", "--by", "Ann")
    said, _ = process.communicate(timeout=TIMEOUT_S)

    assert text.startswith(
        "Please bring the batteries from 59 % SOC, 25 degC to 60 % SOC, 25 degC, about 1 min"
    )
    assert any(text in mark and f"hil answer {run} done|cannot" in mark for mark in page.marks)
    assert (code, process.returncode) == (0, 0), said
    assert verdict(run).verdict is Verdict.PASS
    assert "1. By hand: bring the batteries from 59 % SOC" in said
    # Before anything is energised, and on record for good.
    assert said.index("Expected: 2 min") < said.index("Bench self-test")
    trace = json.loads((run / attempt_path(ROW, TEST, 1) / "trace.json").read_text())
    told = [event["text"] for event in trace["events"] if event["lane"] == "bench"]
    assert told[0] == f"asked: {text}"
    assert re.fullmatch(r"answered: done, by Ann on \S+Z, hil answer", told[1])
    assert twins.hil("verify", str(run))[0] == 0
    assert "questions/0001.end.json" in (run / "manifest.json").read_text()
    # Whoever comes next finds them there.
    code, said = twins.hil("plan", str(twins.file), "--only", ROW)
    assert re.search(r"Batteries are at 60 % SOC, 25 degC, said by Ann on \S+Z\.", said)
    assert "By hand" not in said
    twins.state.unlink()


def test_ctrl_c_at_a_question_leaves_a_whole_record_of_an_aborted_attempt(twins):
    run = twins.folder / "interrupted"
    process = twins.qualify(run)
    twins.asked(run)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT_S)

    assert outcome_of(run / "questions", "0001").end is End.WITHDRAWN
    assert verdict(run).verdict is Verdict.ABORTED
    assert twins.hil("verify", str(run))[0] == 0
    # A hand may have begun: who comes next asks.
    assert "asked for 60 % SOC" in json.loads(twins.state.read_text())["doubt"]
    twins.state.unlink()


def test_a_night_asks_nobody_and_waits_for_nobody(twins):
    run = twins.folder / "runs" / "night"
    options = ["--only", ROW, "--runs", str(run.parent), "--out", str(run)]

    _, said = twins.hil("nightly", str(twins.file), *options)

    found = verdict(run)
    assert found.verdict is Verdict.NOT_RUN, said
    assert found.reason.startswith("no operator: a night asks nobody: Please bring the batteries")
    assert not (run / "questions").exists()
    assert "no operator: it starts at 60 % SOC, 25 degC, the batteries are at 59 % SOC" in said
