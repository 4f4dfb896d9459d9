"""The test's end of its guardian, over pipes, with a guardian that says what the test wants."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from instruments.exchange import urgently
from instruments.protocols import InstrumentLost
from rig.errors import BenchError
from rig.safety import client
from rig.safety.client import GuardianLink
from rig.safety.envelope import Envelope
from rig.safety.permits import Wish
from rig.safety.spec import GuardianSpec, Limits

WISH = Wish(role="charger", voltage_v=28.0, current_a=20.0)


class Played:
    """A guardian as its client sees it: lines in, lines out; its process is this one."""

    def __init__(self) -> None:
        self.heard: list[dict[str, object]] = []
        self.reader = asyncio.StreamReader()
        self.events: list[str] = []
        spec = GuardianSpec(
            places={},
            lines={},
            envelope=Envelope(
                voltage_v_max=60.0, charge_current_a_max=10.0, discharge_current_a_max=10.0
            ),
            client=os.getpid(),
            report="",
            limits=Limits(hung_s=0.3),
        )
        self.link = GuardianLink(spec, self._failed, self._rescue)
        self.why = ""
        self.answers = {"ok": True}

    def _failed(self, why: str) -> None:
        self.why = why
        self.events.append("failed")

    async def _rescue(self) -> None:
        await asyncio.sleep(0)
        self.events.append("rescued")

    def say(self, **told: object) -> None:
        self.reader.feed_data(json.dumps(told).encode() + b"\n")

    def hear(self, line: bytes) -> None:
        told = json.loads(line)
        self.heard.append(told)
        if "n" in told and self.answers:
            self.say(n=told["n"], **self.answers)

    async def soon(self, holds) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - nothing here has an event
                await asyncio.sleep(0.005)


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    made = Played()
    made.say(event="guardian", pid=os.getpid())
    await made.link.meet(made.reader, made.hear)
    await made.link.arm()
    yield made
    await made.link.close()


async def test_a_permit_is_asked_for_with_what_it_is_for(played):
    await played.link.ask(WISH)

    (asked,) = (told for told in played.heard if told.get("do") == "ask")
    assert asked["wish"] == {"role": "charger", "voltage_v": 28.0, "current_a": 20.0}


async def test_a_refusal_is_raised_with_the_guardians_sentence(played):
    played.answers = {"ok": False, "why": "charge current 20 A is outside the envelope"}

    with pytest.raises(BenchError, match="guardian: charge current 20 A is outside"):
        await played.link.ask(WISH)


async def test_the_loop_tells_of_itself_without_being_asked(played):
    before = len(played.heard)

    await asyncio.sleep(0.2)

    assert len(played.heard) - before >= 4


async def test_a_guardian_that_dies_is_replaced_by_the_test_before_the_test_fails(played):
    played.reader.feed_eof()
    await played.soon(lambda: played.why)

    assert played.events == ["rescued", "failed"]
    assert played.why == "the guardian died"
    with pytest.raises(BenchError, match="the guardian died"):
        await played.link.ask(WISH)


async def test_a_guardian_that_the_system_holds_for_long_is_replaced_by_the_test(
    played, monkeypatch
):
    monkeypatch.setattr(client, "process_state", lambda _pid: "D")
    await asyncio.sleep(0.1)
    assert played.events == []

    await played.soon(lambda: played.why)

    assert played.events == ["rescued", "failed"]
    assert played.why == "the guardian has hung for 0.3 s"


async def test_a_guardian_that_waits_for_a_disk_now_and_then_is_left_alone(played, monkeypatch):
    states = itertools.cycle("DDDS")
    monkeypatch.setattr(client, "process_state", lambda _pid: next(states))

    await asyncio.sleep(0.6)

    assert played.events == []


async def test_a_trip_ends_the_test_at_once_and_refuses_whoever_waits(played):
    played.answers = {}
    waiting = asyncio.ensure_future(played.link.ask(WISH))
    await asyncio.sleep(0.01)

    played.say(event="tripping", why="the emergency stop is pressed")

    with pytest.raises(BenchError, match="the emergency stop is pressed"):
        await waiting
    assert played.events == ["failed"]


async def test_a_test_that_asks_for_the_safe_state_itself_waits_for_its_end(played):
    played.answers = {}
    waiting = asyncio.ensure_future(played.link.make_safe("interrupted"))
    await asyncio.sleep(0.01)

    played.say(event="tripping", why="interrupted")
    await asyncio.sleep(0.01)
    assert not waiting.done()
    for told in played.heard:
        if told.get("do") == "safe":
            played.say(n=told["n"], ok=True)
    await waiting

    assert played.events == []


async def test_each_exchange_is_told_when_it_begins_and_ends(played):
    class Runner:
        async def run(self, exchange):
            return exchange

        def stop(self) -> None: ...

    watched = played.link.watch("load", Runner())

    assert await watched.run("an answer") == "an answer"
    told = [one for one in played.heard if "began" in one or "ended" in one]
    assert told == [{"began": "load"}, {"ended": "load"}]


async def test_once_the_guardian_is_gone_only_what_is_urgent_reaches_an_instrument(played):
    ran = []

    class Runner:
        async def run(self, exchange):
            ran.append(exchange)

        def stop(self) -> None: ...

    watched = played.link.watch("charger", Runner())
    played.reader.feed_eof()
    await played.soon(lambda: played.why)

    with pytest.raises(BenchError, match="the guardian died"):
        await watched.run("OUTP ON")
    with urgently():
        await watched.run("OUTP OFF")
    played.link.release()
    await watched.run("close")

    assert ran == ["OUTP OFF", "close"]


async def test_an_instrument_that_is_lost_is_told_at_once(played):
    class Runner:
        async def run(self, exchange):
            raise InstrumentLost("is lost: closed")

        def stop(self) -> None: ...

    watched = played.link.watch("load", Runner())

    with pytest.raises(InstrumentLost):
        await watched.run("a question")

    assert {"lost": "load: is lost: closed"} in played.heard


def lost(played: Played) -> list[object]:
    return [told["lost"] for told in played.heard if "lost" in told]


class Idle:
    """A runner of exchanges that nobody asks for."""

    async def run(self, exchange):
        return exchange

    def stop(self) -> None: ...


async def test_an_instrument_that_hangs_up_while_nothing_is_asked_of_it_is_told_once(played):
    gone = [False]
    played.link.watch("charger", Idle(), lambda: gone[0])
    played.link.watch("load", Idle(), lambda: False)
    await asyncio.sleep(0.05)
    assert lost(played) == []

    gone[0] = True
    await played.soon(lambda: lost(played))
    await asyncio.sleep(0.05)

    assert lost(played) == ["charger: it has hung up while nothing was asked of it"]


async def test_once_the_test_has_ended_an_instrument_may_hang_up(played):
    gone = [False]
    played.link.watch("charger", Idle(), lambda: gone[0])
    await played.link.part()

    gone[0] = True
    await asyncio.sleep(0.05)

    assert lost(played) == []


async def test_a_failure_of_the_tests_own_is_told_without_waiting(played):
    played.link.tell_failure("in the test's own loop: OSError: no space")

    assert played.heard[-1] == {"failed": "in the test's own loop: OSError: no space"}


async def test_a_guardian_that_does_not_come_is_an_error_of_the_bench(tmp_path: Path):
    made = Played()
    made.reader.feed_eof()

    with pytest.raises(BenchError, match="the guardian did not start"):
        await made.link.meet(made.reader, made.hear)


def test_a_spec_is_read_as_it_was_written(tmp_path: Path):
    envelope = Envelope(voltage_v_max=60.0, charge_current_a_max=10.0, discharge_current_a_max=9.0)
    spec = GuardianSpec(
        places={}, lines={"fan": (101, 7)}, envelope=envelope, client=7, report="x", latches=("y",)
    )
    spec.write(tmp_path / "spec.json")

    assert GuardianSpec.read(tmp_path / "spec.json") == spec


def test_what_is_no_spec_is_told_with_its_file(tmp_path: Path):
    path = tmp_path / "spec.json"
    path.write_text("{}")

    with pytest.raises(BenchError, match=r"spec\.json: no spec of a guardian"):
        GuardianSpec.read(path)
