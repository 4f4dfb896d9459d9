"""The wire bench: hub, stand and device as processes, real drivers over TCP, the wall clock.

The same scenarios as on the simulated bench, with everything between the parties on real sockets.
What this bench has not raises NotOnThisBench by name: branches, a GX that the device supplies, a
long private bus, faults inside what no terminal or test port reaches.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from instruments.models import open_session
from instruments.session import Session
from rig.attempt import Attempt
from rig.bench import SecondMaster
from rig.benches.file import BenchFile
from rig.benches.guarding import GUARDED_STAND, REPORT, Guarding, guardian_spec
from rig.benches.instrumented import Instruments
from rig.benches.on_wall import gx_with_own_supply, plot_in_background
from rig.benches.parts import CHANNELS, BenchParts, Compared
from rig.benches.processes import Processes
from rig.benches.remote import (
    Line,
    RemoteBattery,
    RemoteBluetooth,
    RemoteSecondDut,
    RemoteTestPort,
)
from rig.benches.simulated import (
    SECOND_SERIAL,
    StartedByButton,
    second_needs,
    with_soc,
)
from rig.benches.stand import StandSpec, wired_model
from rig.can.face import CanBus
from rig.can.hub_bus import HubBus
from rig.dut.bluetooth import App
from rig.dut.model import DutSpec
from rig.dut.terminals import Input, NullMode, Output
from rig.dut.tool_link import ToolLink
from rig.dut.updater import Updater
from rig.errors import NotOnThisBench
from rig.faults import Asked, BatterySize
from rig.gx_update import GxUpdate
from rig.kernel import Kernel
from rig.needs import Needs
from rig.realtime import favoured
from rig.safety.chain import AS_WIRED
from rig.safety.spec import Limits
from rig.views import BatteryView
from rig.wall import WallLoop

ANSWER_S = 5.0  # chosen: a twin answers in milliseconds, on a busy machine in a second
OFF_S = 0.5  # chosen: what a relay in the supply lead is open for
BATTERIES_MAX = 80  # chosen: the hub has places for 100 clients, and some are the rig's


class WireDevice:
    """The device's process, as far as a bench reaches it besides buses and lines."""

    def __init__(self, stand: Line, inside: RemoteTestPort) -> None:
        self._stand, self.inside = stand, inside

    def drive(self, line: Input, level: bool) -> None:
        """Raises NotOnThisBench: the DAQ drives its lines."""
        _missing(f"driving {line} past the DAQ")

    def sense(self, line: Output) -> bool:
        """Raises NotOnThisBench: the DAQ reads its lines."""
        _missing(f"reading {line} past the DAQ")

    async def power_cycle(self) -> None:
        """Cut its supply; it has been on again for as long when this returns."""
        self._stand.ask("power_cycle")
        await asyncio.sleep(2 * OFF_S)

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Be of a release less some of its changes from now on, with the memory as it is."""
        self.inside.become(release, lacking)

    def turn_null(self, mode: NullMode) -> None:
        """Raises NotOnThisBench: the proof that a check can fail is made in virtual time."""
        _missing(f"a {mode} device")


def _missing(what: str) -> NoReturn:
    raise NotOnThisBench(f"{what}: not on a wire bench")


@asynccontextmanager
async def wire_bench(
    file: BenchFile, needs: Needs, spec: DutSpec, attempt: Attempt, compared: Compared
) -> AsyncIterator["WireBench"]:
    """A bench with processes of its own, its instruments open; all are gone at the end.

    Time begins when the device is switched on. Raises BenchError if something does not start.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    count = needs.series * needs.parallel
    if count > BATTERIES_MAX:
        raise NotOnThisBench(f"{count} batteries: {BATTERIES_MAX} at most have a place at the hub")
    if needs.private_bus_m > Needs().private_bus_m:
        raise NotOnThisBench(
            f"a private bus of {needs.private_bus_m:g} m: the hub's have no length"
        )
    folder = Path(tempfile.mkdtemp(prefix="hil"))  # a socket's name has to be short
    spec = with_soc(spec, needs)
    stand = _stand_spec(folder, file, needs, spec, loop.kernel.seed)
    processes = Processes(folder, stand, device_options(spec), device_later=True)
    processes.stand_program = GUARDED_STAND
    kept = {name: raw.hex() for name, raw in spec.memory.items()}
    processes.memory.write_text(json.dumps(kept), encoding="utf-8")
    try:
        # In a lab these are hardware, which waits for no program; nor should a reading of it.
        with favoured():
            async with processes, AsyncExitStack() as stack:
                loop.hold()
                bench = WireBench(
                    loop.kernel, file, needs, spec, attempt, compared, processes, stack
                )
                await bench.guarding.start(stack)
                # The device last: nothing that takes time comes between its start and time's.
                await processes.start_device()
                loop.begin_again()
                bench.guarding.link.beat()
                await bench.open(stack)
                try:
                    yield bench
                finally:
                    bench.guarding.stop_the_test()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stand_spec(folder: Path, file: BenchFile, needs: Needs, spec: DutSpec, seed: str) -> StandSpec:
    return StandSpec(
        needs=asdict(needs),
        firmware=spec.firmware,
        without=spec.without,
        starts_on=spec.starts_on,
        seed=seed,
        bench=str(file.path),
        hub=str(folder / "hub"),
        harness=str(folder / "harness"),
        control=str(folder / "control"),
    )


