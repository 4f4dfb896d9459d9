"""A real VISA resource for a session of the lab: each session has one worker thread of its own.

Whole exchanges are queued to the worker, so that a slow instrument delays no other, a batch costs
no change of threads an exchange, and what is urgent jumps the queue. The outcome and the log
come back to the event loop of whoever asked, in order. A query that is given up while it waits
in the queue is never sent; one that has been sent is read to its end and forgotten.
"""

import asyncio
import threading  # noqa: TID251 - the worker; never part of a virtual run
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.exchange import URGENT, Exchange, Pause
from instruments.liveness import peer_has_closed, speak_at_once, wait_for_answer
from instruments.session import Check, Log, Resource, Session

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Job:
    exchange: Exchange[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Worker:
    """Runs a session's exchanges in a thread of its own; it lives from the first to ``stop``."""

    def __init__(self, log: Log | None = None) -> None:
        self._log = log
        self._told: list[tuple[int, str, str]] = []
        self._urgent: deque[_Job] = deque()
        self._ordinary: deque[_Job] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._before: threading.Thread | None = None
        # The loop whose urgent caller may have one more step; nobody else goes meanwhile.
        self._kept_for: asyncio.AbstractEventLoop | None = None

    def tell(self, time_us: int, direction: str, text: str) -> None:
        """Keep an entry until the exchange has ended; the log then gets it in its own thread."""
        self._told.append((time_us, direction, text))

    async def run(self, exchange: Exchange[T]) -> T:
        """Queue one and await its end."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        line = self._urgent if URGENT.get() else self._ordinary
        line.append(_Job(exchange, loop, future))
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, args=(self._bell, self._before), name="visa", daemon=True
            )
            self._thread.start()
        self._bell.put(True)
        return await future

    def stop(self) -> None:
        """End the thread when it has done what it is doing; this waits for nothing."""
        if self._thread is not None:
            self._bell.put(False)
            self._bell = SimpleQueue()
            self._thread, self._before = None, self._thread

    def _work(self, bell: SimpleQueue[bool], before: threading.Thread | None) -> None:
        if before is not None:
            # One thread at a time speaks to the instrument.
            before.join()
        while bell.get():
            while (job := self._next()) is not None:
                self._do(*job, bell)

    def _next(self) -> tuple[_Job, bool] | None:
        if self._urgent:
            return self._urgent.popleft(), True
        keeper = self._kept_for
        if not self._ordinary or (keeper is not None and not keeper.is_closed()):
            return None
        return self._ordinary.popleft(), False

    def _do(self, job: _Job, urgent: bool, bell: SimpleQueue[bool]) -> None:
        result: object = None
        failure: Exception | None = None
        try:
            while not job.future.cancelled():
                if next(job.exchange) is Pause.BETWEEN:
                    self._let_pass(bell)
        except StopIteration as end:
            result = end.value
        except Exception as error:  # noqa: BLE001 - raised again in the caller
            failure = error
        job.exchange.close()
        told, self._told = self._told, []
        if urgent:
            self._kept_for = job.loop
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            job.loop.call_soon_threadsafe(self._deliver, job.future, result, failure, told)
            if urgent:
                job.loop.call_soon_threadsafe(job.loop.call_soon, self._release)

    def _let_pass(self, bell: SimpleQueue[bool]) -> None:
        """Do what is urgent, and what its callers still have."""
        while self._urgent or (self._kept_for is not None and not self._kept_for.is_closed()):
            if self._urgent:
                self._do(self._urgent.popleft(), True, bell)
            elif not bell.get():
                bell.put(False)
                return

    def _release(self) -> None:
        self._kept_for = None
        self._bell.put(True)

    def _deliver(
        self,
        future: asyncio.Future[Any],
        result: object,
        failure: Exception | None,
        told: list[tuple[int, str, str]],
    ) -> None:
        if self._log is not None:
            for entry in told:
                self._log(*entry)
        if future.done():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


class LabResource:
    """A PyVISA resource whose peer's going away is told at once, and whose errors are of one kind.

    PyVISA-py sees a peer that has closed as one that does not answer, and raises a bare Exception
    for a connection that takes too long.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        speak_at_once(resource)

    @property
    def read_termination(self) -> str | None:
        """What ends an answer."""
        return self._resource.read_termination

    @read_termination.setter
    def read_termination(self, value: str | None) -> None:
        self._resource.read_termination = value

    @property
    def write_termination(self) -> str:
        """What ends a message."""
        return self._resource.write_termination

    @write_termination.setter
    def write_termination(self, value: str) -> None:
        self._resource.write_termination = value

    @property
    def timeout(self) -> float:
        """How long a read waits, in ms as VISA has it."""
        return self._resource.timeout

    @timeout.setter
    def timeout(self, value: float) -> None:
        self._resource.timeout = value

    def open(self) -> None:
        """Connect again."""
        _in_one_kind(self._resource.open)
        speak_at_once(self._resource)

    def peer_has_closed(self) -> bool:
        """Whether the peer is known to have gone; waits for nothing, from any thread."""
        return peer_has_closed(self._resource)

    def write(self, message: str) -> int:
        """Send a message."""
        return _in_one_kind(self._resource.write, message)

    def read(self) -> str:
        """Take the answer, waiting for it; OSError if the peer has closed."""
        wait_for_answer(self._resource)
        try:
            return _in_one_kind(self._resource.read)
        except VisaIOError as error:
            if error.error_code == StatusCode.error_timeout and peer_has_closed(self._resource):
                raise ConnectionResetError(
                    "the peer has closed the connection in the middle of an answer"
                ) from error
            raise

    def clear(self) -> None:
        """Drop pending answers."""
        _in_one_kind(self._resource.clear)

    def close(self) -> None:
        """Disconnect."""
        self._resource.close()


def _in_one_kind(act: Callable[..., T], *arguments: object) -> T:
    try:
        return act(*arguments)
    except (VisaIOError, OSError):
        raise
    except Exception as error:
        # PyVISA-py's HiSLIP and its opening of sockets know no better words.
        if isinstance(error, RuntimeError | EOFError) or type(error) is Exception:
            raise OSError(str(error)) from error
        raise


def open_blocking_session(
    resource: Resource,
    *,
    name: str,
    now_us: Callable[[], int],
    stream: bool = True,
    check: Check = "each",
    log: Log | None = None,
) -> Session:
    """A session over a real VISA resource, whose terminations and time-out are set already."""
    worker = Worker(log)
    return Session(
        LabResource(resource),
        name=name,
        runner=worker,
        now_us=now_us,
        stream=stream,
        check=check,
        log=None if log is None else worker.tell,
    )
