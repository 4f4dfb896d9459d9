"""The simulated bench: model, plant and the instruments' twins on one virtual clock.

The drivers are the real ones; they speak real SCPI through PyVISA to twins that hang on the plant's
one circuit.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from instruments.protocols import Answering
from instruments.session import Session
from instruments.twins.chroma63206a import Chroma63206ATwin
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.visa import TwinLibrary
from rig.attempt import Attempt
from rig.background import Background
from rig.benches.file import BenchFile
from rig.benches.insertion import Insertion
from rig.benches.instrumented import PLOTS, Instruments
from rig.benches.parts import BenchParts, Compared
from rig.benches.supervision import Supervision
from rig.benches.system import EXTERNAL_BIT_RATE, VE_CAN_BIT_RATE, build_system
from rig.benches.wiring import Lines, Voltages
from rig.can.bus import Bus
from rig.dut.bluetooth import App
from rig.dut.model import DutSpec
from rig.dut.terminals import Input, NullMode, Output
from rig.dut.tool import DiagnosticTool
from rig.dut.tool_link import ToolLink
from rig.dut.updater import Updater
from rig.errors import NotReady
from rig.faults import Asked, BatterySize
from rig.gx_device import GxDevice
from rig.gx_update import GxUpdate
from rig.kernel import Kernel
from rig.needs import Needs
from rig.signal import Poller, Signal
from rig.views import BatteryView, Contact

SECOND_SERIAL = "HQ2024AB777"


class SimulatedBench(BenchParts):
    """Everything that one attempt needs, built anew for it: nothing is left over from another."""

    def __init__(
        self,
        kernel: Kernel,
        file: BenchFile,
        needs: Needs,
        spec: DutSpec,
        attempt: Attempt,
        null: NullMode | None = None,
        compared: Compared | None = None,
    ) -> None:
        compared = compared or Compared(reference=spec.firmware)
        super().__init__(kernel, needs, spec.firmware, attempt, compared)
        self._file, self._spec, self._null = file, spec, null
        self._shared = {
            "ve_can": Bus(kernel, "ve_can", VE_CAN_BIT_RATE),
            "external": Bus(kernel, "external", EXTERNAL_BIT_RATE),
        }
        self._system = build_system(
            kernel, needs, with_soc(spec, needs), self._shared, "dut", fmu=file.fmu
        )
        self.device = self._system.dut
        self._insertion = Insertion(kernel, self._system)
        self._take(self._wire_instruments())
        self._record({"private": self._system.private, **self._shared})
        self.gx = GxDevice(kernel, self._shared["ve_can"], self._make)
        self.tool_link = ToolLink(self._shared["ve_can"], lambda: self.gx.address_of(0))
        gx_update = GxUpdate(self._shared["ve_can"], self.gx, self.gx.supply)
        self.updater = Updater(self.tool_link, gx_update)
        self.device.io_supply = self.gx.supply.switched
        self.app = App(self.device.bluetooth)
        self.buses = self._views()
        self.batteries = [self._battery(index) for index in range(len(self._system.modules))]
        self._watch_in_background()

    def _wire_instruments(self) -> Instruments:
        """Twins on the circuit, and the real drivers in front of them."""
        file, kernel, plant = self._file, self.kernel, self._system.plant
        roles = file.roles
        supply = EaPsb10000Twin(
            serial=roles["charger"].serial or "",
            dice=kernel.stream("twin/charger"),
            now_us=lambda: kernel.now_us,
        )
        supply.connect(plant.attach_source(supply.demand))
        load = Chroma63206ATwin(
            serial=roles["load"].serial or "",
            dice=kernel.stream("twin/load"),
            now_us=lambda: kernel.now_us,
        )
        load.connect(plant.attach_load(load.demand))
        daq = DAQ970ATwin(serial=roles["daq"].serial or "", dice=kernel.stream("twin/daq"))
        dut = self._system.dut
        daq.connect(digital=Lines(file, dut), analog=Voltages(file, plant, dut))
        self._supervision = Supervision(kernel, plant, (supply, load))
        twins: Mapping[str, Answering] = {"charger": supply, "load": load, "daq": daq}
        library = self._library = TwinLibrary.create()

        def session(role: str) -> Session:
            library.register(roles[role].resource, twins[role])
            return library.open_session(
                roles[role].resource, now_us=lambda: kernel.now_us, log=self._attempt.exchange
            )

        return Instruments(file, session, self._make)

    async def open(self) -> None:
        """Open every instrument, check who it is, and put the inputs to their rest."""
        await self._instruments.open()

    async def close(self) -> None:
        """The safe state, in its order; one failing step does not stop the rest."""
        await self._instruments.safe_state()
        self._library.close_all()
        self.settle_record()

    def _watch_in_background(self) -> None:
        """What every record shows, whether or not the scenario looks."""
        self._attempt.plots = PLOTS
        self._background = [Background(signal) for signal in self._instruments.watched]
        self.device.switched = self._look_closely

    def _look_closely(self) -> None:
        for background in self._background:
            background.wake()

    def settle_record(self) -> None:
        """Have every bus complete what nobody has looked at yet, and all of it written down."""
        for bus in (self._system.private, *self._shared.values()):
            bus.catch_up()
        self._attempt.flush()

    def _battery(self, index: int) -> BatteryView:
        module = self._system.modules[index]
        counts = module.type.cells, module.type.temperature_sensors
        return BatteryView(module, counts, self.buses["private"], index)

    @property
    def frames_total(self) -> int:
        """How many frames its buses have carried."""
        buses = (self._system.private, *self._shared.values())
        return sum(bus.frames_total for bus in buses)

    def arranged(self) -> None:
        """The arrangement stands; a null device takes over here."""
        if self._null is not None:
            self.device.turn_null(self._null)
            self._null = None

    @property
    def sizes(self) -> list[BatterySize]:
        """How many of each its batteries have."""
        return self._insertion.sizes

    def insert(self, asked: Asked) -> Callable[[], None]:
        """Insert a fault now; what undoes it is returned."""
        return self._insertion.insert(asked)

    def weld_contactor(self) -> None:
        """Close the main contacts for good, as of now."""
        self._system.plant.settle()
        self._system.plant.weld_contactor()

    async def add_master(self, firmware: str, *, in_parallel: bool) -> "StartedByButton":
        """Another system with a battery of its own on the same VE.Can, or on our link, too."""
        without = self._spec.without if firmware == self.firmware else ()
        spec = DutSpec(firmware=firmware, without=without, serial=SECOND_SERIAL)
        needs = second_needs(self.needs, in_parallel=in_parallel)
        system = build_system(
            self.kernel,
            needs,
            with_soc(spec, needs),
            {"ve_can": self._shared["ve_can"]},
            "second",
            self._system.plant.dc_bus if in_parallel else None,
        )
        link = ToolLink(self._shared["ve_can"], lambda: self.gx.address_of(1), "second tool")
        return StartedByButton(self.kernel, system.dut, link, self._make)

    def enter_branch(self, name: str) -> None:
        """From now on, in this process, the record is the branch's."""
        self._attempt.enter_branch(name)

    def leave_branch(self, name: str, digest: str) -> None:
        """A branch has ended: its digest is part of ours."""
        self.kernel.digest.update(f"branch {name} {digest}".encode())
        self._attempt.event(self.kernel.now_us, "bench", f"branch {name}")


