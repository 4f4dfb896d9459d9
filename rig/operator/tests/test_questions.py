"""Questions as files: the first end counts, and an attempt hears of it, or of nothing in time."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rig.errors import NotOnThisBench
from rig.operator.asking import Ask, Nobody, Stated, Technician, ToAsk
from rig.operator.questions import (
    End,
    Outcome,
    conclude,
    is_waited_for,
    open_questions,
    outcome_of,
    put,
    questions,
    withdraw_all,
)
from rig.operator.terminal import TerminalPrompt

UTC = "2026-11-23T06:00:00Z"
FAR_MS = 4_000_000_000_000  # the year 2096


def one(folder: Path, text: str = "Is the buzzer loud?", choices=("yes", "no")):
    return put(folder, attempt="v1.08-04/test/1", text=text, choices=choices, asked=UTC,
               until_ms=FAR_MS)  # fmt: skip


def answered(choice: str, by: str = "Jan") -> Outcome:
    return Outcome(end=End.ANSWERED, utc=UTC, choice=choice, by=by, via="hil answer")


def test_a_question_is_open_until_it_is_answered(tmp_path):
    question = one(tmp_path)

    assert open_questions(tmp_path, 0) == (question,)
    assert conclude(tmp_path, question.id, answered("yes"))
    assert open_questions(tmp_path, 0) == ()
    assert outcome_of(tmp_path, question.id) == answered("yes")


def test_the_first_answer_counts(tmp_path):
    question = one(tmp_path)
    conclude(tmp_path, question.id, answered("yes"))

    assert not conclude(tmp_path, question.id, answered("no"))
    assert outcome_of(tmp_path, question.id).choice == "yes"


def test_a_question_is_over_when_its_time_is(tmp_path):
    one(tmp_path)

    assert open_questions(tmp_path, FAR_MS - 1)
    assert not open_questions(tmp_path, FAR_MS)


def test_questions_of_several_workers_get_numbers_of_their_own(tmp_path):
    assert [one(tmp_path).id, one(tmp_path).id] == ["0001", "0002"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001.json", "0002.json"]


def test_what_a_killed_attempt_asked_is_withdrawn_and_an_answer_stays(tmp_path):
    first, second = one(tmp_path), one(tmp_path)
    conclude(tmp_path, first.id, answered("no"))

    withdraw_all(tmp_path, UTC)

    assert outcome_of(tmp_path, first.id).choice == "no"
    assert outcome_of(tmp_path, second.id).end is End.WITHDRAWN


async def until_asked(folder: Path) -> None:
    for _ in range(1000):
        if questions(folder):
            return
        await asyncio.sleep(0.01)


def asked_of(operator, **how):
    return asyncio.run(Ask(operator)("Is the buzzer loud?", ("yes", "no"), **how))


def test_an_attempt_goes_on_with_the_answer_and_keeps_who_gave_it(tmp_path):
    notes: list[str] = []

    async def ask():
        waiting = asyncio.create_task(
            Ask(Technician(tmp_path, "v1.08-04/test/1", notes.append))(
                "Is the buzzer loud?", ("yes", "no")
            )
        )
        await until_asked(tmp_path)
        conclude(tmp_path, "0001", answered("no"))
        return await waiting

    assert asyncio.run(ask()) == "no"
    assert notes == [
        "asked: Is the buzzer loud?",
        "answered: no, by Jan on 2026-11-23T06:00:00Z, hil answer",
    ]


def test_an_attempt_that_asks_is_seen_to_wait(tmp_path):
    async def ask():
        asking = asyncio.create_task(Ask(Technician(tmp_path, "row/test/1", print))("Ready?"))
        await until_asked(tmp_path)
        waits = is_waited_for(tmp_path, "0001")
        conclude(tmp_path, "0001", answered("done"))
        await asking
        return waits, is_waited_for(tmp_path, "0001")

    assert asyncio.run(ask()) == (True, False)


def test_nobody_answers_in_time_is_no_operator(tmp_path):
    technician = Technician(tmp_path, "row/test/1", print)

    with pytest.raises(NotOnThisBench, match=r"^no operator: nobody answered within 0.1 s: Is the"):
        asked_of(technician, timeout_s=0.1)
    assert outcome_of(tmp_path, "0001").end is End.TIMED_OUT


def test_what_was_asked_in_vain_is_not_asked_again(tmp_path):
    technician = Technician(tmp_path, "row/test/1", print)
    with pytest.raises(NotOnThisBench):
        asked_of(technician, timeout_s=0.01)

    with pytest.raises(NotOnThisBench, match=r"no operator: asked on .* already, in vain: Is the"):
        asked_of(technician, timeout_s=60.0)
    assert len(questions(tmp_path)) == 1


def test_what_cannot_be_done_is_said_by_whom_and_not_asked_again(tmp_path):
    conclude(tmp_path, one(tmp_path).id, answered("cannot"))

    with pytest.raises(NotOnThisBench, match=r"^Jan cannot, on 2026-11-23T06:00:00Z: Is the"):
        asked_of(Technician(tmp_path, "row/test/1", print))


def test_an_interrupted_attempt_withdraws_its_question(tmp_path):
    async def interrupted():
        asking = asyncio.create_task(
            Ask(Technician(tmp_path, "row/test/1", print))("Is the buzzer loud?")
        )
        await until_asked(tmp_path)
        os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C
        await asking

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())
    assert outcome_of(tmp_path, "0001").end is End.WITHDRAWN


def test_nobody_is_waited_for_in_a_night():
    with pytest.raises(NotOnThisBench, match=r"^no operator: a night asks nobody: Is the buzzer"):
        asked_of(Nobody("a night asks nobody"))


def test_on_models_what_the_scenario_states_is_done_and_answered():
    done: list[str] = []

    async def press() -> None:
        done.append("pressed")

    notes: list[str] = []

    assert asked_of(Stated(notes.append), simulated="yes", acting=press) == "yes"
    assert done == ["pressed"]
    assert notes[-1] == "answered: yes, as the scenario states for models"


def test_on_models_a_question_without_a_stated_answer_is_not_run():
    with pytest.raises(NotOnThisBench, match=r"^no operator: models have no hands: Is the buzzer"):
        asked_of(Stated(print))


async def _nothing() -> None:
    pass


WRONG = [
    {"text": " "},
    {"text": "two\nlines"},
    {"choices": ()},
    {"choices": ("a", "a")},
    {"choices": ("done", "cannot")},
    {"timeout_s": 0.0},
    {"timeout_s": float("nan")},
    {"simulated": "maybe"},
    {"acting": _nothing},
]


@pytest.mark.parametrize(
    "wrong", WRONG, ids=[next(iter(each)) + str(n) for n, each in enumerate(WRONG)]
)
def test_what_nobody_could_answer_is_refused_when_it_is_asked(wrong):
    with pytest.raises(ValueError, match="allowed: "):
        ToAsk(**{"text": "Ready?", **wrong})


@pytest.fixture
def terminal():
    """Somebody's keys, and the end that a program reads."""
    keys, program = pty.openpty()
    with os.fdopen(program, "r") as reading:
        yield keys, reading
    os.close(keys)


