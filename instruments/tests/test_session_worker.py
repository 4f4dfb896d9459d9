"""Sessions of the lab: the worker's thread, its queue, and what comes back from it."""

import asyncio
import threading  # noqa: TID251 - the worker's thread is the subject
from collections.abc import AsyncIterator, Awaitable

import pytest
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.blocking import open_blocking_session
from instruments.drivers.driver import try_each
from instruments.exchange import urgently
from instruments.protocols import InstrumentLost, InstrumentTimeout
from instruments.session import Session

PATIENCE_S = 5.0


class Line:
    """A resource whose read waits in its thread until the test lets one more answer come."""

    read_termination: str | None = "\n"
    write_termination = "\n"
    timeout = 2000.0

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.threads: set[str] = set()
        self.failure: Exception | None = None
        self._answers = threading.Semaphore(0)
        self._written = threading.Semaphore(0)

    def open(self) -> None:
        self.sent.append("(open)")

    def write(self, message: str) -> int:
        self.threads.add(threading.current_thread().name)
        self.sent.append(message)
        self._written.release()
        return len(message)

    def read(self) -> str:
        assert self._answers.acquire(timeout=PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        return self.sent[-1].lower()

    def clear(self) -> None:
        self.sent.append("(clear)")

    def close(self) -> None:
        self.sent.append("(close)")

    def let(self, answers: int) -> None:
        for _ in range(answers):
            self._answers.release()

    async def written(self) -> None:
        assert await asyncio.to_thread(self._written.acquire, timeout=PATIENCE_S)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
async def session(line: Line) -> AsyncIterator[Session]:
    made = open_blocking_session(line, name="it", now_us=lambda: 0, check="off")
    yield made
    await made.close()


async def in_urgency(work: Awaitable[object]) -> None:
    with urgently():
        await work


async def queued() -> None:
    """Let every task reach the queue."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_urgent_exchange_jumps_the_queue_of_the_worker(line: Line, session: Session) -> None:
    tasks = [asyncio.create_task(session.query(text)) for text in ("A?", "B?", "C?")]
    await line.written()

    safe = asyncio.create_task(in_urgency(session.query("SAFE?")))
    await queued()
    line.let(4)
    answers = [await task for task in tasks]
    await safe

    assert line.sent == ["A?", "SAFE?", "B?", "C?"]
    assert answers == ["a?", "b?", "c?"]


async def test_next_step_towards_safety_goes_before_what_waits(
    line: Line, session: Session
) -> None:
    ordinary = [asyncio.create_task(session.query(text)) for text in ("A?", "B?")]
    await line.written()

    safe = asyncio.create_task(
        try_each(
            lambda: session.command("CURR 0"),
            lambda: session.command("VOLT 0"),
            lambda: session.command("OUTP OFF"),
        )
    )
    await queued()
    line.let(2)
    await safe

    assert [await task for task in ordinary] == ["a?", "b?"]
    assert line.sent == ["A?", "CURR 0", "VOLT 0", "OUTP OFF", "B?"]


async def test_steps_towards_safety_between_the_queries_of_a_batch_stay_together(
    line: Line, session: Session
) -> None:
    batch = asyncio.create_task(session.query_all(["A?", "B?", "C?"]))
    await line.written()

    safe = asyncio.create_task(
        try_each(lambda: session.command("CURR 0"), lambda: session.command("OUTP OFF"))
    )
    await queued()
    line.let(3)
    await safe

    assert await batch == ["a?", "b?", "c?"]
    assert line.sent == ["A?", "CURR 0", "OUTP OFF", "B?", "C?"]


async def test_urgent_exchange_goes_between_the_queries_of_a_batch(
    line: Line, session: Session
) -> None:
    batch = asyncio.create_task(session.query_all(["A?", "B?"]))
    await line.written()

    safe = asyncio.create_task(in_urgency(session.command("OUTP OFF")))
    await queued()
    line.let(2)

    assert await batch == ["a?", "b?"]
    await safe
    assert line.sent == ["A?", "OUTP OFF", "B?"]


async def test_all_exchanges_run_in_one_thread_that_is_not_the_loops(
    line: Line, session: Session
) -> None:
    line.let(3)

    for text in ("A?", "B?", "C?"):
        await session.query(text)

    assert line.threads == {"visa"}


async def test_closing_ends_the_thread(line: Line) -> None:
    session = open_blocking_session(line, name="it", now_us=lambda: 0)
    line.let(1)
    await session.query("A?")
    worker = session._runner._thread

    await session.close()
    await asyncio.to_thread(worker.join, PATIENCE_S)

    assert not worker.is_alive()
    assert line.sent == ["A?", "(close)"]


async def test_closed_session_can_be_opened_again(line: Line, session: Session) -> None:
    line.let(1)
    await session.query("A?")
    await session.close()
    line.let(1)

    with pytest.raises(Exception, match="expected four fields"):
        await session.open(["X"])

    assert line.sent == ["A?", "(close)", "(open)", "*IDN?"]


async def test_closed_session_sends_nothing(line: Line, session: Session) -> None:
    await session.close()

    with pytest.raises(InstrumentLost, match="closed"):
        await session.command("OUTP ON")

    assert line.sent == ["(close)"]


async def test_command_given_up_in_the_queue_is_never_sent(line: Line, session: Session) -> None:
    first = asyncio.create_task(session.query("A?"))
    await line.written()
    second = asyncio.create_task(session.command("OUTP ON"))
    await queued()

    second.cancel()
    await queued()
    line.let(2)

    assert await first == "a?"
    assert await session.query("B?") == "b?"
    assert line.sent == ["A?", "B?"]


async def test_answer_of_a_query_given_up_on_the_way_is_read_and_forgotten(
    line: Line, session: Session
) -> None:
    first = asyncio.create_task(session.query("A?"))
    await line.written()

    first.cancel()
    await queued()
    line.let(2)

    assert await session.query("B?") == "b?"
    assert line.sent == ["A?", "B?"]


async def test_batch_given_up_stops_after_the_query_under_way(line: Line, session: Session) -> None:
    batch = asyncio.create_task(session.query_all(["A?", "B?", "C?"]))
    await line.written()

    batch.cancel()
    await queued()
    line.let(2)

    assert await session.query("D?") == "d?"
    assert line.sent == ["A?", "D?"]


async def test_log_is_told_in_the_loops_own_thread_before_the_caller_goes_on(line: Line) -> None:
    told: list[tuple[str, str, bool]] = []
    here = threading.get_ident()
    session = open_blocking_session(
        line,
        name="it",
        now_us=lambda: 7,
        log=lambda _, way, text: told.append((way, text, threading.get_ident() == here)),
    )
    line.let(1)

    await session.query("A?")

    assert told == [(">", "A?", True), ("<", "a?", True)]
    await session.close()


async def test_line_is_opened_anew_after_a_time_out(line: Line, session: Session) -> None:
    line.failure = VisaIOError(StatusCode.error_timeout)
    line.let(1)
    with pytest.raises(InstrumentTimeout, match=r"'A\?' within 2000 ms"):
        await session.query("A?")

    line.failure = None
    line.let(1)

    assert await session.query("B?") == "b?"
    assert line.sent == ["A?", "(close)", "(open)", "B?"]


@pytest.mark.parametrize(
    "failure",
    [ConnectionResetError("reset"), RuntimeError("dropped"), EOFError(), Exception("no")],
    ids=lambda failure: type(failure).__name__,
)
async def test_whatever_pyvisa_py_raises_for_a_broken_line_is_lost(
    line: Line, session: Session, failure: Exception
) -> None:
    line.failure = failure
    line.let(1)

    with pytest.raises(InstrumentLost):
        await session.query("A?")


async def test_programming_error_is_not_taken_for_a_broken_line(
    line: Line, session: Session
) -> None:
    line.failure = KeyError("a mistake")
    line.let(1)

    with pytest.raises(KeyError):
        await session.query("A?")


async def test_two_sessions_do_not_wait_for_one_another(line: Line, session: Session) -> None:
    slow = asyncio.create_task(session.query("A?"))
    await line.written()
    other_line = Line()
    other = open_blocking_session(other_line, name="other", now_us=lambda: 0)
    other_line.let(1)

    assert await other.query("B?") == "b?"
    assert not slow.done()
    line.let(1)
    await slow
    await other.close()
