"""The guardian when its test ends too early or speaks nonsense, and when a disk hangs."""

import asyncio
import json
import threading  # noqa: TID251 - a disk that hangs hangs a thread
from dataclasses import replace
from typing import Any

import pytest

from instruments.protocols import InstrumentError
from rig.safety import disk, report
from rig.safety.automaton import Bench
from rig.safety.guardian import listen
from rig.safety.tests.test_guardian import LIMITS, Guarded


class Heard:
    """A guardian that hears its test over a pipe, and what it says of it."""

    def __init__(self, made: Guarded) -> None:
        self.made, self.pipe = made, asyncio.StreamReader()
        self._serving = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        await listen(self.made.guardian, self.pipe)
        await self.made.guardian.hear_the_end()

    def tell(self, **told: Any) -> None:
        self.pipe.feed_data(json.dumps(told).encode() + b"\n")

    async def until(self, line: str) -> None:
        async with asyncio.timeout(5):
            while line not in self.made.log:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.002)

    async def end(self) -> None:
        """The test is killed; then time passes in which what goes on could do harm."""
        self.pipe.feed_eof()
        async with asyncio.timeout(5):
            await self._serving
        await asyncio.sleep(0.2)


def slow_to_watch(made: Guarded) -> None:
    """An instrument that takes a while to take its watchdog."""

    async def watch(seconds: float | None) -> bool:
        made.log.append("load begins to watch")
        await asyncio.sleep(0.1)
        return True

    made.load.watch = watch  # type: ignore[method-assign]


def slow_to_close(made: Guarded) -> None:
    """A DAQ whose relay is closed before it says so."""
    close = made.daq.close_relay

    async def closed(channel: int) -> None:
        await close(channel)
        await asyncio.sleep(0.1)

    made.daq.close_relay = closed  # type: ignore[method-assign]


async def test_a_test_that_dies_before_the_interlock_is_closed_leaves_it_open(tmp_path):
    made = Guarded(tmp_path)
    slow_to_watch(made)
    heard = Heard(made)
    heard.tell(n=1, do="arm")
    await heard.until("load begins to watch")

    await heard.end()

    assert not made.daq.closed
    assert made.guardian.bench is Bench.UNARMED


async def test_a_test_that_dies_right_after_it_asked_for_arming_has_nothing_armed(tmp_path):
    made = Guarded(tmp_path)
    heard = Heard(made)
    heard.tell(n=1, do="arm")

    await heard.end()

    assert "daq close 201" not in made.log


async def test_a_test_that_dies_while_the_interlock_closes_trips_the_bench_and_opens_it(tmp_path):
    latch = tmp_path / "latch"
    made = Guarded(tmp_path, latches=(str(latch),))
    slow_to_close(made)
    heard = Heard(made)
    heard.tell(n=1, do="arm")
    await heard.until("daq close 201")

    await heard.end()

    assert not made.daq.closed
    assert made.guardian.bench is Bench.SAFE
    assert "the test process has ended, ended safe" in latch.read_text()


async def test_a_trip_during_arming_is_not_followed_by_a_closed_interlock(tmp_path):
    made = Guarded(tmp_path)
    slow_to_watch(made)
    heard = Heard(made)
    heard.tell(n=1, do="arm")
    await heard.until("load begins to watch")

    made.guardian.fail("the test process was stopped")
    told = await made.tripped()
    refused = await made.answer(lambda said: said.get("n") == 1)
    await heard.end()

    assert told["state"] == "safe"
    assert not made.daq.closed
    assert (refused["ok"], refused["why"]) == (False, "the test process was stopped")


async def test_a_test_that_dies_while_it_parts_leaves_the_interlock_open(tmp_path):
    made = Guarded(tmp_path)
    heard = Heard(made)
    await made.do("arm")
    slow_to_watch(made)
    heard.tell(n=7, do="part")
    await heard.until("load begins to watch")

    await heard.end()

    assert not made.daq.closed
    assert made.guardian.bench is Bench.SAFE


