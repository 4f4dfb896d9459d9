"""Questions of a run as files: the attempt writes one and waits, whoever answers writes the answer.

In the run's folder, `questions/0001.json` is a question and `questions/0001.end.json` is what
became of it: answered, timed out, or withdrawn. The first end counts, whoever writes it: a link
makes it whole at once or not at all. So nobody listens anywhere, and a question can be answered
from every shell of the machine that may write to the folder, and from no other place. Who waits
holds a lock on the question: it ends with its process, however that ends.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rig.file_lock import open_lock, take
from rig.recording import RecordError, as_json, canonical_json
from rig.recording.fields import Fields, read_json

FOLDER = "questions"
CANNOT = "cannot"  # what every question can be answered with, besides its choices
NUMBERS = range(1, 10_000)
TRIES = 1000  # chosen, a millisecond: who looks whether somebody waits has the lock for less


class End(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    WITHDRAWN = "withdrawn"  # nobody waits for it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that an attempt asks. `until_ms` is in Unix time: so long it is waited for."""

    id: str
    attempt: str
    text: str
    choices: tuple[str, ...]
    asked: str
    until_ms: int

    @property
    def allowed(self) -> tuple[str, ...]:
        """What it can be answered with."""
        return (*self.choices, CANNOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a question: the choice and by whom, empty where nobody answered.

    `via`: "terminal" or "hil answer".
    """

    end: End
    utc: str
    choice: str = ""
    by: str = ""
    via: str = ""


def put(
    folder: Path, *, attempt: str, text: str, choices: Sequence[str], asked: str, until_ms: int
) -> Question:
    """Ask, under the next free number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in NUMBERS:
        question = Question(
            id=f"{number:04d}",
            attempt=attempt,
            text=text,
            choices=tuple(choices),
            asked=asked,
            until_ms=until_ms,
        )
        if _write_once(_asked(folder, question.id), as_json(question)):
            return question
    raise RecordError(f"{folder}: holds {len(NUMBERS)} questions; allowed: no more")


def conclude(folder: Path, id_: str, outcome: Outcome) -> bool:
    """End a question; False if it had ended already, and then nothing is changed."""
    return _write_once(_ended(folder, id_), as_json(outcome))


def outcome_of(folder: Path, id_: str) -> Outcome | None:
    """What became of it; None while it waits. Raises RecordError for a broken file."""
    path = _ended(folder, id_)
    if not path.is_file():
        return None
    fields = Fields(read_json(path), str(path))
    return Outcome(
        end=End(fields.text("end", tuple(End))),
        utc=fields.utc("utc"),
        choice=fields.text("choice"),
        by=fields.text("by"),
        via=fields.text("via"),
    )


def questions(folder: Path) -> tuple[Question, ...]:
    """All that were asked, in their order. Raises RecordError for a broken file."""
    paths = sorted(path for path in folder.glob("[0-9]*.json") if path.stem.isdecimal())
    return tuple(_read(path) for path in paths)


def open_questions(folder: Path, now_ms: int) -> tuple[Question, ...]:
    """Those that somebody waits for at ``now_ms``, in their order."""
    return tuple(
        question
        for question in questions(folder)
        if now_ms < question.until_ms and not _ended(folder, question.id).is_file()
    )


@contextmanager
def waiting_for(folder: Path, id_: str) -> Iterator[None]:
    """While this is entered, `is_waited_for` says that somebody waits."""
    handle = open_lock(_asked(folder, id_))
    try:
        with suppress(OSError):  # a file system without locks: it cannot be seen, then
            for _ in range(TRIES):
                if take(handle):
                    break
        yield
    finally:
        os.close(handle)


def is_waited_for(folder: Path, id_: str) -> bool:
    """Whether a process of this machine waits for the answer."""
    handle = os.open(_asked(folder, id_), os.O_RDONLY)
    try:
        return not take(handle)
    except OSError:  # a file system without locks cannot tell
        return True
    finally:
        os.close(handle)


def withdraw_all(folder: Path, utc: str) -> None:
    """Nobody waits any more: what is open is withdrawn."""
    if folder.is_dir():
        for question in questions(folder):
            conclude(folder, question.id, Outcome(end=End.WITHDRAWN, utc=utc))


def _read(path: Path) -> Question:
    fields = Fields(read_json(path), str(path))
    return Question(
        id=path.stem,
        attempt=fields.text("attempt"),
        text=fields.text("text"),
        choices=fields.texts("choices"),
        asked=fields.utc("asked"),
        until_ms=fields.integer("until_ms"),
    )


def _asked(folder: Path, id_: str) -> Path:
    return folder / f"{id_}.json"


def _ended(folder: Path, id_: str) -> Path:
    return folder / f"{id_}.end.json"


def _write_once(path: Path, content: object) -> bool:
    """Whole, and only if nobody was faster."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(canonical_json(content) + "\n", encoding="utf-8", newline="\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
