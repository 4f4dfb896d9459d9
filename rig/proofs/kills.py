"""The safe state, proven by killing: victims are struck at every instrument command of a test.

The stand of a wire bench is built once: plant, twins behind TCP, the interlock wired, no device;
the interlock feeds the contactor. Each victim is a test of its own with a guardian of its own; it
energises by the real path, is struck at its point, and what then happens is read from the stand,
which notes when each output goes on and off, and from the plant's circuit: never from the guardian.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from rig.benches.file import load_bench
from rig.benches.guarding import GUARDED_STAND, guardian_spec
from rig.benches.processes import Processes
from rig.benches.stand import StandSpec
from rig.can.frame import Frame
from rig.can.hub_bus import HubBus
from rig.clock import monotonic_us
from rig.errors import BenchError
from rig.needs import Needs
from rig.proofs.kills_judged import Killed, last_off
from rig.proofs.kills_points import Kind
from rig.safety.chain import AS_WIRED
from rig.safety.spec import Limits
from rig.safety.vigil import ENDED, STOPPED, process_state
from rig.wall import WallLoop

# All chosen: instruments that answer in 5 ms, on a machine where a hang need not be told from load.
LIMITS = Limits(
    heartbeat_s=0.15,
    exchange_s=0.15,
    answer_s=0.5,
    step_s=1.0,
    blind_s=1.0,
    disk_bytes_min=32_768,  # of the small disk that the victims fill
)
REST_A = 1.0
POINT_S, REST_S, QUIET_S, GONE_S = 30.0, 6.0, 0.15, 4.0
LOOK_S = 0.02
SECOND_INTERRUPT_S = 0.01
FRAME_US = 2_500  # chosen: four hundred frames a second, as a few batteries' private bus has
FRAMES = 120  # chosen: so many at least come between the first output on and the last off
FRAME_SHARE = 0.15  # chosen: of the kills, at frames instead of commands
# With both dead it is the supply's own watchdog's, in seconds: that is no safe state of ours.
STRUCK = tuple(kind for kind in Kind if kind not in {Kind.NOTHING, Kind.BOTH})
ARMING = 120  # chosen: milliseconds in which a guardian has armed; a late point is right after it
ARMING_SHARE = 0.05  # chosen: of the kills, while it does
AT_ARMING = (Kind.SIGKILL, Kind.SIGSTOP, Kind.SIGSEGV)
AT_FRAMES = (Kind.SIGKILL, Kind.SIGSTOP, Kind.SIGSEGV, Kind.INTERRUPT, Kind.GUARDIAN_KILLED)
AGAIN = 6  # tries of a kill whose victim was tripped before its point, on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One kill to be tried."""

    number: int
    kind: Kind
    place: str
    point: int


