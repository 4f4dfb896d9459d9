"""The stand of a wire bench: plant, battery modules and instruments' twins, on the wall clock.

A process of its own: `python -m rig.benches.stand SPEC`, where SPEC is a JSON file of `StandSpec`.
Drivers reach the twins over TCP, the batteries speak on the hub, the device hangs on its harness.
The control socket inserts faults, and shows the circuit to who has to prove that it is safe: one
JSON object a line, each answered. The stand is built when its standard input says so, and ends with
it or with its control socket's client: whoever owns it, and is killed at any time, leaves no stand.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instruments.doors.socket_door import SocketDoor
from instruments.models import MODELS, Model
from instruments.twins.twin import Twin
from rig.benches.file import BenchFile, load_bench
from rig.benches.insertion import Insertion
from rig.benches.supervision import Supervision
from rig.benches.surroundings import Surroundings
from rig.benches.wiring import Lines, Voltages
from rig.dut.harness import HarnessedDut
from rig.dut.model import DutSpec
from rig.dut.terminals import Input, Output
from rig.errors import BenchError
from rig.faults import ask
from rig.faults.sensors import Quantity
from rig.needs import Needs
from rig.wall import WallLoop

POWER_ROLES = ("charger", "load")
SECOND_BUS = "second_private"  # of the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class StandSpec:
    """What is to be built; paths are of sockets, but for the bench's file."""

    needs: Mapping[str, Any]
    firmware: str
    without: Sequence[str]
    starts_on: str | None
    seed: str
    bench: str
    hub: str
    harness: str
    control: str


