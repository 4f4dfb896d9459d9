"""Conversations of instruments that speak lines instead of SCPI: one request, one answer.

A line ends with a carriage return, a line feed or both; an empty line asks nothing.
"""

import re
from collections.abc import Callable

from instruments.twins.twin import Fault, Twin

_END = re.compile(rb"[\r\n]+")
# Chosen: no request of these instruments is nearly as long; beyond it the line is noise.
_LONGEST = 1024


class LineConversation:
    """One client's connection into a twin whose ``obey`` answers a line, or stays silent."""

    def __init__(self, twin: Twin, obey: Callable[[str], str | None], *, end: bytes) -> None:
        self._twin = twin
        self._obey = obey
        self._end = end
        self._buffer = b""
        self._before = b""

    def receive(self, data: bytes) -> bytes:
        """Obey every line that is complete and give the answers in order."""
        twin = self._twin
        if twin.fault in {Fault.SILENT, Fault.LOST}:
            twin.supervise()
            return b""
        twin.before_message()
        *lines, self._buffer = _END.split(self._buffer + data)
        if len(self._buffer) > _LONGEST:
            self._buffer = b""
        answers = b"".join(self._answer(line.decode("latin-1")) for line in lines if line.strip())
        return self._faulty(answers) if answers else b""

    def _answer(self, line: str) -> bytes:
        answer = self._obey(line)
        return b"" if answer is None else answer.encode("latin-1") + self._end

    def _faulty(self, answers: bytes) -> bytes:
        before, self._before = self._before, answers
        match self._twin.fault:
            case Fault.MUTE:
                return b""
            case Fault.WRONG_ORDER:
                return before or answers
            case Fault.GARBAGE:
                return self._twin.junk().rstrip(b"\n") + self._end
            case _:
                return answers

    def interrupted(self) -> None:
        """An unread answer is simply lost: there is no error queue to tell it to."""

    def unterminated(self) -> None:
        """Reading without having asked is nothing that these instruments notice."""
