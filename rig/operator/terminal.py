"""The question on the terminal of a run's command, while the run goes on in its own process.

Nothing here waits: `look` is called again and again, between looks at the run, so Ctrl-C does what
it does at any other moment. Where standard input is no terminal, nobody is taken for a person, nor
while the run is in its background: there a shell stops whoever reads from it.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from rig.clock import unix_ms, utc_now
from rig.operator.questions import (
    End,
    Outcome,
    Question,
    conclude,
    open_questions,
    outcome_of,
)
from rig.recording import RecordError

if sys.platform == "win32":  # pragma: no cover - there `hil answer` is the way
    HAS_TERMINALS = False
else:
    import select
    import termios

    HAS_TERMINALS = True
BYTES = 4096
VIA = "terminal"


def _hold_nothing(_held: bool) -> None:
    pass


class TerminalPrompt:
    """Asks on a terminal what the attempts of a run ask.

    ``by``: who sits there. ``say`` prints a line; ``elsewhere`` is how to answer from another
    shell.
    """

    def __init__(
        self,
        folder: Path,
        by: str,
        say: Callable[[str], None],
        elsewhere: str,
        keys: TextIO | None = None,
    ) -> None:
        self._folder, self._by, self._say, self._elsewhere = folder, by, say, elsewhere
        keys = sys.stdin if keys is None else keys
        self._keys = keys.fileno() if HAS_TERMINALS and _is_terminal(keys) else None
        self._shown: Question | None = None
        self._typed = b""
        self._is_offered = False  # whether an answer to what is shown may be typed

    def look(self, hold: Callable[[bool], None] = _hold_nothing) -> None:
        """Show a question that is new, take an answer that has been typed.

        ``hold`` hears True before anything is shown, and False once the terminal is free again.
        """
        if self._shown is None:
            with suppress(RecordError, OSError):
                waiting = open_questions(self._folder, unix_ms())
                if waiting:
                    hold(True)
                    self._show(waiting[0])
        if self._shown is None:
            return
        outcome = self._outcome(self._shown)
        if outcome is not None:
            self._say(_told(outcome))
            self._shown = None
        else:
            self._take_keys(self._shown)
        if self._shown is None:
            hold(False)

    def _show(self, question: Question) -> None:
        self._shown, self._is_offered = question, False
        minutes = max(0, question.until_ms - unix_ms()) / 60_000
        self._say(f"\nQuestion of {question.attempt}, for {minutes:.0f} min:")
        self._say(f"  {question.text}")
        if self._keys is None or not _is_in_front(self._keys):
            self._say(f"  To answer: {self._elsewhere}")

    def _offer(self, question: Question, keys: int) -> None:
        self._typed, self._is_offered = b"", True
        _forget_keys(keys)
        self._say(f"  Type one of: {', '.join(question.allowed)}")
        self._say(f"  Or, from another shell: {self._elsewhere}")

    def _outcome(self, question: Question) -> Outcome | None:
        with suppress(RecordError, OSError):
            found = outcome_of(self._folder, question.id)
            if found is None and unix_ms() >= question.until_ms:
                return Outcome(end=End.TIMED_OUT, utc=utc_now())
            return found
        return None

    def _take_keys(self, question: Question) -> None:
        if self._keys is None:
            return
        if not _is_in_front(self._keys):
            self._is_offered = False
            return
        if not self._is_offered:
            self._offer(question, self._keys)
        for line in self._lines(self._keys):
            choice = line.strip()
            if choice in question.allowed:
                answered = Outcome(
                    end=End.ANSWERED, utc=utc_now(), choice=choice, by=self._by, via=VIA
                )
                if conclude(self._folder, question.id, answered):
                    self._say(f"  {choice}: thank you")
                    self._shown = None
                return
            if choice:
                self._say(f"  {choice!r}: allowed: {', '.join(question.allowed)}")

    def _lines(self, keys: int) -> list[str]:
        """Whole lines that have been typed since; nothing is waited for."""
        if not select.select([keys], [], [], 0)[0]:
            return []
        try:
            read = os.read(keys, BYTES)
        except OSError:
            read = b""
        if not read:  # the terminal is gone
            self._keys = None
            self._say(f"  To answer: {self._elsewhere}")
            return []
        *whole, self._typed = (self._typed + read).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


def _told(outcome: Outcome) -> str:
    if outcome.end is End.ANSWERED:
        return f"  answered by {outcome.by}, {outcome.via}: {outcome.choice}"
    return f"  {outcome.end}"


def _is_terminal(keys: TextIO) -> bool:
    try:
        return keys.isatty()
    except ValueError:  # it is closed
        return False


def _is_in_front(keys: int) -> bool:
    """Whether this process may read from the terminal; in the background it would be stopped."""
    try:
        return os.tcgetpgrp(keys) == os.getpgrp()
    except OSError:  # it is not the terminal that this process was started from: nothing stops it
        return True


def _forget_keys(keys: int) -> None:
    """What was typed before a question is no answer to it."""
    with suppress(termios.error):
        termios.tcflush(keys, termios.TCIFLUSH)