def plan(kills: int, labels: Sequence[str], seed: int) -> list[Job]:
    """Every kind in turn, each over all points of the wire in a shuffled order of its own."""
    dice = Random(f"kills/{seed}")
    fits = {kind: [i for i, label in enumerate(labels) if _fits(kind, label)] for kind in STRUCK}
    for points in fits.values():
        dice.shuffle(points)
    jobs: list[Job] = []
    at_frames, at_arming = round(FRAME_SHARE * kills), round(ARMING_SHARE * kills)
    for number in range(kills):
        if number < at_frames:
            kind = AT_FRAMES[number % len(AT_FRAMES)]
            jobs.append(Job(number=number, kind=kind, place="frame", point=dice.randrange(FRAMES)))
            continue
        if number < at_frames + at_arming:
            kind, point = AT_ARMING[number % len(AT_ARMING)], dice.randrange(ARMING)
            jobs.append(Job(number=number, kind=kind, place="arming", point=point))
            continue
        kind = STRUCK[number % len(STRUCK)]
        points = fits[kind]
        point = points[number // len(STRUCK) % len(points)]
        jobs.append(Job(number=number, kind=kind, place="wire", point=point))
    dice.shuffle(jobs)
    return jobs


def _fits(kind: Kind, label: str) -> bool:
    """A read hangs, and a disk is written, once a message is out."""
    return kind not in {Kind.HUNG, Kind.DISK} or label.startswith("after ")


class Host:
    """The process that forks victims, and what they say."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._heard: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            self.heard(told["job"]).put_nowait(told)

    def heard(self, job: int) -> "asyncio.Queue[dict[str, Any]]":
        """What one victim says."""
        return self._heard.setdefault(job, asyncio.Queue())

    async def begin(self, **job: Any) -> None:
        """Have a victim forked."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        await self._process.stdin.drain()

    async def end(self) -> None:
        """No more victims."""
        self._reading.cancel()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


class Campaign:
    """One stand, and victims on it one after another."""

    def __init__(self, processes: Processes, folder: Path, host: Host) -> None:
        self._processes, self._folder, self._host = processes, folder, host
        self._report = folder / "safety.jsonl"
        self._tries = 0
        doors = processes.doors
        spec = guardian_spec(load_bench("wire"), doors, self._report, AS_WIRED, LIMITS)
        self._spec = folder / "victim.json"
        spec.write(self._spec)

    async def labels(self) -> list[str]:
        """The points of a test that nobody strikes."""
        job = Job(number=-1, kind=Kind.NOTHING, place="wire", point=-1)
        for _ in range(AGAIN):
            _, told = await self._try(job)
            if told.get("labels") and not told.get("ended"):
                return list(told["labels"])
        raise BenchError(f"the test that nobody strikes did not pass: {told.get('ended')}")

    async def kill(self, job: Job) -> Killed:
        """Strike one victim, and judge; again if it was tripped before its point by mere load."""
        for _ in range(AGAIN):
            killed, _ = await self._try(job)
            if killed.struck:
                break
        return killed

    async def _try(self, job: Job) -> tuple[Killed, dict[str, Any]]:
        self._tries += 1
        self._report.write_text("", encoding="utf-8")
        await self._processes.ask("moments")
        place = {"kind": job.kind, "place": job.place, "number": job.point}
        hub = str(self._processes.hub_socket)
        await self._host.begin(job=self._tries, **place, spec=str(self._spec), hub=hub)
        heard = self._host.heard(self._tries)
        born = await heard.get()
        told: dict[str, Any] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(POINT_S):
                while "at" not in told and "ended" not in told:
                    told = await heard.get()
        if job.kind is Kind.INTERRUPT and "at" in told:
            await asyncio.sleep(SECOND_INTERRUPT_S)
            _signal(born["victim"], signal.SIGINT)
        safe, moments = await self._see_rest()
        rescued = job.kind in {Kind.GUARDIAN_KILLED, Kind.GUARDIAN_STOPPED}
        said = await self._said(born["guardian"], heard, rescued=rescued)
        await self._bury(born)
        return self._judge(job, told, safe, moments, said), told

    async def _see_rest(self) -> tuple[bool, list[dict[str, Any]]]:
        """Whether the circuit comes to rest and stays so, and all that was switched."""
        moments: list[dict[str, Any]] = []
        until_us = monotonic_us() + 1e6 * REST_S
        rested_us: int | None = None
        while monotonic_us() < until_us:
            told = await self._processes.ask("moments")
            moments += told["moments"]
            circuit = await self._processes.ask("circuit")
            rests = (
                not any(circuit["outputs_on"].values())
                and abs(circuit["battery_current_a"]) < REST_A
                and not circuit["contactor_closed"]
                and not told["interlock_closed"]
            )
            if not rests:
                rested_us = None
            elif rested_us is None:
                rested_us = monotonic_us()
            elif monotonic_us() - rested_us > 1e6 * QUIET_S:
                return True, moments
            await asyncio.sleep(LOOK_S)
        return False, moments

    async def _said(
        self, guardian: int, heard: "asyncio.Queue[dict[str, Any]]", *, rescued: bool
    ) -> str:
        """What the guardian, or who did its work, called the end; it may still be at it.

        ``rescued``: the guardian is gone, and the victim does that work.
        """
        for _ in range(round(GONE_S / LOOK_S)):
            lines = self._report.read_text(encoding="utf-8").splitlines()
            states = [json.loads(line).get("state", "") for line in lines]
            while not heard.empty():
                told = heard.get_nowait()
                states.append(told.get("rescued", ""))
            if any(states):
                return str([state for state in states if state][-1])
            if process_state(guardian) in ENDED and not rescued:
                break
            await asyncio.sleep(LOOK_S)
        return ""

    async def _bury(self, born: dict[str, Any]) -> None:
        """Nobody of this kill is left for the next."""
        _signal(born["victim"], signal.SIGKILL)
        for _ in range(round(GONE_S / LOOK_S)):
            state = process_state(born["guardian"]) or "X"
            if state in ENDED:
                return
            if state in STOPPED:
                break
            await asyncio.sleep(LOOK_S)
        _signal(born["guardian"], signal.SIGKILL)

    @staticmethod
    def _judge(
        job: Job,
        told: dict[str, Any],
        safe: bool,
        moments: Sequence[dict[str, Any]],
        said: str,
    ) -> Killed:
        struck_us = told.get("at", 0)
        hangs = job.kind is Kind.HUNG
        failed_us = struck_us + round(1e6 * LIMITS.exchange_s) * hangs
        was_on, off_us = last_off(moments, struck_us)
        since_ms = None if off_us is None else (off_us - failed_us) / 1000
        return Killed(
            job=job.number,
            kind=job.kind,
            point=told.get("label", ""),
            struck="at" in told,
            was_on=was_on,
            off_ms=since_ms if was_on else None,
            since_hang_ms=(off_us - struck_us) / 1000 if hangs and was_on and off_us else None,
            safe=safe,
            said=said,
            why=str(told.get("ended", "")),
        )


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


async def _start_host(folder: Path) -> Process:
    with (folder / "host.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rig.proofs.kills_victim", str(folder / "disk")),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
        )