def device_options(spec: DutSpec) -> list[str]:
    """What the device's process is started with."""
    options = ["--firmware", spec.firmware, "--hardware", spec.hardware, "--serial", spec.serial]
    for item in spec.without:
        options += ["--without", item]
    return options if spec.starts_on is None else [*options, "--starts-on", spec.starts_on]


class WireBench(BenchParts):
    """Everything that one attempt needs, in processes of its own."""

    def __init__(
        self,
        kernel: Kernel,
        file: BenchFile,
        needs: Needs,
        spec: DutSpec,
        attempt: Attempt,
        compared: Compared,
        processes: Processes,
        stack: AsyncExitStack,
    ) -> None:
        super().__init__(kernel, needs, spec.firmware, attempt, compared)
        self._spec, self._processes, self._faults = spec, processes, 0
        self.sizes = [BatterySize(**size) for size in processes.sizes]
        self._stand = Line(processes.control, "stand")
        stack.callback(self._stand.close)
        # On the buses before the device is: what it says first is heard.
        hub_buses = {name: HubBus(kernel, processes.hub_socket, name) for name in CHANNELS}
        for hub_bus in hub_buses.values():
            stack.callback(hub_bus.close)
        wires: Mapping[str, CanBus] = hub_buses
        self._record(wires)
        self.gx = gx_with_own_supply(kernel, wires["ve_can"], self._make)
        self.tool_link = ToolLink(wires["ve_can"], lambda: self.gx.address_of(0))
        gx_update = GxUpdate(wires["ve_can"], self.gx, self.gx.supply)
        self.updater = Updater(self.tool_link, gx_update)
        module = RemoteBluetooth(processes.control)
        stack.callback(module.close)
        self.app = App(module if processes.has_bluetooth else None)
        self.buses = self._views()
        self.batteries = [self._battery(index) for index in range(len(self.sizes))]
        self._wire_instruments(file)

    def _wire_instruments(self, file: BenchFile) -> None:
        """The real drivers, on the doors of the stand's twins."""

        def session(role: str) -> Session:
            return open_session(
                wired_model(file.roles[role].model),
                self._processes.doors[role],
                now_us=lambda: self.kernel.now_us,
                timeout_s=ANSWER_S,
            )

        processes = self._processes
        report = (self._attempt.folder or processes.folder) / REPORT
        spec = guardian_spec(file, processes.doors, report, AS_WIRED, Limits())
        guarding = Guarding(spec, processes.folder, self.kernel, lambda: self._instruments.hands)
        self.guarding = guarding
        watched = guarding.watched(session)
        self._take(Instruments(file, watched, self._make, guarding.link))

    async def open(self, stack: AsyncExitStack) -> None:
        """The device has just been switched on: meet it, and open every instrument."""
        inside = Line(self._processes.test_port, "device's test port")
        stack.callback(inside.close)
        self.device = WireDevice(self._stand, RemoteTestPort(inside))
        self.gx.connect()  # the device has not heard its claim yet
        stack.push_async_callback(self._instruments.close)
        await self._instruments.open()
        stack.push_async_callback(self._instruments.safe_state)
        plot_in_background(self._instruments, self._attempt, stack)

    def _battery(self, index: int) -> BatteryView:
        battery = RemoteBattery(self._stand, index)
        size = self.sizes[index]
        return BatteryView(battery, (size.cells, size.sensors), self.buses["private"], index)

    def insert(self, asked: Asked) -> Callable[[], None]:
        """Insert a fault now; what undoes it is returned. Raises NotOnThisBench."""
        inside = self.device.inside
        if asked.kind.name == "stalled loop":
            inside.stall()
            return inside.resume
        self._faults += 1
        number = self._faults
        if asked.kind.name == "damaged memory":
            dice = self.kernel.stream(f"fault/{number}")
            return inside.damage(asked.word("register"), asked.word("how"), dice)
        given = {key: value for key, value in asked.given.items() if value is not None}
        self._stand.ask("inject", number=number, name=asked.kind.name, given=given)

        def undo() -> None:
            self._stand.ask("clear", number=number)

        return undo

    def weld_contactor(self) -> None:
        """Close the main contacts for good, as of now."""
        self._stand.ask("weld")

    async def add_master(self, firmware: str, *, in_parallel: bool) -> SecondMaster:
        """Another system on the same VE.Can, or on our link, too: a device's process of its own."""
        without = self._spec.without if firmware == self.firmware else ()
        needs, serial = second_needs(self.needs, in_parallel=in_parallel), SECOND_SERIAL
        spec = with_soc(DutSpec(firmware=firmware, without=without, serial=serial), needs)
        told = {"needs": asdict(needs), "firmware": firmware, "parallel": in_parallel}
        self._stand.ask("add_system", **told)
        kept = {name: raw.hex() for name, raw in spec.memory.items()}
        await self._processes.start_second_device(device_options(spec), kept)
        link = ToolLink(self._wires["ve_can"], lambda: self.gx.address_of(1), "second tool")
        return StartedByButton(self.kernel, RemoteSecondDut(self._stand), link, self._make)
