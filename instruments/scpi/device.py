"""A device that obeys program messages: bytes in, bytes out.

What a message means is worked out once and remembered by its bytes, so that polling the same
query costs a dictionary look-up and its handler. A vendor's deviations are data: the Dialect.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from instruments.scpi.command import Command, CommandTable
from instruments.scpi.common import common_commands
from instruments.scpi.errors import ErrorQueue, ScpiError
from instruments.scpi.lexer import message_end, split
from instruments.scpi.status import Status

_UNIT = re.compile(
    r"(?P<root>:?)(?P<header>\*[A-Za-z]+|[A-Za-z]\w*(?::[A-Za-z]\w*)*)(?P<query>\??)"
    r"(?:(?P<gap>\s+|$)(?P<data>.*))?",
    re.DOTALL | re.ASCII,
)
# Set points sweep through many values; a bound keeps a long run from remembering them all.
_REMEMBERED_PROGRAMS = 512

Step = tuple[Callable[..., str | None], tuple[object, ...]]
Program = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where makers differ from the standard and from one another."""

    terminator: bytes = b"\n"
    input_limit: int = 1024
    queue_length: int = 16
    stop_after_error: bool = False
    scpi_version: str = "1999.0"


class Device:
    """Commands, error queue and status of one instrument."""

    def __init__(
        self,
        commands: Iterable[Command],
        *,
        identity: Callable[[], str],
        reset: Callable[[], None],
        dialect: Dialect | None = None,
    ) -> None:
        self.dialect = dialect or Dialect()
        self.identity = identity
        self.reset = reset
        self.errors = ErrorQueue(self.dialect.queue_length)
        self.status = Status()
        self._table = CommandTable([*common_commands(self), *commands])
        self._programs: dict[bytes, Program] = {}
        self._answers: list[str] = []

    @property
    def message_available(self) -> bool:
        """Whether the message being obeyed has answered something already."""
        return bool(self._answers)

    def report(self, error: ScpiError) -> None:
        """Queue an error and set its event bit."""
        self.errors.push(error)
        self.status.esr |= error.event_bit

    def execute(self, message: bytes) -> bytes:
        """Obey one message, with or without its terminator, and give its answers."""
        program = self._programs.get(message)
        if program is None:
            program = self._compile(message)
            if len(self._programs) >= _REMEMBERED_PROGRAMS:
                self._programs.clear()
            self._programs[message] = program
        answers = self._answers = []
        for handler, arguments in program:
            try:
                answer = handler(*arguments)
            except ScpiError as error:
                self.report(error)
                if self.dialect.stop_after_error:
                    break
            else:
                if answer is not None:
                    answers.append(answer)
        self._answers = []
        if not answers:
            return b""
        return ";".join(answers).encode("latin-1") + self.dialect.terminator

    def _compile(self, message: bytes) -> Program:
        path = ""
        steps: list[Step] = []
        for unit in split(message.decode("latin-1").strip(), ";"):
            text = unit.strip()
            if not text:
                continue
            match = _UNIT.match(text)
            if match is None or match["gap"] is None:
                steps.append((_refuse, (ScpiError(-102 if match is None else -111),)))
                continue
            header = match["header"].upper()
            if header[0] != "*":
                # The path is the last header less its leaf; a common command leaves it alone.
                header = header if match["root"] else path + header
                path = header[: header.rfind(":") + 1]
            try:
                step = self._table.resolve(
                    header, query=bool(match["query"]), data=match["data"] or ""
                )
            except ScpiError as error:
                step = (_refuse, (error,))
            steps.append(step)
        return tuple(steps)


def _refuse(error: ScpiError) -> None:
    # A fresh one each time: a remembered exception would collect tracebacks.
    raise ScpiError(error.code, error.text)


class Connection:
    """One client's stream into a device: cuts it into messages, each client its own."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._buffer = b""
        self._overrun = False

    def receive(self, data: bytes) -> bytes:
        """Obey every message that is complete and give their answers in order."""
        # The common case, whole and alone; a # may hide a line feed that is data.
        whole = 0 < len(data) <= self._limit and data.find(b"\n") == len(data) - 1
        if whole and not self._buffer and not self._overrun and b"#" not in data:
            return self._device.execute(data)
        self._buffer += data
        answers = b""
        while (end := message_end(self._buffer)) >= 0:
            message, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
            if self._overrun or len(message) - 1 > self._limit:
                self._overrun = False
                self._device.report(ScpiError(-363))
            else:
                answers += self._device.execute(message)
        if len(self._buffer) > self._limit:
            self._buffer = b""
            self._overrun = True
        return answers

    @property
    def _limit(self) -> int:
        return self._device.dialect.input_limit

    def interrupted(self) -> None:
        """Know that the client sent a message instead of reading its answer."""
        self._device.report(ScpiError(-410))

    def unterminated(self) -> None:
        """Know that the client read without having asked."""
        self._device.report(ScpiError(-420))