def prompt(folder, keys, said):
    return TerminalPrompt(folder, "Jan", said.append, "hil answer runs/1 CHOICE", keys)


def test_an_answer_is_typed_on_the_terminal_of_the_run(tmp_path, terminal):
    keys, reading = terminal
    said: list[str] = []
    held: list[bool] = []
    asks = prompt(tmp_path, reading, said)
    asks.look(held.append)
    assert not said

    question = one(tmp_path)
    asks.look(held.append)
    os.write(keys, b"maybe\n")
    asks.look(held.append)
    os.write(keys, b"yes\n")
    asks.look(held.append)

    assert "  Is the buzzer loud?" in said
    assert "  'maybe': allowed: yes, no, cannot" in said
    found = outcome_of(tmp_path, question.id)
    assert (found.choice, found.by, found.via) == ("yes", "Jan", "terminal")
    assert held == [True, False]


def test_what_was_typed_before_a_question_is_no_answer_to_it(tmp_path, terminal):
    keys, reading = terminal
    asks = prompt(tmp_path, reading, [])
    os.write(keys, b"yes\n")
    question = one(tmp_path)

    asks.look()
    asks.look()

    assert outcome_of(tmp_path, question.id) is None


def test_an_answer_from_elsewhere_frees_the_terminal(tmp_path, terminal):
    said: list[str] = []
    held: list[bool] = []
    asks = prompt(tmp_path, terminal[1], said)
    question = one(tmp_path)
    asks.look(held.append)
    conclude(tmp_path, question.id, answered("no", by="Ann"))

    asks.look(held.append)

    assert said[-1] == "  answered by Ann, hil answer: no"
    assert held == [True, False]


IN_THE_BACKGROUND = """
import fcntl, os, sys, termios
from pathlib import Path
from rig.operator.terminal import TerminalPrompt
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # as a shell on its terminal
said = []
prompt = TerminalPrompt(Path(sys.argv[1]), "Jan", said.append, "hil answer runs/1 CHOICE")
child = os.fork()
if not child:
    os.setpgid(0, 0)  # as a shell does for what ends with &
    prompt.look()
    prompt.look()
    print(said[-1], flush=True)
    os._exit(0)
status = os.waitpid(child, os.WUNTRACED)[1]
if os.WIFSTOPPED(status):
    os.kill(child, 9)
    print("stopped", flush=True)
"""


def test_a_run_in_the_background_is_not_stopped_by_its_question(tmp_path):
    question = one(tmp_path)
    keys, program = pty.openpty()
    os.write(keys, b"yes\n")

    done = subprocess.run(
        [sys.executable, "-c", IN_THE_BACKGROUND, str(tmp_path)],
        stdin=program,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        timeout=60.0,
        check=True,
    )
    os.close(program)
    os.close(keys)

    assert done.stdout == "  To answer: hil answer runs/1 CHOICE\n"
    assert outcome_of(tmp_path, question.id) is None


def test_a_run_that_is_brought_to_the_front_takes_what_is_typed_from_then_on(
    tmp_path, terminal, monkeypatch
):
    keys, reading = terminal
    in_front = [0]  # the group of somebody else
    monkeypatch.setattr(os, "tcgetpgrp", lambda _keys: in_front[0])
    said: list[str] = []
    asks = prompt(tmp_path, reading, said)
    question = one(tmp_path)
    os.write(keys, b"yes\n")
    asks.look()
    assert said[-1] == "  To answer: hil answer runs/1 CHOICE"

    in_front[0] = os.getpgrp()
    asks.look()
    assert "  Type one of: yes, no, cannot" in said
    assert outcome_of(tmp_path, question.id) is None
    os.write(keys, b"no\n")
    asks.look()

    assert outcome_of(tmp_path, question.id).choice == "no"


def test_a_pipe_is_nobody_and_the_other_way_is_told(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.close(writing)
    said: list[str] = []
    with os.fdopen(reading, "r") as keys:
        asks = prompt(tmp_path, keys, said)
        question = one(tmp_path)
        asks.look()
        asks.look()

    assert outcome_of(tmp_path, question.id) is None
    assert said[-1] == "  To answer: hil answer runs/1 CHOICE"
