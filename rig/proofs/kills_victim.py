"""The victims of a campaign: `python -m rig.proofs.kills_victim`, a job a line on standard input.

This process loads everything once and forks a victim for each job, and the victim its guardian, so
that three hundred of them do not import three hundred times; what runs afterwards is the code of a
test on the wire bench: real drivers, permits, the guardian of `rig.safety.guardian`. The guardian's
clock is the one thing that is another: it jumps by an hour when a signal says so, because the clock
of a machine that others use cannot be set.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from instruments.models import open_session
from instruments.protocols import InstrumentError
from instruments.session import Session
from rig.benches.file import load_bench
from rig.benches.instrumented import Instruments
from rig.benches.models import wired_model
from rig.can.hub_bus import HubBus
from rig.clock import monotonic_us
from rig.errors import BenchError
from rig.proofs.kills_disk import Disk, mount_small
from rig.proofs.kills_points import Kind, Pierced, Recorded, Strike
from rig.realtime import favoured
from rig.safety.client import GuardianLink
from rig.safety.guardian import serve
from rig.safety.safe_state import Way
from rig.safety.spec import GuardianSpec
from rig.signal import Poller, Signal
from rig.wall import WallLoop

ANSWER_S = 2.0
ARMING_S, ARMING_POINTS = 0.001, 1000  # above any number of a point that is meant
JUMP_US = 3_600_000_000


class JumpingClock:
    """The machine's monotonic clock, until a signal moves it an hour forward or back."""

    def __init__(self) -> None:
        self._ahead_us = 0
        signal.signal(signal.SIGUSR1, lambda *_: self._jump(JUMP_US))
        signal.signal(signal.SIGUSR2, lambda *_: self._jump(-JUMP_US))

    def _jump(self, by_us: int) -> None:
        self._ahead_us += by_us

    def __call__(self) -> int:
        """Microseconds now."""
        return monotonic_us() + self._ahead_us


class Victim:
    """One test of the wire bench, as far as instruments and guardian are concerned."""

    def __init__(self, job: dict[str, Any], spec: GuardianSpec, strike: Strike) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, WallLoop)
        self._loop, self._spec, self._strike = loop, spec, strike
        self.link = GuardianLink(spec, self._fail, self._rescue)
        file = load_bench("wire")
        self._instruments = Instruments(file, self._session, self._signal, self.link)
        self._why = ""
        self._hub = HubBus(loop.kernel, Path(job["hub"]), "private")
        self._hub.watch(lambda _time, _sender, _frame: strike.point("a frame", "frame"))

    def _session(self, role: str) -> Session:
        place = self._spec.places[role]
        session = open_session(
            wired_model(place.model), place.resource, now_us=monotonic_us, timeout_s=ANSWER_S
        )
        # The proof stands between driver and wire, where no test ever does.
        session._resource = Pierced(session._resource, role, self._strike)  # noqa: SLF001
        hung_up = session.peer_has_closed
        session.run_by(
            lambda runner: Recorded(self.link.watch(role, runner, hung_up), self._strike)
        )
        return session

    def _signal(self, name: str, unit: str, poll: Poller | None = None) -> Signal[Any]:
        return Signal(name, unit, kernel=self._loop.kernel, poll=poll)

    def _fail(self, why: str) -> None:
        self._why = why
        self._strike.tell(failed=why)
        self._loop.kernel.after(0, self._raise)

    def _raise(self) -> None:
        raise BenchError(self._why)

    async def _rescue(self) -> None:
        way = Way(self._instruments.hands, self._spec.sense, self._spec.limits, monotonic_us)
        outcome = await way.go()
        self._strike.tell(rescued=str(outcome.state))

    async def run(self) -> None:
        """Charge, discharge, both; whatever goes wrong, ask for the safe state on the way out."""
        try:
            moments = self._loop.create_task(self._count_while_arming())
            try:
                await self.link.arm()
            finally:
                moments.cancel()
            for _ in range(ARMING_POINTS):
                self._strike.point("its guardian has armed", "arming")
            await self._scenario()
            await self.link.part()
        except (BenchError, InstrumentError, OSError, asyncio.CancelledError) as error:
            if not self.link.over:
                await self.link.make_safe(f"the test ends: {type(error).__name__}")
            raise
        finally:
            await self.link.settled()

    async def _count_while_arming(self) -> None:
        """A point each millisecond: what the guardian sends meanwhile is not seen from here."""
        while True:
            self._strike.point("while its guardian arms", "arming")
            await asyncio.sleep(ARMING_S)

    async def _scenario(self) -> None:
        bench = self._instruments
        await bench.open()
        await bench.charger.charge(20.0, 28.0)
        await bench.charger.current.read()
        await bench.load.draw(15.0)
        await bench.load.current.read()
        await bench.charger.charge(35.0, 28.2)
        await bench.voltages["system"].read()
        await bench.charger.off()
        await bench.load.draw(25.0)
        await bench.lines["contactor_aux"].read()
        await bench.load.off()


def victim(job: dict[str, Any], small: Path | None) -> None:
    """Be the victim of one job; ``small``: the disk that can be filled."""
    # A shell starts what it runs in the background deaf to interrupts; a test is not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    spec = replace(GuardianSpec.read(Path(job["spec"])), client=os.getpid())
    # A disk that fills, and one that cannot be written, turn by turn.
    disk = Disk(small if job["number"] % 2 else None)
    if job["kind"] == Kind.DISK:
        spec = replace(spec, report=disk.report)  # one disk is full for both
    to_guardian, from_guardian, guardian = _fork_guardian(spec)
    strike = Strike(job["job"], Kind(job["kind"]), job["place"], job["number"], guardian, disk)
    strike.tell(victim=os.getpid(), guardian=guardian)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        pipe = os.fdopen(from_guardian, "rb", buffering=0)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        one = Victim(job, spec, strike)
        await one.link.meet(reader, lambda data: os.write(to_guardian, data))
        await one.run()

    why = ""
    try:
        # As on a wire bench; who is killed still needs the processor to end, and lives until then.
        with favoured(), asyncio.Runner(loop_factory=WallLoop) as runner:
            runner.run(run())
    except BaseException as error:  # noqa: BLE001 - its last word, whatever it was
        why = f"{type(error).__name__}: {error}"
    strike.tell(ended=why, labels=strike.labels)


def _fork_guardian(spec: GuardianSpec) -> tuple[int, int, int]:
    """A guardian over two pipes, of which nobody else has an end."""
    heard, to_guardian = os.pipe()
    from_guardian, said = os.pipe()
    guardian = os.fork()
    if guardian:
        os.close(heard)
        os.close(said)
        return to_guardian, from_guardian, guardian
    _become(lambda: asyncio.run(serve(spec, JumpingClock())), heard, said)
    raise AssertionError


def _become(work: Callable[[], object], stdin: int, stdout: int) -> None:
    """Do this and nothing else, with these as standard input and output; never returns."""
    code = 1
    try:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.closerange(3, 256)
        work()
        code = 0
    except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def main(arguments: Sequence[str]) -> int:
    """Fork a victim for each job until standard input ends; a folder for a disk is told."""
    folder = Path(arguments[0])
    small = folder if mount_small(folder) else None
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the pipes open
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            victim(json.loads(line), small)
            os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