class Stand:
    """Everything around the device, for one attempt."""

    def __init__(self, spec: StandSpec) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, WallLoop)
        self.kernel = loop.kernel
        self.kernel.seed = spec.seed
        self._file = load_bench(spec.bench)
        needs = Needs.parse(_with_tuples(spec.needs))
        dut_spec = DutSpec(
            firmware=spec.firmware, without=tuple(spec.without), starts_on=spec.starts_on
        )
        private, harness = (Path(spec.hub), "private"), Path(spec.harness)
        self.system = Surroundings(loop, private, harness, needs, dut_spec, fmu=self._file.fmu)
        self.dut = self.system.dut
        self.second: Surroundings | None = None
        self._spec, self._loop = spec, loop
        self.insertion = Insertion(self.kernel, self.system)
        self.undo: dict[int, Callable[[], None]] = {}
        self.twins = self._twins(self._file)

    def _twins(self, file: BenchFile) -> Mapping[str, Twin]:
        kernel, plant = self.kernel, self.system.plant
        twins: dict[str, Any] = {
            role: wired_model(wired.model).make_twin(
                serial=wired.serial or "",
                dice=kernel.stream(f"twin/{role}"),
                now_us=lambda: kernel.now_us,
            )
            for role, wired in file.roles.items()
        }
        twins["charger"].connect(plant.attach_source(twins["charger"].demand))
        twins["load"].connect(plant.attach_load(twins["load"].demand))
        twins["daq"].connect(digital=Lines(file, self.dut), analog=Voltages(file, plant, self.dut))
        Supervision(kernel, plant, [twins[role] for role in POWER_ROLES])
        return twins

    async def serve(self, control: Path) -> None:
        """Open the doors, say where they are, and do what the control socket asks for."""
        gone = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
            writer.close()
            gone.set()

        async with AsyncExitStack() as stack:
            doors = {
                role: await stack.enter_async_context(
                    SocketDoor(twin, now_us=lambda: self.kernel.now_us)
                )
                for role, twin in self.twins.items()
            }
            server = await asyncio.start_unix_server(talk, path=str(control))
            told = {
                "doors": {role: door.resource_name for role, door in doors.items()},
                "sizes": [asdict(size) for size in self.insertion.sizes],
                "bluetooth": self.dut.bluetooth is not None,
            }
            print(json.dumps(told), flush=True)  # noqa: T201 - the one line that it says
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _read_on, gone)
            await gone.wait()
            server.close()
        self.system.close()
        if self.second is not None:
            self.second.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            return {"ok": True, **await self._do(asked.pop("do", ""), **asked)}
        except (BenchError, ValueError, TypeError, KeyError, IndexError) as error:
            return {"ok": False, "kind": type(error).__name__, "why": str(error)}

    async def _do(self, what: str, **asked: Any) -> dict[str, Any]:
        act = getattr(self, f"_do_{what}", None)
        if act is None:
            raise ValueError(f"do: {what!r}: nothing that a stand does")
        found: dict[str, Any] | Awaitable[dict[str, Any]] | None = act(**asked)
        return await found if isinstance(found, Awaitable) else found or {}

    def _do_fix(self, battery: int, quantity: str, index: int, value: float | None) -> None:
        self.system.modules[battery].sensors.fix(Quantity(quantity), index, value)

    def _do_silent(self, battery: int, silent: bool) -> None:
        module = self.system.modules[battery]
        if silent:
            module.fall_silent()
        else:
            module.speak_again()

    def _do_inject(self, number: int, name: str, given: Mapping[str, Any]) -> None:
        self.undo[number] = self.insertion.insert(ask(name, given, self.insertion.sizes))

    def _do_clear(self, number: int) -> None:
        self.undo.pop(number)()

    def _do_weld(self) -> None:
        self.system.plant.settle()
        self.system.plant.weld_contactor()

    def _do_power_cycle(self) -> None:
        self.dut.power_cycle()

    async def _do_app(self, text: str) -> dict[str, Any]:
        """An app asks the device's Bluetooth module; answered when that has answered."""
        module = self.dut.bluetooth
        if module is None:
            raise BenchError("an app asks a device without a Bluetooth module")
        answer = await module.ask(bytes.fromhex(text))
        return {"answer": None if answer is None else (answer[0], answer[1].hex())}

    def _do_add_system(self, needs: Mapping[str, Any], firmware: str, parallel: bool) -> None:
        """Another system, with batteries on a bus of its own; its device's harness is `second`."""
        self.second = Surroundings(
            self._loop,
            (Path(self._spec.hub), SECOND_BUS),
            second_harness(Path(self._spec.harness)),
            Needs.parse(_with_tuples(needs)),
            DutSpec(firmware=firmware),
            name="second",
            dc_bus=self.system.plant.dc_bus if parallel else None,
        )

    def _do_second_drive(self, line: str, level: bool) -> None:
        self._second_dut().drive(Input(line), level)

    def _do_second_sense(self, line: str) -> dict[str, Any]:
        return {"level": self._second_dut().sense(Output(line))}

    def _second_dut(self) -> HarnessedDut:
        if self.second is None:
            raise BenchError("there is no second system on this stand")
        return self.second.dut

    def _do_circuit(self) -> dict[str, Any]:
        """The truth about the circuit, for who proves a safe state; no scenario sees it."""
        plant = self.system.plant
        plant.settle()
        _, system_v, current_a = plant.measured
        return {
            "time_us": self.kernel.now_us,
            "contactor_closed": plant.contactor_closed,
            "system_voltage_v": system_v,
            "battery_current_a": current_a,
            "outputs_on": {
                role: bool(getattr(self.twins[role].supervised, "on", False))
                for role in POWER_ROLES
            },
        }


def wired_model(name: str) -> Model:
    """The instrument that a bench file means: it names maker and title."""
    return next(model for model in MODELS if name.endswith(model.title))


def _read_on(gone: asyncio.Event) -> None:
    """Our owner's end of standard input: it says nothing more, and closes when that ends."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        gone.set()


def second_harness(first: Path) -> Path:
    """Where the second device's harness is plugged in, beside the first's."""
    return first.with_name(f"{first.name}2")


def _with_tuples(needs: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in needs.items()}


def main(arguments: Sequence[str], build: Callable[[StandSpec], Stand] = Stand) -> int:
    """Build the stand of a spec when standard input says so, and serve it while it is open."""
    if not os.read(sys.stdin.fileno(), 1):
        return 0  # who wanted it has gone meanwhile
    spec = StandSpec(**json.loads(Path(arguments[0]).read_text(encoding="utf-8")))

    async def run() -> None:
        await build(spec).serve(Path(spec.control))

    with asyncio.Runner(loop_factory=WallLoop) as runner:
        runner.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