def second_needs(first: Needs, *, in_parallel: bool) -> Needs:
    """What a second system is: one battery of its own, or of the first's kind beside it."""
    if in_parallel:
        return replace(first, parallel=1, serial="", battery_releases=())
    return Needs(parallel=1, soc_pct=first.soc_pct - 5.0)


class HasLines(Protocol):
    """A device's lines, as they are wired to somebody."""

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input."""
        ...

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        ...


class StartedByButton:
    """A second system, started by its own button."""

    def __init__(
        self, kernel: Kernel, dut: HasLines, link: ToolLink, make: Callable[..., Signal[Contact]]
    ) -> None:
        self._kernel, self._dut = kernel, dut
        self.tool = DiagnosticTool(link)
        self.contactor = make("second contactor", "", Poller(self._read))

    async def _read(self) -> None:
        self.contactor.put(Contact(self._dut.sense(Output.CONTACTOR_AUX)))

    async def running(self) -> None:
        """Start it and wait until its contactor is closed. Raises NotReady if it does not."""
        dut = self._dut
        dut.drive(Input.START_STOP, True)
        await asyncio.sleep(0.2)
        dut.drive(Input.START_STOP, False)
        for _ in range(60):
            await asyncio.sleep(1.0)
            if dut.sense(Output.CONTACTOR_AUX):
                return
        raise NotReady("the second master did not start within 60 s")


def with_soc(spec: DutSpec, needs: Needs) -> DutSpec:
    """The device has been in use: it knows the state of charge that its batteries have."""
    memory = {"soc": struct.pack("<d", needs.soc_pct), **spec.memory}
    return DutSpec(
        firmware=spec.firmware,
        without=spec.without,
        starts_on=spec.starts_on,
        hardware=needs.hardware,
        serial=needs.serial or spec.serial,
        memory=memory,
    )
