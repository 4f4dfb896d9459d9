"""Whose turn it is in virtual time: one exchange at a time, what is urgent first."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from instruments.drivers.driver import try_each
from instruments.exchange import Exchange, Pause, Turns, urgently
from instruments.protocols import InstrumentError
from instruments.session import Session
from instruments.tests.stand import DAQ, Bench


class Line:
    """A resource that writes down what is sent and answers from a list."""

    read_termination: str | None = "\n"
    write_termination = "\n"
    timeout = 2000.0

    def __init__(self, answers: Callable[[str], str] = lambda sent: sent.lower()) -> None:
        self.sent: list[str] = []
        self._answers = answers

    def open(self) -> None:
        self.sent.append("(open)")

    def write(self, message: str) -> int:
        self.sent.append(message)
        return len(message)

    def read(self) -> str:
        return self._answers(self.sent[-1])

    def clear(self) -> None:
        self.sent.append("(clear)")

    def close(self) -> None:
        self.sent.append("(close)")


class Gate:
    """Lets answers come one at a time, when the test says so."""

    def __init__(self) -> None:
        self._steps: asyncio.Queue[None] = asyncio.Queue()

    async def wait(self) -> None:
        await self._steps.get()

    async def let(self, answers: int) -> None:
        for _ in range(answers):
            self._steps.put_nowait(None)
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def session_on(line: Line, gate: Gate) -> Session:
    ticks: Iterator[int] = iter(range(10**6))
    return Session(
        line, name="it", runner=Turns(gate.wait), now_us=lambda: next(ticks), check="off"
    )


async def in_urgency(work: Awaitable[object]) -> None:
    with urgently():
        await work


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_what_is_urgent_goes_before_what_waits(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    tasks = [asyncio.create_task(session.query(text)) for text in ("A?", "B?", "C?")]
    await settled()

    tasks.append(asyncio.create_task(in_urgency(session.query("SAFE?"))))
    await settled()
    await gate.let(4)

    assert line.sent == ["A?", "SAFE?", "B?", "C?"]
    assert [await task for task in tasks] == ["a?", "b?", "c?", None]


async def test_urgent_ones_keep_their_order(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    tasks = [asyncio.create_task(session.query("A?"))]
    await settled()
    for text in ("S1?", "S2?"):
        tasks.append(asyncio.create_task(in_urgency(session.query(text))))  # type: ignore[arg-type]

    await settled()
    await gate.let(3)

    assert line.sent == ["A?", "S1?", "S2?"]
    for task in tasks:
        await task


async def test_steps_towards_safety_are_urgent(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    tasks = [asyncio.create_task(session.query(text)) for text in ("A?", "B?")]
    await settled()

    safe = asyncio.create_task(
        try_each(lambda: session.command("CURR 0"), lambda: session.command("OUTP OFF"))
    )
    await settled()
    await gate.let(2)

    assert line.sent == ["A?", "CURR 0", "OUTP OFF", "B?"]
    for task in (*tasks, safe):
        await task


async def test_urgency_ends_with_its_block(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)

    async def ask() -> None:
        await in_urgency(session.query("S?"))
        await session.query("LATER?")

    tasks = [asyncio.create_task(session.query(text)) for text in ("A?", "B?")]
    await settled()
    tasks.append(asyncio.create_task(ask()))  # type: ignore[arg-type]
    await settled()
    await gate.let(4)

    assert line.sent == ["A?", "S?", "B?", "LATER?"]
    for task in tasks:
        await task


async def test_batch_gives_way_to_what_is_urgent_and_to_nothing_else(
    line: Line, gate: Gate
) -> None:
    session = session_on(line, gate)
    batch = asyncio.create_task(session.query_all(["A?", "B?", "C?"]))
    await settled()
    other = asyncio.create_task(session.query("OTHER?"))
    await settled()
    await gate.let(1)

    safe = asyncio.create_task(in_urgency(session.query("SAFE?")))
    await settled()
    await gate.let(4)

    assert line.sent == ["A?", "B?", "SAFE?", "C?", "OTHER?"]
    assert await batch == ["a?", "b?", "c?"]
    await other
    await safe


async def test_query_given_up_in_the_queue_is_never_sent(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    first, second, third = (asyncio.create_task(session.query(text)) for text in ("A?", "B?", "C?"))
    await settled()

    second.cancel()
    await settled()
    await gate.let(2)

    assert line.sent == ["A?", "C?"]
    assert (await first, await third) == ("a?", "c?")


async def test_turn_given_to_a_query_that_is_given_up_goes_to_the_next(
    line: Line, gate: Gate
) -> None:
    session = session_on(line, gate)

    async def ask_and_stop_the_second() -> str:
        answer = await session.query("A?")
        # The turn has been handed to the second, which has not woken up yet.
        second.cancel()
        return answer

    first = asyncio.create_task(ask_and_stop_the_second())
    await settled()
    second, third = (asyncio.create_task(session.query(text)) for text in ("B?", "C?"))
    await settled()
    await gate.let(2)

    assert (await first, await third) == ("a?", "c?")
    assert second.cancelled()
    assert line.sent == ["A?", "C?"]


async def test_query_given_up_on_the_way_leaves_a_clean_line(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    first = asyncio.create_task(session.query("A?"))
    await settled()

    first.cancel()
    second = asyncio.create_task(session.query("B?"))
    await settled()
    await gate.let(1)

    assert await second == "b?"
    assert line.sent == ["A?", "(close)", "(open)", "B?"]


async def test_batch_given_up_while_it_gives_way_keeps_nobody_waiting(
    line: Line, gate: Gate
) -> None:
    session = session_on(line, gate)
    batch = asyncio.create_task(session.query_all(["A?", "B?"]))
    await settled()
    safe = asyncio.create_task(in_urgency(session.query("SAFE?")))
    await settled()
    await gate.let(1)

    batch.cancel()
    await settled()
    await gate.let(1)
    await safe
    later = asyncio.create_task(session.query("LATER?"))
    await settled()
    await gate.let(1)

    assert await later == "later?"
    assert line.sent == ["A?", "SAFE?", "LATER?"]


async def test_each_caller_is_told_when_its_own_query_was_asked(line: Line, gate: Gate) -> None:
    session = session_on(line, gate)
    times = {}

    async def ask(text: str) -> None:
        await session.query(text)
        times[text] = session.asked_us

    tasks = [asyncio.create_task(ask(text)) for text in ("A?", "B?", "C?")]
    await settled()
    await gate.let(3)
    for task in tasks:
        await task

    assert times == {"A?": 0, "B?": 1, "C?": 2}


async def test_failing_exchange_gives_its_turn_back(gate: Gate) -> None:
    turns = Turns(gate.wait)

    def fails() -> Exchange[None]:
        yield Pause.BETWEEN
        raise InstrumentError("chosen")

    def works() -> Exchange[str]:
        yield Pause.BETWEEN
        return "done"

    with pytest.raises(InstrumentError, match="chosen"):
        await turns.run(fails())

    assert await turns.run(works()) == "done"


@pytest.mark.parametrize(
    "answer",
    ['0,"No error"', '+0,"No error"', "0  No Error", "0", '0, "no error"'],
    ids=["standard", "signed", "blanks", "bare", "blank after comma"],
)
async def test_every_makers_no_error_is_understood(answer: str) -> None:
    line = Line(lambda _: answer)

    async def wait() -> None:
        return

    session = Session(line, name="it", runner=Turns(wait), now_us=lambda: 0)

    assert await session.errors() == []


@pytest.mark.parametrize("answer", ["", " ", "nonsense", ",", '"No error"'])
async def test_answer_to_the_error_query_that_has_no_code_is_garbled(answer: str) -> None:
    line = Line(lambda _: answer)

    async def wait() -> None:
        return

    session = Session(line, name="it", runner=Turns(wait), now_us=lambda: 0)

    with pytest.raises(InstrumentError, match="SYST:ERR"):
        await session.errors()


async def test_batch_through_the_library_answers_in_order(bench: Bench) -> None:
    answers = await bench.session(DAQ).query_all(["*OPC?", "SYST:VERS?", "*TST?"])

    assert [answers[0], answers[1], int(answers[2])] == ["1", "1999.0", 0]
