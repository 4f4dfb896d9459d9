"""Exchanges with an instrument, and whose turn it is.

An exchange is written once, as a generator that pauses where an answer is awaited; who runs it
differs between benches: ``Turns`` in virtual time, a worker with a thread of its own in the lab.
One runs at a time. What is asked ``urgently`` goes before everything that waits.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import Protocol, TypeVar

T = TypeVar("T")
Wait = Callable[[], Awaitable[None]]
URGENT: ContextVar[bool] = ContextVar("urgent", default=False)


class Pause(Enum):
    """Where an exchange may be left for a while."""

    ANSWER = auto()
    """The answer is on its way."""
    BETWEEN = auto()
    """Nothing is on its way: what is urgent may go first."""


Exchange = Generator[Pause, None, T]


@contextmanager
def urgently() -> Iterator[None]:
    """Let what is asked within go before all that waits, on every session: for safe states.

    An exchange that is under way is never cut short: its answer would be left behind.
    """
    before = URGENT.get()
    URGENT.set(True)
    try:
        yield
    finally:
        # Not by a token: what is given up half-way may be closed from another context.
        URGENT.set(before)


class Runner(Protocol):
    """Runs the exchanges of one session."""

    async def run(self, exchange: Exchange[T]) -> T:
        """Run one to its end when its turn has come."""

    def stop(self) -> None:
        """Keep nothing running until the next exchange."""


class Turns:
    """Runs exchanges in their callers' coroutines; ``wait`` lets an answer come."""

    def __init__(self, wait: Wait) -> None:
        self._wait = wait
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._ordinary: deque[asyncio.Future[None]] = deque()

    async def run(self, exchange: Exchange[T]) -> T:
        """Run one to its end; a cancellation ends it where it pauses."""
        urgent = URGENT.get()
        if self._taken:
            line = self._urgent if urgent else self._ordinary
            await self._queue(line, line.append)
        self._taken = held = True
        try:
            while True:
                if next(exchange) is Pause.ANSWER:
                    await self._wait()
                elif self._urgent:
                    held = False
                    self._pass_on()
                    # Back in front of the ordinary ones: it is half-way through.
                    await self._queue(self._ordinary, self._ordinary.appendleft)
                    held = True
        except StopIteration as end:
            done: T = end.value
            return done
        finally:
            exchange.close()
            if held and urgent and self._ordinary:
                # Its caller goes on first, and may have the next step towards safety.
                asyncio.get_running_loop().call_soon(self._pass_on)
            elif held:
                self._pass_on()

    def stop(self) -> None:
        """Nothing runs."""

    async def _queue(
        self,
        line: deque[asyncio.Future[None]],
        join: Callable[[asyncio.Future[None]], None],
    ) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        join(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                line.remove(turn)
            else:
                # Given at the very moment at which its owner was told to stop.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        # Still taken when it is handed over, so that nobody who comes meanwhile slips in.
        for line in (self._urgent, self._ordinary):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False