@asynccontextmanager
async def campaign() -> AsyncIterator[Campaign]:
    """A stand with its interlock, frames on its bus, and a host of victims; in a `WallLoop`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    folder = Path(tempfile.mkdtemp(prefix="kill"))  # a socket's name has to be short
    spec = StandSpec(
        needs=asdict(Needs()),
        firmware="1.38",
        without=[],
        starts_on=None,
        seed="1",
        bench="wire",
        hub=str(folder / "hub"),
        harness=str(folder / "harness"),
        control=str(folder / "control"),
    )
    processes = Processes(folder, spec, [], device_later=True)
    processes.stand_program = GUARDED_STAND
    try:
        async with processes:
            await processes.ask("feed_contactor")
            await processes.ask("come_first")
            host = Host(await _start_host(folder))
            bus = HubBus(loop.kernel, processes.hub_socket, "private")
            node = bus.attach("rest bus", None)

            def send() -> None:
                if not done:
                    node.send(Frame(0x18F02001, bytes(8)))
                    loop.kernel.after(FRAME_US, send)

            done: list[bool] = []
            send()
            try:
                yield Campaign(processes, folder, host)
            finally:
                done.append(True)
                await host.end()
                bus.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prove(
    kills: int, seed: int, told: Callable[[Killed], None] = lambda _killed: None
) -> list[Killed]:
    """Try so many kills; ``told`` hears of each as it is judged."""

    async def run() -> list[Killed]:
        found: list[Killed] = []
        async with campaign() as one:
            for job in plan(kills, await one.labels(), seed):
                found.append(await one.kill(job))
                told(found[-1])
        return found

    with asyncio.Runner(loop_factory=WallLoop) as runner:
        return runner.run(run())
