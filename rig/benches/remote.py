"""The rig's ends of a wire bench's processes: the stand's control, the device's test port.

A scenario inserts a fault by a call that is done when it returns, and hears at once what is
refused; so each request is written and its answer waited for, some milliseconds here.
"""

import asyncio
import json
import random
import socket  # noqa: TID251 - never part of a virtual run
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rig.dut.terminals import Input, Output
from rig.dut.test_port import damaged
from rig.errors import BenchError, FaultRefused, NotOnThisBench
from rig.faults.sensors import Quantity

ANSWER_S = 10.0  # chosen: a process on a busy machine is late by a second, not by ten
KINDS: dict[str, type[BenchError]] = {
    "NotOnThisBench": NotOnThisBench,
    "FaultRefused": FaultRefused,
}


class Line:
    """One connection: a JSON object a line, each answered. Raises BenchError if nobody is there."""

    def __init__(self, path: Path, whose: str) -> None:
        self._whose = whose
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise BenchError(f"the {whose} is not there: {error}") from error
        self._answers = self._socket.makefile("rb")

    def ask(self, what: str, **asked: Any) -> dict[str, Any]:
        """Have something done. Raises BenchError, or what of its family the other end says."""
        try:
            self._socket.sendall(json.dumps({"do": what, **asked}).encode() + b"\n")
            line = self._answers.readline()
        except OSError as error:
            raise BenchError(f"the {self._whose} does not answer: {error}") from error
        if not line:
            raise BenchError(f"the {self._whose} has ended")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise KINDS.get(answer.get("kind", ""), BenchError)(answer["why"])
        return answer

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()


class RemoteSensors:
    """The sensors of one battery on the stand, as far as a scenario sets them."""

    def __init__(self, stand: Line, battery: int) -> None:
        self._stand, self._battery = stand, battery

    def fix(self, quantity: Quantity, index: int, value: float | None) -> None:
        """It reads this from now on; None: the truth."""
        self._stand.ask(
            "fix", battery=self._battery, quantity=str(quantity), index=index, value=value
        )


class RemoteBattery:
    """What can be done to one battery on the stand."""

    def __init__(self, stand: Line, battery: int) -> None:
        self._stand, self._battery = stand, battery
        self.sensors = RemoteSensors(stand, battery)

    def fall_silent(self) -> None:
        """Its frames reach the bus no more."""
        self._stand.ask("silent", battery=self._battery, silent=True)

    def speak_again(self) -> None:
        """They do again."""
        self._stand.ask("silent", battery=self._battery, silent=False)


class RemoteBluetooth:
    """The Bluetooth module of the device on the stand, as an app reaches it."""

    def __init__(self, control: Path) -> None:
        self._control = control
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, text: bytes) -> tuple[str, bytes] | None:
        """One exchange of an app; None if the module is not in reach, or nothing comes."""
        if self._connection is None:
            self._connection = await asyncio.open_unix_connection(str(self._control))
        reader, writer = self._connection
        writer.write(json.dumps({"do": "app", "text": text.hex()}).encode() + b"\n")
        line = await reader.readline()
        if not line:
            raise BenchError("the stand has ended")
        told: dict[str, Any] = json.loads(line)
        if not told["ok"]:
            raise BenchError(f"stand: {told['why']}")
        answer = told["answer"]
        return None if answer is None else (answer[0], bytes.fromhex(answer[1]))

    def close(self) -> None:
        """The phone is taken away: at the very end, for a stand ends with any of its clients."""
        if self._connection is not None:
            self._connection[1].close()


class RemoteSecondDut:
    """The lines of the second device on the stand."""

    def __init__(self, stand: Line) -> None:
        self._stand = stand

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input."""
        self._stand.ask("second_drive", line=str(line), level=level)

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        return bool(self._stand.ask("second_sense", line=str(line))["level"])


class RemoteTestPort:
    """The test port of a device in a process of its own."""

    def __init__(self, device: Line) -> None:
        self._device = device

    def stall(self) -> None:
        """Its main loop does not go on, until its watchdog or `resume` lets it."""
        self._device.ask("stall")

    def resume(self) -> None:
        """Its main loop goes on."""
        self._device.ask("resume")

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Be of a release less some of its changes from now on, with the memory as it is."""
        self._device.ask("become", release=release, lacking=list(lacking))

    def damage(self, register: str, how: str, dice: random.Random) -> Callable[[], None]:
        """Damage a register and restart it; what puts it right is returned."""
        memory = self._device.ask("memory")["memory"]
        registers = {name: bytes.fromhex(text) for name, text in memory.items()}
        after = damaged(registers, register, how, dice)
        data = None if after is None else after.hex()
        self._device.ask("damage", register=register, data=data)
        before = memory[register]
        return lambda: self._repair(register, before)

    def _repair(self, register: str, data: str) -> None:
        self._device.ask("damage", register=register, data=data, restart=False)
