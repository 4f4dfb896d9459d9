"""The guardian of a bench: `python -m rig.safety.guardian SPEC`, a process of its own.

It has its own connections to every instrument, permits outputs, watches its client, and brings the
bench to the safe state when anything fails. It speaks with its client over its standard input and
output, a JSON object a line; the end of that pipe is the end of the client. What it may do next is
the automaton's alone. Rules: `fail` never waits and never raises; a disk that is full or hangs
stops nothing, for once something is armed no file is touched in the loop.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from instruments.protocols import InstrumentError
from rig.clock import monotonic_us, utc_now
from rig.errors import BenchError
from rig.realtime import come_first
from rig.safety import disk
from rig.safety.automaton import TRIPPED, Bench, Event, Held, Permit, step
from rig.safety.budget import Budget
from rig.safety.hands import Hands, LoadOutput, Output, take
from rig.safety.latch import latch, not_keepable, standing
from rig.safety.permits import Wish
from rig.safety.report import Writer
from rig.safety.safe_state import Way
from rig.safety.spec import GuardianSpec
from rig.safety.vigil import Vigil, process_state

IDLE_S = 1.0  # chosen: how often an output that may not be on is looked at
STOP_V = 12.0  # chosen: half of the 24 V that stand on the stop's chain while nobody has pressed
HANDSHAKE = "guardian"


class Guardian:
    """One bench, from arming to the end of its client."""

    def __init__(
        self,
        spec: GuardianSpec,
        hands: Hands,
        now_us: Callable[[], int],
        say: Callable[[dict[str, Any]], None],
    ) -> None:
        self._spec, self._hands, self._now_us, self._say = spec, hands, now_us, say
        self._limits = spec.limits
        self._outputs = {output.role: output for output in hands.outputs}
        self._number = {role: i for i, role in enumerate(self._outputs)}
        self._held = Held.begin(len(self._outputs))
        self._vigil = Vigil(self._limits, now_us())
        self._budgets: dict[str, Budget] = {}
        self._turn = {role: asyncio.Lock() for role in self._outputs}
        self._way = Way(hands, spec.sense, self._limits, now_us)
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._arming: asyncio.Task[None] | None = None
        self._report, self._latching = Writer(), Writer()  # of two disks one may hang
        self._disk_silent_s: Callable[[], float] = lambda: 0.0
        self._why, self._parted = "", False
        self.trip: asyncio.Task[None] | None = None
        self._exposed = False  # the interlock may be closed

    @property
    def bench(self) -> Bench:
        """Where it stands."""
        return self._held.bench

    def begin(self, work: Any) -> "asyncio.Task[None]":
        """Do something beside the rest."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """What watches does not end by itself: with an error it would leave nobody watching."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(f"the guardian's own watch ended: {type(error).__name__}: {error}")

    # What the client says

    def hear(self, told: dict[str, Any]) -> None:
        """Take one line."""
        now_us, number = self._now_us(), told.get("n")
        if "began" in told:
            self._vigil.began(told["began"], now_us)
        elif "ended" in told:
            self._vigil.ended(told["ended"], now_us)
        elif "lost" in told:
            self.fail(f"the test lost the {told['lost']}")
        elif "failed" in told:
            self.fail(str(told["failed"]))
        else:
            self._vigil.heard(now_us)
        if number is not None:
            answer = self.begin(self._answer(number, told))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)

    async def hear_the_end(self) -> None:
        """The test is gone: what it asked for goes on no more, and what it armed comes to rest."""
        await self._stop(tuple(self._answers))
        if self.bench is Bench.ARMED or self._exposed:
            self.fail("the test process has ended")
        if self.trip is not None:
            await self.trip
        await self._report.settled(self._limits.step_s)

    async def _stop(self, tasks: Collection["asyncio.Task[None]"]) -> None:
        """Have them ended before anything else is done: a step of theirs could undo it."""
        for task in tasks:
            task.cancel()
        if tasks:
            longest_s = self._limits.step_s
            await asyncio.wait(tasks, timeout=longest_s)  # noqa: TID251 - all are cancelled above

    async def _answer(self, number: int, told: dict[str, Any]) -> None:
        try:
            match told["do"]:
                case "arm":
                    self._arming = asyncio.current_task()
                    await self._arm()
                case "ask":
                    await self._ask(Wish(**told["wish"]))
                case "back":
                    await self._take_back(told["role"])
                case "part":
                    await self._part()
                case "safe":
                    self.fail(told["why"])
                    assert self.trip is not None
                    await asyncio.shield(self.trip)
                    if self.bench is not Bench.SAFE:
                        raise BenchError(f"the bench is {self.bench}: {self._why}")
                case other:
                    raise BenchError(f"do: {other!r}: nothing that a guardian does")
        except (BenchError, InstrumentError, TimeoutError, KeyError, TypeError) as error:
            self._say({"n": number, "ok": False, "why": str(error) or type(error).__name__})
        except asyncio.CancelledError:
            self._say({"n": number, "ok": False, "why": self._why or "the test has ended"})
            raise
        else:
            self._say({"n": number, "ok": True, "bench": str(self.bench)})

    async def _arm(self) -> None:
        if because := standing(self._spec.latches):
            raise BenchError(f"tripped before, and no person has reset it: {because}")
        if self.bench is not Bench.UNARMED:
            raise BenchError(f"the bench is {self.bench}: {self._why}")
        if folder := not_keepable(self._spec.latches):
            allowed = "a folder that can be written"
            raise BenchError(f"{folder}: a trip could not be kept; allowed: {allowed}")
        report, least = Path(self._spec.report), self._limits.disk_bytes_min
        if (full := disk.what_is_missing(report, least)) is not None:
            raise BenchError(full)
        await self._hands.open()
        for role, output in self._outputs.items():
            if await output.is_on():
                self.fail(f"{role} was on before anybody had a permit")
                raise BenchError(self._why)
        watched = [r for r, o in self._outputs.items() if await o.watch(self._limits.watchdog_s)]
        relay = self._spec.sense.interlock_relay
        self._exposed = True
        if relay is not None:
            await self._hands.io.close_relay(relay)
        self._held = step(self._held, Event.ARM)
        if self.trip is not None:
            raise BenchError(self._why)
        self.note("armed", watchdogs=watched)
        look_s = self._limits.look_s
        self._disk_silent_s = disk.watch(report, least, look_s, self._disk_is_full)
        for output in self._hands.outputs:
            self.begin(self._mind(output))
        if self._spec.sense.stop_channel is not None:
            self.begin(self._mind_stop(self._spec.sense.stop_channel))

    async def _ask(self, wish: Wish) -> None:
        output, number = self._outputs[wish.role], self._number[wish.role]
        async with self._turn[wish.role]:
            if self.bench is not Bench.ARMED:
                raise BenchError(f"no permit: the bench is {self.bench}: {self._why or 'not yet'}")
            fresh = self._held.permits[number] is Permit.NONE
            self._held = step(self._held, Event.ASK, number)
            try:
                self._permit(output, wish)
                if fresh:
                    await output.guard(self._spec.envelope)
            except (BenchError, InstrumentError) as error:
                self._held = step(self._held, Event.REFUSED, number)
                self.note("refused", wish=str(wish), why=str(error))
                raise
            self._held = step(self._held, Event.READ_BACK, number)
            if not self._held.may_be_on(number):
                raise BenchError(f"no permit: the bench is {self.bench} meanwhile: {self._why}")
            self._budget(wish).begin(wish, self._now_us())
            self.note("granted", wish=str(wish))

    def _permit(self, output: Output, wish: Wish) -> None:
        envelope = self._spec.envelope
        if isinstance(output, LoadOutput):
            envelope.permit_discharge(wish.current_a)
        elif wish.voltage_v is None:
            raise BenchError(f"{wish.role}: no voltage was named")
        else:
            envelope.permit_charge(wish.voltage_v, wish.current_a)
        spent = self._budget(wish)
        if spent.energy_wh >= self._limits.energy_wh_max or spent.on_s >= self._limits.time_s_max:
            raise BenchError(f"{wish.role}: its energy or its time of this run is spent")

    def _budget(self, wish: Wish) -> Budget:
        if wish.role not in self._budgets:
            volts = self._spec.envelope.voltage_v_max
            self._budgets[wish.role] = Budget(self._limits, volts, wish)
        return self._budgets[wish.role]

    async def _take_back(self, role: str) -> None:
        async with self._turn[role]:
            if await self._outputs[role].is_on():
                self.fail(f"{role} is on, and its permit was given back")
                raise BenchError(self._why)
            self._held = step(self._held, Event.RETURNED, self._number[role])
            if role in self._budgets:
                self._budgets[role].pause()

    async def _part(self) -> None:
        if self.bench is not Bench.ARMED:
            return
        for role, output in self._outputs.items():
            if await output.is_on():
                self.fail(f"{role} was left on at the end")
                raise BenchError(self._why)
        self._held, self._parted = step(self._held, Event.PART), True
        relay = self._spec.sense.interlock_relay
        try:
            for output in self._hands.outputs:
                await output.watch(None)
            if relay is not None:
                await self._hands.io.open_relay(relay)
        except (InstrumentError, TimeoutError) as error:
            self.fail(f"at the end of the test: {error}")
            raise
        self._exposed = False
        spent = {r: {"wh": b.energy_wh, "s": b.on_s} for r, b in self._budgets.items()}
        self.note("parted", spent=spent)

    # What it sees by itself

    def _disk_is_full(self, why: str) -> None:
        """Trip while there is still room to say why, and for the test to end its record."""
        if self.bench is Bench.ARMED:
            self.fail(why)

    def _disk_hangs(self) -> str | None:
        """Why nothing may go on: the test's record hangs, and nobody else would tell of it."""
        longest_s = self._limits.stall_s
        silent_s = max(self._disk_silent_s(), self._report.hangs_s())
        if self.bench is not Bench.ARMED or silent_s <= longest_s:
            return None
        return f"{Path(self._spec.report).parent}: the disk has not answered for {longest_s:g} s"

    async def look(self) -> None:
        """Watch the client, and the disk of its record, until it has parted."""
        while not self._parted:
            state = process_state(self._spec.client)
            if why := self._vigil.look(self._now_us(), state) or self._disk_hangs():
                self.fail(why)
            await asyncio.sleep(self._limits.look_s)

    async def _mind(self, output: Output) -> None:
        """Measure an output while it is permitted; see that it is off while it is not."""
        number, role = self._number[output.role], output.role
        while self.bench is Bench.ARMED:
            permitted = self._held.may_be_on(number)
            with suppress(InstrumentError):  # being blind for long is what trips
                why = await self._measured(output) if permitted else None
                if not permitted and await output.seems_on() and not self._held.may_be_on(number):
                    why = f"{role} is on without a permit"
                if why and self.bench is Bench.ARMED:
                    self.fail(why)
            if self._held.may_be_on(number) and (why := self._budgets[role].blind(self._now_us())):
                self.fail(why)
            await self._pause(number)

    async def _measured(self, output: Output) -> str | None:
        voltage_v, current_a = await output.measure()
        number = self._number[output.role]
        if not self._held.may_be_on(number):
            return None  # given back meanwhile
        return self._budgets[output.role].read(self._now_us(), voltage_v, current_a)

    async def _pause(self, number: int) -> None:
        """Until it is to be looked at again; a fresh permit cuts an idle pause short."""
        left_s = IDLE_S
        while left_s > 0.0:
            await asyncio.sleep(self._limits.measure_s)
            left_s -= self._limits.measure_s
            if self._held.may_be_on(number):
                return

    async def _mind_stop(self, channel: int) -> None:
        """The chain of the emergency stop: what cannot be read for long counts as pressed."""
        read_us = self._now_us()
        while self.bench is Bench.ARMED:
            with suppress(InstrumentError):
                if await self._hands.io.read_voltage(channel) < STOP_V:
                    self.fail("the emergency stop is pressed")
                read_us = self._now_us()
            if self._now_us() - read_us > 1e6 * self._limits.blind_s:
                self.fail(f"the emergency stop cannot be read for {self._limits.blind_s:g} s")
            await asyncio.sleep(self._limits.measure_s)

    # What it does about it

    def fail(self, why: str) -> None:
        """Begin with the safe state, unless that has begun."""
        if self.bench in TRIPPED:
            return
        self._held, self._why = step(self._held, Event.FAIL), why
        self.trip = self.begin(self._make_safe(why, monotonic_us()))
        # At once: a test that is alive must not go on switching meanwhile.
        self._say({"event": "tripping", "why": why})

    async def _make_safe(self, why: str, failed_us: int) -> None:
        if self._arming is not None:  # it would close the interlock after it was opened here
            await self._stop((self._arming,))
        outcome = await self._way.go()
        verified = outcome.state is Bench.SAFE
        self._held = step(self._held, Event.VERIFIED if verified else Event.UNVERIFIED)
        told = {"why": why, "failed_us": failed_us, **outcome.as_json()}
        kept = f"{utc_now()} {why}, ended {outcome.state}"
        self._latching.do(partial(latch, self._spec.latches, kept))
        self.note("tripped", **told)
        for writer in (self._latching, self._report):
            await writer.settled(self._limits.step_s)
        self._say({"event": "tripped", **told})

    def note(self, what: str, **told: Any) -> None:
        """Leave a line in the report."""
        self._report.note(self._spec.report, what, **told)