async def test_an_instrument_that_fails_at_the_end_of_a_test_trips_the_bench(tmp_path):
    made = Guarded(tmp_path)
    await made.do("arm")

    async def watch(seconds: float | None) -> bool:
        raise InstrumentError("load is lost")

    made.load.watch = watch  # type: ignore[method-assign]

    answer = await made.do("part")
    told = await made.tripped()

    assert not answer["ok"]
    assert told["why"] == "at the end of the test: load is lost"
    assert not made.daq.closed


async def test_a_test_that_ended_in_order_trips_nothing_when_its_pipe_ends(tmp_path):
    made = Guarded(tmp_path)
    heard = Heard(made)
    await made.do("arm")
    await made.do("part")

    await heard.end()

    assert made.guardian.bench is Bench.UNARMED


@pytest.mark.parametrize(
    "line",
    [b"{" + 70_000 * b" " + b"}\n", 50_000 * b"[" + b"\n", b"7\n", b"no json\n"],
    ids=["too long", "too deep", "a number", "words"],
)
async def test_what_is_no_message_trips_the_bench_and_the_guardian_goes_on(tmp_path, line):
    made = Guarded(tmp_path)
    heard = Heard(made)
    await made.do("arm")
    await made.charge()

    heard.pipe.feed_data(line)
    told = await made.tripped()
    await heard.end()

    assert told["why"].startswith("the test said what is no message: ")
    assert not made.charger.on


async def test_a_test_that_cannot_be_told_does_not_stop_the_way_to_the_safe_state(tmp_path):
    made = Guarded(tmp_path)
    await made.do("arm")
    await made.charge()

    def deaf(told: dict[str, Any]) -> None:
        raise ValueError("nobody thought of it")

    made.guardian._say = deaf
    with pytest.raises(ValueError, match="nobody thought of it"):
        made.guardian.fail("a reason")
    await asyncio.sleep(0.1)

    assert not made.charger.on


@pytest.fixture
def hangs():
    """What a disk waits for that hangs."""
    released = threading.Event()
    yield released
    released.set()


async def armed_and_watched(tmp_path: Any) -> tuple[Guarded, "asyncio.Task[None]"]:
    made = Guarded(tmp_path, limits=replace(LIMITS, stall_s=0.5, heartbeat_s=60.0))
    await made.do("arm")
    await made.charge()
    return made, made.guardian.begin(made.guardian.look())


async def test_a_disk_whose_look_hangs_trips_the_bench(tmp_path, monkeypatch, hangs):
    made, looks = await armed_and_watched(tmp_path)
    await asyncio.sleep(0.7)
    assert made.guardian.bench is Bench.ARMED

    monkeypatch.setattr(disk, "bytes_free", lambda _path: hangs.wait() and 1_000_000_000)
    told = await made.tripped()
    looks.cancel()

    assert told["why"] == f"{tmp_path}: the disk has not answered for 0.5 s"
    assert not made.charger.on


async def test_a_report_that_hangs_holds_up_no_permit_and_trips_the_bench(
    tmp_path, monkeypatch, hangs
):
    monkeypatch.setattr(report, "_add", lambda _path, _line: hangs.wait())
    made, looks = await armed_and_watched(tmp_path)

    told = await made.tripped()
    looks.cancel()

    assert told["why"] == f"{tmp_path}: the disk has not answered for 0.5 s"
    assert not made.charger.on


async def test_a_latch_is_kept_while_the_report_hangs(tmp_path, monkeypatch, hangs):
    monkeypatch.setattr(report, "_add", lambda _path, _line: hangs.wait())
    made = Guarded(tmp_path, latches=(str(tmp_path / "latch"),))
    await made.do("arm")

    made.guardian.fail("a reason")
    await made.tripped()

    assert "a reason, ended safe" in (tmp_path / "latch").read_text()


async def test_the_lines_of_a_report_come_in_the_order_in_which_things_were_done(tmp_path):
    writer, path = report.Writer(), tmp_path / "safety.jsonl"
    for number in range(50):
        writer.note(str(path), "granted", number=number)

    assert await writer.settled(5.0)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(50))


async def test_what_hangs_is_waited_for_no_longer_than_is_said(hangs):
    writer = report.Writer()
    writer.do(hangs.wait)

    assert not await writer.settled(0.05)
    assert 0.04 < writer.hangs_s() < 5.0
