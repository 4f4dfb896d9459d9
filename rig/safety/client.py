"""The test's end of its guardian: permits, signs of progress, and what to do when it is gone.

A sign of progress is a wake of the test's own loop, or an exchange with an instrument that begins
or ends: nothing that goes on by itself while the test hangs. A guardian that dies, stands still or
hangs in the system is noticed here; then this process brings the bench to rest itself.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TypeVar

from instruments.exchange import URGENT, Exchange, Runner
from instruments.protocols import InstrumentLost, InstrumentTimeout
from rig.clock import monotonic_us
from rig.errors import BenchError
from rig.realtime import hurry
from rig.safety.permits import Wish
from rig.safety.spec import GuardianSpec
from rig.safety.vigil import ENDED, HUNG, STOPPED, process_state

T = TypeVar("T")
READY_S = 60.0  # chosen: a busy machine imports slowly
END_S = 5.0
BEAT_S = 0.01  # chosen: a guardian that stands still is seen within it, as it sees us
OURS = "guardian's link"  # tasks that go on until the bench is down


def tasks_of_the_test() -> set["asyncio.Task[Any]"]:
    """All tasks but this one, and but those by which the bench is brought to rest."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return {task for task in tasks if task is not None and task.get_name() != OURS}


class GuardianLink:
    """One guardian, as the test has it; it is a `Permits`.

    ``failed`` is called once, with a sentence, when the bench is brought to rest; ``rescue`` is
    what this process does itself when the guardian is gone.
    """

    def __init__(
        self,
        spec: GuardianSpec,
        failed: Callable[[str], None],
        rescue: Callable[[], Awaitable[None]],
    ) -> None:
        self._spec, self._failed, self._rescue = spec, failed, rescue
        self._write: Callable[[bytes], object] = lambda _: None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._turn: dict[str, asyncio.Lock] = {}
        self._hung_up: dict[str, Callable[[], bool]] = {}
        self._asked = 0
        self._reading: asyncio.Task[None] | None = None
        self._rescuing: asyncio.Task[None] | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._held_since_us: int | None = None  # by the system
        self._leaving = False
        self._stopped = ""
        self.pid = 0
        self.over = ""  # why nothing is permitted any more

    async def start(self, folder: Path) -> Self:
        """Start a guardian with its files in ``folder``. Raises BenchError if none comes."""
        path = folder / "guardian.json"
        self._spec.write(path)
        with (folder / "guardian.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rig.safety.guardian", str(path)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the test, not for who makes it safe
            )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        try:
            await self.meet(process.stdout, process.stdin.write)
        except BenchError:
            said = (folder / "guardian.log").read_text(errors="replace").strip().splitlines()
            await self.close()
            raise BenchError(f"the guardian did not start: {(said or ['no word'])[-1]}") from None
        return self

    async def meet(self, reader: asyncio.StreamReader, write: Callable[[bytes], object]) -> None:
        """Speak with one that is there, over its two pipes."""
        self._write = write
        try:
            async with asyncio.timeout(READY_S):
                told = json.loads(await reader.readline() or b"{}")
        except TimeoutError:
            told = {}
        if "pid" not in told:
            raise BenchError("the guardian did not start")
        self.pid = told["pid"]
        self._reading = asyncio.get_running_loop().create_task(self._read(reader), name=OURS)

    async def arm(self) -> None:
        """Have it open its instruments and close the interlock. Raises BenchError."""
        self.beat()
        await self._do("arm")

    def beat(self) -> None:
        """The test's loop has woken up; it does so again and again, unless it hangs.

        To be called once more when the loop's own time has begun again.
        """
        if self._beat is not None:
            self._beat.cancel()
        self._tick()

    async def ask(self, wish: Wish) -> None:
        """Have an output permitted. Raises BenchError with the guardian's reason."""
        async with self._turn.setdefault(wish.role, asyncio.Lock()):
            await self._do("ask", wish=asdict(wish))

    async def give_back(self, role: str) -> None:
        """The output is off: its permit ends."""
        async with self._turn.setdefault(role, asyncio.Lock()):
            await self._do("back", role=role)

    async def make_safe(self, why: str) -> None:
        """Have the bench brought to its safe state; nothing is permitted afterwards."""
        self._leaving = True
        await self._do("safe", why=why)

    def tell_failure(self, why: str) -> None:
        """Have the bench brought to its safe state at once; waits for nothing."""
        self._tell({"failed": why})

    async def part(self) -> None:
        """The test has ended with everything off. Raises BenchError if something is on."""
        if not self.over:
            await self._do("part")
            self.over = "the test has ended"

    def watch(
        self, role: str, runner: Runner, hung_up: Callable[[], bool] = lambda: False
    ) -> Runner:
        """Have the guardian know of a session's exchanges, and stop them when it is over.

        ``hung_up`` is asked with every beat whether the instrument has left: a test that leaves it
        on and speaks with another for a while would find out late.

        A permit that was given is in the test's hands: once the bench is brought to rest, only what
        is urgent, which is what brings it there, reaches an instrument until `release`.
        """
        self._hung_up[role] = hung_up
        return _Watched(role, runner, self._tell, self._gate)

    def release(self) -> None:
        """Nothing of the test goes on any more: who takes the bench down may speak again."""
        self._stopped = ""

    def _gate(self) -> None:
        if self._stopped and not URGENT.get():
            raise BenchError(self._stopped)

    async def settled(self) -> None:
        """If this process is bringing the bench to rest itself: until that is done."""
        if self._rescuing is not None:
            await asyncio.shield(self._rescuing)

    async def close(self) -> None:
        """Hang up, and see the process end."""
        await self.settled()
        self.over = self.over or "closed"
        if self._beat is not None:
            self._beat.cancel()
        if self._reading is not None:
            self._reading.cancel()
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), END_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            with suppress(TimeoutError):  # who hangs in the system ends when that lets go of it
                await asyncio.wait_for(process.wait(), END_S)

    # Inside

    async def _do(self, what: str, **told: Any) -> None:
        if self.over:
            raise BenchError(self.over)
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._tell({"n": number, "do": what, **told})
        try:
            async with asyncio.timeout(READY_S):
                found = await answer
        except TimeoutError:
            raise BenchError(f"guardian: no answer to {what!r} within {READY_S:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if not found["ok"]:
            raise BenchError(f"guardian: {found['why']}")

    def _tell(self, told: dict[str, Any]) -> None:
        with suppress(OSError):  # that it is gone is noticed by reading
            self._write(json.dumps(told).encode() + b"\n")

    def _tick(self) -> None:
        """Tell of it, and look whether the guardian goes on."""
        state = process_state(self.pid)
        if state is not None and state in STOPPED | ENDED:
            self._lose("the guardian stands still" if state in STOPPED else "the guardian died")
            return
        if self._is_held(state):
            self._lose(f"the guardian has hung for {self._spec.limits.hung_s:g} s")
            return
        self._tell({})
        self._see_who_left()
        self._beat = asyncio.get_running_loop().call_later(BEAT_S, self._tick)

    def _is_held(self, state: str | None) -> bool:
        """Whether every look for some time has found the guardian waiting for a disk."""
        if state != HUNG:
            self._held_since_us = None
            return False
        now_us = monotonic_us()
        since_us = self._held_since_us = self._held_since_us or now_us
        return now_us - since_us > 1e6 * self._spec.limits.hung_s

    def _see_who_left(self) -> None:
        if self.over or self._leaving:
            return
        for role in [role for role, hung_up in self._hung_up.items() if hung_up()]:
            del self._hung_up[role]
            self._tell({"lost": f"{role}: it has hung up while nothing was asked of it"})

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            answer = self._waiting.get(told.get("n", 0))
            if answer is not None and not answer.done():
                answer.set_result(told)
            elif told.get("event") == "tripping" and not self._leaving:
                self._stopped = f"tripped: {told['why']}"
                self._end(f"the bench is brought to its safe state: {told['why']}")
        self._lose("the guardian died")

    def _lose(self, why: str) -> None:
        if self.over:
            return
        self.over = self._stopped = why
        rescue = self._rescue_and_end(why)
        self._rescuing = asyncio.get_running_loop().create_task(rescue, name=OURS)

    async def _rescue_and_end(self, why: str) -> None:
        hurry()
        try:
            await self._rescue()
        finally:
            self.over = ""
            self._end(why)

    def _end(self, why: str) -> None:
        if self.over:
            return
        self.over = why
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result({"ok": False, "why": why})
        self._failed(why)


class _Watched:
    """Runs a session's exchanges, and says when each begins and ends."""

    def __init__(
        self,
        role: str,
        runner: Runner,
        tell: Callable[[dict[str, Any]], None],
        gate: Callable[[], None],
    ) -> None:
        self._role, self._runner, self._tell, self._gate = role, runner, tell, gate

    async def run(self, exchange: Exchange[T]) -> T:
        """Run one to its end. Raises BenchError once the bench is brought to rest."""
        self._gate()
        self._tell({"began": self._role})
        try:
            return await self._runner.run(exchange)
        except (InstrumentLost, InstrumentTimeout) as error:
            self._tell({"lost": f"{self._role}: {error}"})
            raise
        finally:
            self._tell({"ended": self._role})

    def stop(self) -> None:
        """As the runner's own."""
        self._runner.stop()