async def listen(guardian: Guardian, reader: asyncio.StreamReader) -> None:
    """Hear the test until its pipe ends. Raises nothing: what is no message is a failure."""
    while True:
        try:
            if not (line := await reader.readline()):
                return
            guardian.hear(json.loads(line))
        except OSError:  # a pipe that cannot be read has ended
            return
        except Exception as error:  # noqa: BLE001 - whatever it said, nobody else would notice
            guardian.fail(f"the test said what is no message: {error}")


async def serve(spec: GuardianSpec, now_us: Callable[[], int] = monotonic_us) -> int:
    """Guard until the client has ended; 0 if it parted in order, 1 if not, 2 if nobody knows."""
    loop = asyncio.get_running_loop()
    refusal = come_first()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    os.set_blocking(1, False)  # a test that reads no more must not hold up who makes it safe

    def say(told: dict[str, Any]) -> None:
        with suppress(OSError):  # nobody may be left who listens
            os.write(1, json.dumps(told).encode() + b"\n")

    hands = take(spec, now_us)
    guardian = Guardian(spec, hands, now_us, say)
    guardian.note("began", client=spec.client, priority=refusal or "real time")
    say({"event": HANDSHAKE, "pid": os.getpid()})
    looks = guardian.begin(guardian.look())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, guardian.fail, f"the guardian was sent {number.name}")
    await listen(guardian, reader)
    looks.cancel()
    await guardian.hear_the_end()
    with suppress(InstrumentError, TimeoutError):
        async with asyncio.timeout(spec.limits.step_s):
            await hands.close()
    return {Bench.UNARMED: 0, Bench.UNKNOWN: 2}.get(guardian.bench, 1)


def main(arguments: Sequence[str]) -> int:
    """Guard the bench of a spec."""
    return asyncio.run(serve(GuardianSpec.read(Path(arguments[0]))))


if __name__ == "__main__":
    # Whoever hangs in a VISA call is a thread that nobody waits for.
    os._exit(main(sys.argv[1:]))
