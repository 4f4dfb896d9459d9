"""`hil answer`: shows what a run asks, and answers it once, and only what is allowed."""

import json
import subprocess
import sys

import pytest

from rig.commands.answer import answer
from rig.errors import BenchFileError
from rig.operator.questions import is_waited_for, outcome_of, put, waiting_for

UTC = "2026-11-23T06:00:00Z"
FAR_MS = 4_000_000_000_000  # the year 2096


@pytest.fixture
def run(tmp_path):
    ask(tmp_path, "Is the buzzer loud?", until_ms=FAR_MS)
    with waiting_for(tmp_path / "questions", "0001"):
        yield tmp_path


def ask(run, text, until_ms):
    put(
        run / "questions",
        attempt="v1.08-04/test/1",
        text=text,
        choices=("yes", "no"),
        asked=UTC,
        until_ms=until_ms,
    )


def test_an_answer_is_kept_with_who_gave_it(run):
    answer(run, "no", by="Ann")

    found = outcome_of(run / "questions", "0001")
    assert (found.choice, found.by, found.via) == ("no", "Ann", "hil answer")


def test_without_an_answer_it_shows_what_is_asked(run, capsys):
    answer(run, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert [each["text"] for each in told["questions"]] == ["Is the buzzer loud?"]
    assert told["questions"][0]["allowed"] == ["yes", "no", "cannot"]


def test_what_is_no_choice_is_refused_and_the_question_waits_on(run):
    with pytest.raises(BenchFileError, match="allowed: yes, no, cannot"):
        answer(run, "maybe")

    assert outcome_of(run / "questions", "0001") is None


def test_one_of_several_questions_is_answered_by_its_number(run):
    ask(run, "Does the lamp flash?", until_ms=FAR_MS)

    with (
        waiting_for(run / "questions", "0002"),
        pytest.raises(BenchFileError, match="asks 2 things; allowed: --question 0001, 0002"),
    ):
        answer(run, "yes")
    with waiting_for(run / "questions", "0002"):
        answer(run, "yes", question="0002")
    assert outcome_of(run / "questions", "0001") is None
    assert outcome_of(run / "questions", "0002").choice == "yes"


def test_a_number_that_is_not_asked_is_refused(run):
    with pytest.raises(BenchFileError, match=r"--question 7: .* allowed: 0001"):
        answer(run, "yes", question="7")


def test_nothing_is_answered_after_its_time(tmp_path):
    ask(tmp_path, "Is the buzzer loud?", until_ms=1)

    with pytest.raises(BenchFileError, match="asks nothing now"):
        answer(tmp_path, "yes")


KILLED_WHILE_IT_WAITS = """
import os, signal, sys
from pathlib import Path
from rig.operator.questions import waiting_for
with waiting_for(Path(sys.argv[1]), "0001"):
    print("waits", flush=True)
    signal.pause()
"""


def test_a_run_whose_process_was_killed_is_not_answered(tmp_path):
    ask(tmp_path, "Is the buzzer loud?", until_ms=FAR_MS)
    folder = tmp_path / "questions"
    command = [sys.executable, "-c", KILLED_WHILE_IT_WAITS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout.readline() == "waits\n"
        waited_for = is_waited_for(folder, "0001")
        asking.kill()
        asking.wait()

    assert waited_for
    with pytest.raises(BenchFileError, match="whoever asked has ended; nothing is changed"):
        answer(tmp_path, "yes")
    assert outcome_of(folder, "0001") is None


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(BenchFileError, match="no such folder; allowed: the folder of a run"):
        answer(tmp_path / "nowhere", "yes")
