"""Ctrl-C in the middle of a run: the record is whole, and what was cut off never looks passed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Its first test runs for more than a second.
LONG = "scenarios/v1_13/test_01_soc_after_a_drive_cycle.py"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "cut"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", LONG]
    child = subprocess.Popen(
        [*command, "--out", str(folder)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    journal = folder / "journal.jsonl"
    while child.poll() is None and not (journal.is_file() and journal.stat().st_size):
        time.sleep(0.005)  # noqa: TID251 - another process, on the wall clock
    time.sleep(0.2)  # noqa: TID251 - until it is within its test
    child.send_signal(signal.SIGINT)
    return child.wait(60), folder


def test_an_interrupted_run_is_no_success(interrupted):
    code, _ = interrupted

    assert code == 1


def test_the_attempt_that_was_cut_off_is_aborted(interrupted):
    _, folder = interrupted

    last = json.loads((folder / "journal.jsonl").read_text().splitlines()[-1])

    assert (last["what"], last["verdict"], last["reason"]) == ("END", "ABORTED", "interrupted")


def test_the_row_is_aborted(interrupted):
    _, folder = interrupted

    items = json.loads((folder / "verdicts.json").read_text())["items"]

    assert {i["id"]: i["verdict"] for i in items}["v1.13-01"] == "ABORTED"
