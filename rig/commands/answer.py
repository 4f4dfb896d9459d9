"""`hil answer`: answer what a run asks, from another shell of the same machine."""

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.clock import unix_ms, utc_now
from rig.errors import BenchFileError
from rig.operator.questions import (
    FOLDER,
    End,
    Outcome,
    Question,
    conclude,
    is_waited_for,
    open_questions,
)

VIA = "hil answer"
out = Console()


def answer(
    run: Annotated[Path, typer.Argument(help="Folder of the run that asks.")],
    choice: Annotated[
        str | None, typer.Argument(help="The answer; left out: show what is asked.")
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Its number, where several are open.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who answers; default: the user.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Answer a question that a run asks a technician, or show what it asks.

    Question, answer, who and when stay in the run's record.
    """
    folder = run / FOLDER
    if not run.is_dir():
        raise BenchFileError(f"{run}: no such folder; allowed: the folder of a run")
    asked_of_us = open_questions(folder, unix_ms())
    waiting = tuple(each for each in asked_of_us if is_waited_for(folder, each.id))
    if choice is None:
        _show(run, waiting, as_json=as_json)
        return
    if asked_of_us and not waiting:
        raise BenchFileError(f"{run}: whoever asked has ended; nothing is changed")
    asked = _one(run, waiting, question)
    if choice not in asked.allowed:
        raise BenchFileError(
            f"{choice}: {asked.id} asks {asked.text!r}; allowed: {', '.join(asked.allowed)}"
        )
    who = by or user()
    given = Outcome(end=End.ANSWERED, utc=utc_now(), choice=choice, by=who, via=VIA)
    if not conclude(folder, asked.id, given):
        raise BenchFileError(f"{run}: {asked.id} has been answered meanwhile; nothing is changed")
    if as_json:
        print(json.dumps({"question": asked.id, "answer": choice, "by": who}))  # noqa: T201
    else:
        told = f"{asked.id} {asked.text}: {choice}"
        out.print(told, markup=False, highlight=False, soft_wrap=True)


def how_to_answer(run: Path) -> str:
    """The command for another shell."""
    return f"hil answer {run} CHOICE"


def user() -> str:
    """Who types here."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _show(run: Path, waiting: tuple[Question, ...], *, as_json: bool) -> None:
    if as_json:
        told = [asdict(each) | {"allowed": each.allowed} for each in waiting]
        print(json.dumps({"run": str(run), "questions": told}))  # noqa: T201
        return
    for each in waiting:
        left_min = (each.until_ms - unix_ms()) / 60_000
        line = f"{each.id} {each.text} ({', '.join(each.allowed)}; {left_min:.0f} min left)"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not waiting:
        out.print(f"{run} asks nothing", markup=False, highlight=False, soft_wrap=True)


def _one(run: Path, waiting: tuple[Question, ...], id_: str | None) -> Question:
    """The question that is meant. Raises BenchFileError."""
    open_ = ", ".join(each.id for each in waiting) or "none is open"
    if id_ is not None:
        found = [each for each in waiting if each.id == id_]
        if not found:
            raise BenchFileError(f"--question {id_}: {run} does not wait for it; allowed: {open_}")
        return found[0]
    if not waiting:
        raise BenchFileError(f"{run}: asks nothing now; nothing is changed")
    if len(waiting) > 1:
        raise BenchFileError(f"{run}: asks {len(waiting)} things; allowed: --question {open_}")
    return waiting[0]
