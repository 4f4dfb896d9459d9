"""An instrument's session: write, await the answer, read, one exchange at a time.

Only awaiting differs between benches, and its runner is given at construction. Around it stands
what every instrument needs: identity at opening, errors drained after commands, a log, and a clean
line after a time-out, so that a late answer never answers the next query.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Literal, Protocol

from pyvisa.constants import StatusCode
from pyvisa.errors import InvalidSession, VisaIOError

from instruments.exchange import Exchange, Pause, Runner
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    IdentityMismatch,
    InstrumentError,
    InstrumentLost,
    InstrumentTimeout,
)

Check = Literal["each", "batch", "off"]
Log = Callable[[int, str, str], None]

# No instrument holds more; one that never says "no error" must not hold us for ever.
_MOST_ERRORS = 64


class Resource(Protocol):
    """What a session needs of a PyVISA message-based resource."""

    read_termination: str | None
    write_termination: str
    timeout: float

    def open(self) -> None:
        """Connect again after close."""

    def write(self, message: str) -> int:
        """Send a message."""

    def read(self) -> str:
        """Take the answer."""

    def clear(self) -> None:
        """Drop pending answers."""

    def close(self) -> None:
        """Disconnect."""


class Session:
    """One client's talk with one instrument.

    ``check`` says when the error queue is drained: after each command, when ``check()`` is
    called, or never. ``stream`` is False for message interfaces (HiSLIP, USBTMC, GPIB), which know
    a device clear. ``log`` gets time, direction (``>``, ``<``, ``!``) and text.

    What is asked inside ``urgently()`` goes before everything that waits for its turn.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        name: str,
        runner: Runner,
        now_us: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stream: bool = True,
        check: Check = "each",
        log: Log | None = None,
    ) -> None:
        self.name = name
        self.now_us = now_us
        self.sleep = sleep
        self.asked_us = 0
        self._resource = resource
        self._runner = runner
        self._check = check
        self._log = log
        self._stream = stream
        self._doubtful = False
        self._closed = False
        # Codes in the error queue that tell of an event, such as a trip, and refuse no command.
        self.announcements: frozenset[int] = frozenset()
        # A resource that has lost its connection does not know its time-out any more.
        self._timeout_ms = 2000.0
        self._error_query = "SYST:ERR?"
        self._status_query: str | None = None
        self._on_status: Callable[[str], None] | None = None

    def read_status_before_errors(self, query: str, take: Callable[[str], None]) -> None:
        """For models whose error query acknowledges alarms: ask and keep the status first."""
        self._status_query = query
        self._on_status = take

    async def open(
        self,
        models: Sequence[str] | None,
        *,
        serial: str | None = None,
        identify: Callable[[], Awaitable[Identity]] | None = None,
    ) -> Identity:
        """Make sure that one of ``models`` answers, of this serial number if one is given.

        None is any model. ``identify`` asks who it is where there is no ``*IDN?``.
        Raises InstrumentLost where nobody listens, IdentityMismatch where another answers.
        """
        if self._closed:
            await self._runner.run(self._open_again())
        identity = await (identify or self.identify)()
        if models is not None and identity.model not in models:
            raise IdentityMismatch(self._say(f"is {identity.model!r}, expected {models[0]!r}"))
        if serial is not None and identity.serial != serial:
            raise IdentityMismatch(
                self._say(f"has serial number {identity.serial!r}, expected {serial!r}")
            )
        return identity

    async def identify(self) -> Identity:
        """Ask for the identity, and take its four fields."""
        answer = await self.query("*IDN?")
        fields = [field.strip() for field in answer.split(",")]
        if len(fields) < 4:
            raise AnswerGarbled(self._say(f"answered {answer!r} to *IDN?, expected four fields"))
        return Identity(
            manufacturer=fields[0], model=fields[1], serial=fields[2], firmware=fields[3]
        )

    def run_by(self, wrap: Callable[[Runner], Runner]) -> None:
        """Have every exchange go through what is wrapped around the runner: for who watches."""
        self._runner = wrap(self._runner)

    def peer_has_closed(self) -> bool:
        """Whether the instrument has hung up, by a look that asks it nothing.

        While an exchange is under way, or has left an answer behind, that is the exchange's to see.
        """
        # A twin in this process has no connection that could end.
        look: Callable[[], bool] | None = getattr(self._resource, "peer_has_closed", None)
        return look is not None and not self._closed and not self._doubtful and look()

    async def query(self, text: str) -> str:
        """Ask and give the answer without its terminator; ``asked_us`` then says when."""
        # Another's exchange may have begun before this caller goes on.
        answer, self.asked_us = await self._runner.run(self._exchange(text))
        return answer

    async def query_all(self, texts: Sequence[str]) -> list[str]:
        """Ask one after another without a pause, giving way only to what is urgent."""
        answers, self.asked_us = await self._runner.run(self._exchange_all(texts))
        return answers

    async def command(self, text: str) -> None:
        """Send what is not answered; raises CommandRefused if errors are checked each time."""
        await self._runner.run(self._command(text))

    async def check(self) -> None:
        """Drain the error queue; raises CommandRefused if there was an error."""
        await self._runner.run(self._raise_errors("commands since the last check"))

    async def errors(self) -> list[str]:
        """Take the error queue, oldest first."""
        return await self._runner.run(self._drain())

    async def clear(self) -> None:
        """Forget the errors of the instrument; answers still to come are dropped anyway."""
        await self._runner.run(self._clear())

    async def close(self) -> None:
        """Disconnect; the instrument stays as it is."""
        if not self._closed:
            try:
                await self._runner.run(self._close())
            finally:
                self._runner.stop()

    # Exchanges: they run one at a time, and pause where the runner takes over.

    def _exchange(self, text: str) -> Exchange[tuple[str, int]]:
        self._clean()
        asked_us = self._send(text)
        # Whatever ends the exchange early, even a cancellation, leaves an answer behind.
        self._doubtful = True
        yield Pause.ANSWER
        try:
            answer = self._resource.read()
        except UnicodeDecodeError:
            raise AnswerGarbled(self._fault(f"answered bytes to {text!r}")) from None
        except VisaIOError as error:
            if error.error_code == StatusCode.error_timeout:
                raise InstrumentTimeout(
                    self._fault(f"did not answer {text!r} within {self._resource.timeout:g} ms")
                ) from error
            raise self._lost(error) from error
        except (OSError, InvalidSession) as error:
            raise self._lost(error) from error
        self._doubtful = False
        if self._log is not None:
            self._log(self.now_us(), "<", answer)
        return answer, asked_us

    def _exchange_all(self, texts: Sequence[str]) -> Exchange[tuple[list[str], int]]:
        answers: list[str] = []
        asked_us = self.asked_us
        for text in texts:
            answer, asked_us = yield from self._exchange(text)
            answers.append(answer)
            yield Pause.BETWEEN
        return answers, asked_us

    def _command(self, text: str) -> Exchange[None]:
        self._clean()
        self.asked_us = self._send(text)
        if self._check == "each":
            yield from self._raise_errors(text)

    def _clear(self) -> Exchange[None]:
        self._clean()
        self._send("*CLS")
        yield Pause.BETWEEN

    def _close(self) -> Exchange[None]:
        self._closed = True
        self._disconnect()
        yield Pause.BETWEEN

    def _open_again(self) -> Exchange[None]:
        self._connect()
        self._closed = False
        yield Pause.BETWEEN

    def _raise_errors(self, text: str) -> Exchange[None]:
        errors = yield from self._drain()
        errors = [error for error in errors if _error_code(error) not in self.announcements]
        if errors:
            raise CommandRefused(self._fault(f"refused {text!r}: {'; '.join(errors)}"))

    def _drain(self) -> Exchange[list[str]]:
        if self._status_query is not None and self._on_status is not None:
            status, _ = yield from self._exchange(self._status_query)
            self._on_status(status)
        errors: list[str] = []
        while len(errors) < _MOST_ERRORS:
            answer, _ = yield from self._exchange(self._error_query)
            try:
                if _error_code(answer) == 0:
                    return errors
            except ValueError:
                raise AnswerGarbled(
                    self._fault(f"answered {answer!r} to {self._error_query}")
                ) from None
            errors.append(answer)
        raise InstrumentError(self._fault(f"has more than {_MOST_ERRORS} errors queued"))

    def _send(self, text: str) -> int:
        asked_us = self.now_us()
        if self._log is not None:
            self._log(asked_us, ">", text)
        try:
            self._resource.write(text)
        except (VisaIOError, OSError, InvalidSession) as error:
            raise self._lost(error) from error
        return asked_us

    def _clean(self) -> None:
        """Make sure that no answer to an earlier query is still to come.

        The connection is opened anew: a peer that went away looks just like a slow one, and
        PyVISA-py's clear of a socket whose peer went away never returns.
        """
        if self._closed:
            raise InstrumentLost(self._fault("is closed"))
        if self._doubtful:
            self._disconnect()
            self._connect()

    def _disconnect(self) -> None:
        # What is gone already is disconnected too; its time-out is the one known from before.
        with suppress(VisaIOError, OSError, InvalidSession):
            self._timeout_ms = self._resource.timeout
            self._resource.close()

    def _connect(self) -> None:
        resource = self._resource
        ends = resource.read_termination, resource.write_termination
        try:
            resource.open()
            resource.read_termination, resource.write_termination = ends
            resource.timeout = self._timeout_ms
            if not self._stream:
                resource.clear()
        except (VisaIOError, OSError, InvalidSession) as error:
            raise self._lost(error) from error
        self._doubtful = False

    def _lost(self, error: Exception) -> InstrumentLost:
        self._doubtful = True
        return InstrumentLost(self._fault(f"is lost: {error}"))

    def _fault(self, what: str) -> str:
        text = self._say(what)
        if self._log is not None:
            self._log(self.now_us(), "!", what)
        return text

    def _say(self, what: str) -> str:
        return f"{self.name} {what} (t = {self.now_us() / 1_000_000:.3f} s)"


def _error_code(answer: str) -> int:
    """The number that an answer to an error query begins with: ``-113,...``, ``0  No Error``."""
    words = answer.replace(",", " ").split(maxsplit=1)
    if not words:
        raise ValueError(answer)
    return int(words[0])
