"""The processes of a wire bench: hub, stand and device, started in order and always ended.

Each is a child of its own and says in one line of JSON when it is ready. Whoever of them is still
there at the end is killed; a device that is gone drives nothing, and hub and stand end with their
standard input, the stand with its control connection, too: nothing is left on, whoever is killed
when.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rig.benches.stand import SECOND_BUS, StandSpec, second_harness
from rig.errors import BenchError, NotOnThisBench
from rig.realtime import favour_session

BUSES: Mapping[str, int] = {"private": 250_000, "ve_can": 250_000, "external": 500_000}
GO = b"go\n"
READY_S = 30.0  # chosen: a busy machine imports slowly
END_S = 3.0


class Processes:
    """Hub, stand and device of one attempt, while the context is entered.

    ``folder``: where their sockets and what they say go; it has to be short, for a local socket's
    name has 107 bytes at most. ``device_later``: it is started by `start_device`, once everybody
    else is on its buses.
    """

    stand_program: Sequence[str] = ("-m", "rig.benches.stand")

    def __init__(
        self,
        folder: Path,
        spec: StandSpec,
        device: Sequence[str],
        *,
        device_later: bool = False,
    ) -> None:
        self.folder, self._spec, self._device_options = folder, spec, list(device)
        self._device_later = device_later
        self.memory, self.test_port = folder / "memory.json", folder / "port"
        self.hub_socket, self.control = Path(spec.hub), Path(spec.control)
        self.doors: Mapping[str, str] = {}
        self.sizes: list[dict[str, Any]] = []
        self.has_bluetooth = False
        self.device: Process | None = None
        self._started: list[Process] = []
        self._control: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            await self._start_all()
        except BaseException:
            await self._end_all()
            raise
        return self

    async def _start_all(self) -> None:
        buses = [f"{name}:{rate}" for name, rate in BUSES.items()]
        buses.append(f"{SECOND_BUS}:{BUSES['private']}")
        hub = ["-m", "rig.commands.hub", *buses, "--socket", self._spec.hub]
        hub += ["--no-strangers", "--no-acknowledge", "--json", "--attached"]
        spec = self.folder / "stand.json"
        spec.write_text(json.dumps(asdict(self._spec)), encoding="utf-8")
        hub_process = await self._spawn("hub", hub, stdin=PIPE)
        # It loads while the hub does, and is built once that is there.
        stand = await self._spawn("stand", [*self.stand_program, str(spec)], stdin=PIPE)
        await self._is_ready("hub", hub_process)
        assert stand.stdin is not None
        stand.stdin.write(GO)
        told = await self._is_ready("stand", stand)
        self.doors, self.sizes = told["doors"], told["sizes"]
        self.has_bluetooth = bool(told["bluetooth"])
        self._control = await asyncio.open_unix_connection(self._spec.control)
        if not self._device_later:
            await self.start_device()

    async def start_device(self) -> None:
        """Start the device, and wait until it runs."""
        self.device = await self._spawn("device", self._device_command())
        await self._is_ready("device", self.device)

    async def start_second_device(self, options: Sequence[str], memory: Mapping[str, str]) -> None:
        """Start the device of the stand's second system, with this in its memory."""
        kept = self.folder / "memory2.json"
        kept.write_text(json.dumps(memory), encoding="utf-8")
        harness = second_harness(Path(self._spec.harness))
        command = ["-m", "bms", "run", *options, "--harness", str(harness), "--memory", str(kept)]
        for port, bus in (("private", SECOND_BUS), ("ve_can", "ve_can")):
            command += ["--can", f"{port}=hil_hub:{bus},socket={self._spec.hub},name=second"]
        await self._is_ready("second device", await self._spawn("second device", command))

    def _device_command(self) -> list[str]:
        command = ["-m", "bms", "run", *self._device_options, "--harness", self._spec.harness]
        for name in BUSES:
            place = f"{name}=hil_hub:{name},socket={self._spec.hub},name=device"
            command += ["--can", place]
        return [*command, "--memory", str(self.memory), "--test-port", str(self.test_port)]

    async def _spawn(self, name: str, arguments: Sequence[str], stdin: int = DEVNULL) -> Process:
        """Start one; it loads by itself."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=stdin,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: the safe state still needs them
            )
        self._started.append(process)
        favour_session(process.pid)
        return process

    async def _is_ready(self, name: str, process: Process) -> dict[str, Any]:
        """Wait for its line. Raises BenchError with what it said instead."""
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
            found: dict[str, Any] = json.loads(line)
        except (TimeoutError, ValueError):
            said = (self.folder / f"{name}.log").read_text(errors="replace").strip()
            last = said.splitlines()[-1] if said else "it says nothing"
            raise BenchError(f"the {name} did not start within {READY_S:g} s: {last}") from None
        return found

    async def ask(self, what: str, **asked: Any) -> dict[str, Any]:
        """Have the stand do something. Raises BenchError, or NotOnThisBench, for what it cannot."""
        if self._control is None:
            raise BenchError("there is no stand yet, or no longer")
        reader, writer = self._control
        async with self._turn:
            writer.write(json.dumps({"do": what, **asked}).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        if not line:
            raise BenchError("the stand has ended")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            kind = NotOnThisBench if answer["kind"] == "NotOnThisBench" else BenchError
            raise kind(f"stand: {answer['why']}")
        return answer

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end_all()

    async def _end_all(self) -> None:
        """The device first, then the stand by its control connection, the hub last."""
        if self.device is not None:
            _signal(self.device, signal.SIGTERM)
        if self._control is not None:
            self._control[1].close()
            self._control = None
        for process in reversed(self._started):
            if process is self._started[0]:
                _signal(process, signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), END_S)
            except TimeoutError:
                _signal(process, signal.SIGKILL)
                await process.wait()
        self._started.clear()


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)
