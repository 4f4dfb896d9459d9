"""A device that obeys program messages: bytes in, bytes out.

What a message means is worked out once and remembered by its bytes, so that polling the same
query costs a dictionary look-up and its handler. A vendor's deviations are data: the Dialect.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from instruments.scpi.command import Command, CommandTable
from instruments.scpi.common import Memory, common_commands, memory_commands
from instruments.scpi.errors import ErrorQueue, ScpiError
from instruments.scpi.lexer import message_end, split, strip
from instruments.scpi.status import Status

_UNIT = re.compile(
    r"(?P<root>:?)(?P<header>\*[A-Za-z]+|[A-Za-z]\w*(?::[A-Za-z]\w*)*)(?P<query>\??)"
    r"(?:(?P<gap>[\x00-\x20]+|$)(?P<data>.*))?",
    re.DOTALL | re.ASCII,
)
# What may follow a header only after white space; any other character is none of a header's.
_DATA_BEGINS = frozenset("\"'(#+-.,?")
# Set points sweep through many values; a bound keeps a long run from remembering them all.
_REMEMBERED_PROGRAMS = 512

Step = tuple[Callable[..., str | None], tuple[object, ...]]
Program = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where makers differ from the standard and from one another.

    ``terminator`` ends answers, any byte of ``ends`` a message. ``error_format`` gets ``code`` and
    ``text``; ``error_texts`` replaces standard texts; ``integer_format`` shows registers.
    ``lacks`` names common commands that the model has not, as this package declares them.
    ``identity_ends_message`` refuses a query after ``*IDN?`` in one message with -440.
    ``root_without_colon`` finds a header that the path does not know from the root as well.
    ``output_limit`` bounds a message's answers: more is -430, and nothing is answered.
    """

    terminator: bytes = b"\n"
    ends: bytes = b"\n"
    input_limit: int = 1024
    output_limit: int | None = None
    root_without_colon: bool = False
    queue_length: int = 16
    stop_after_error: bool = False
    identity_ends_message: bool = False
    scpi_version: str = "1999.0"
    error_format: str = '{code},"{text}"'
    error_texts: Mapping[int, str] = field(default_factory=dict)
    integer_format: str = "{:d}"
    lacks: frozenset[str] = frozenset()


class Device:
    """Commands, error queue and status of one instrument.

    ``trigger`` is what *TRG does and ``memory`` what *SAV and *RCL use; a model without them
    does not know those commands.
    """

    def __init__(
        self,
        commands: Iterable[Command],
        *,
        identity: Callable[[], str],
        reset: Callable[[], None],
        dialect: Dialect | None = None,
        trigger: Callable[[], None] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.dialect = dialect or Dialect()
        self.identity = identity
        self.reset = reset
        self.errors = ErrorQueue(self.dialect.queue_length)
        self.status = Status()
        common = [c for c in common_commands(self) if c.header not in self.dialect.lacks]
        if trigger is not None:
            common.append(Command("*TRG", set=trigger))
        if memory is not None:
            common += memory_commands(memory, reset)
        self._table = CommandTable([*common, *commands])
        self._programs: dict[bytes, Program] = {}
        self._answers: list[str] = []

    @property
    def message_available(self) -> bool:
        """Whether the message being obeyed has answered something already."""
        return bool(self._answers)

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte, for *STB? or for a client that polls beside its messages."""
        return self.status.byte(
            errors_waiting=len(self.errors) > 0, message_available=message_available
        )

    def report(self, error: ScpiError) -> None:
        """Queue an error and set its event bit, and that of an overflow."""
        self.status.esr |= error.event_bit
        if not self.errors.push(error):
            self.status.esr |= Status.DEVICE_ERROR

    def next_error(self) -> str:
        """Take the oldest error, as this dialect writes it."""
        error = self.errors.pop()
        text = self.dialect.error_texts.get(error.code, error.text)
        return self.dialect.error_format.format(code=error.code, text=text)

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
        response = ";".join(answers).encode("latin-1") + self.dialect.terminator
        limit = self.dialect.output_limit
        if limit is not None and len(response) > limit:
            self.report(ScpiError(-430))
            return b""
        return response

    def _from_root(self, header: str, path: str, *, query: bool) -> bool:
        return self.dialect.root_without_colon and not self._table.knows(path + header, query=query)

    def _compile(self, message: bytes) -> Program:
        path = ""
        identified = False
        steps: list[Step] = []
        for unit in split(strip(message.decode("latin-1")), ";"):
            text = strip(unit)
            if not text:
                continue
            match = _UNIT.match(text)
            if match is None or match["gap"] is None:
                steps.append(_refusal(_syntax_error(text, match)))
                continue
            header, query = match["header"].upper(), bool(match["query"])
            if header[0] != "*":
                # The path is the last header less its leaf; a common command leaves it alone.
                if not match["root"] and not self._from_root(header, path, query=query):
                    header = path + header
                path = header[: header.rfind(":") + 1]
            elif match["root"]:
                steps.append(_refusal(-102))
                continue
            if query and identified:
                steps.append(_refusal(-440))
                continue
            identified = self.dialect.identity_ends_message and query and header == "*IDN"
            try:
                step = self._table.resolve(header, query=query, data=match["data"] or "")
            except ScpiError as error:
                step = _refusal(error.code, error.text)
            steps.append(step)
        return tuple(steps)


def _syntax_error(text: str, match: re.Match[str] | None) -> int:
    at = 0 if match is None else match.end()
    character = text[at : at + 1]
    if character in _DATA_BEGINS:
        return -111 if match is not None else -102
    # What may stand in a header somewhere, only not here.
    return -102 if character in {":", "*", "_"} or character.isdecimal() else -101


def _refusal(code: int, text: str | None = None) -> Step:
    return _refuse, (code, text)


def _refuse(code: int, text: str | None) -> None:
    # A fresh one each time: a remembered exception would collect tracebacks.
    raise ScpiError(code, text)


class Connection:
    """One client's stream into a device: cuts it into messages, each client its own."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._buffer = b""
        self._overrun = False

    def receive(self, data: bytes) -> bytes:
        """Obey every message that is complete and give their answers in order."""
        # The common case, whole and alone; a # may hide a line feed that is data.
        ends = self._device.dialect.ends
        whole = 0 < len(data) <= self._limit and data.find(b"\n") == len(data) - 1
        if whole and not self._buffer and not self._overrun and b"#" not in data and ends == b"\n":
            return self._device.execute(data)
        self._buffer += data
        answers = b""
        while (end := message_end(self._buffer, ends)) >= 0:
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

    def status_byte(self, *, answer_waiting: bool) -> int:
        """The status byte as a client polls it beside its messages."""
        return self._device.status_byte(message_available=answer_waiting)

    def device_clear(self) -> None:
        """Forget what has been received and not yet obeyed; settings, errors and status stay."""
        self._buffer = b""
        self._overrun = False
