"""The simulated bench: model, plant and the instruments' twins on one virtual clock.

The drivers are the real ones; they speak real SCPI through PyVISA to twins that hang on the plant's
one circuit.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from instruments.drivers.chroma63206a import Chroma63206A
from instruments.drivers.daq970a import DAQ970A
from instruments.drivers.driver import try_each
from instruments.drivers.psb10000 import EaPsb10000
from instruments.session import Session
from instruments.twins.chroma63206a import Chroma63206ATwin
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.visa import TwinLibrary
from rig.attempt import Attempt
from rig.background import Background
from rig.benches.file import BenchFile
from rig.benches.insertion import Insertion
from rig.benches.supervision import Supervision
from rig.benches.system import EXTERNAL_BIT_RATE, VE_CAN_BIT_RATE, System, build_system
from rig.can.bus import Bus
from rig.can.by_dbc import general_decoder, private_decoder
from rig.can.frame import Frame
from rig.can.n2k import N2kDecoder
from rig.dut.model import DutSpec
from rig.dut.terminals import Input, NullMode, Output
from rig.dut.tool import DiagnosticTool
from rig.errors import NotReady
from rig.faults import Asked, BatterySize
from rig.kernel import Kernel
from rig.needs import Needs
from rig.signal import Poller, Signal
from rig.views import BatteryView, BusView, Charger, Consumer, Contact, GxDevice

CONTACTS = frozenset({Output.CONTACTOR_AUX, Output.PROGRAMMABLE_RELAY})
SIGNAL_V, HIGH_FROM_V = 5.0, 2.5  # chosen: a logic signal, and the middle of it
CHANNELS = {"private": 0, "ve_can": 1, "external": 2}
SECOND_SERIAL = "HQ2024AB777"


class SimulatedBench:
    """Everything that one attempt needs, built anew for it: nothing is left over from another."""

    def __init__(
        self,
        kernel: Kernel,
        file: BenchFile,
        needs: Needs,
        spec: DutSpec,
        attempt: Attempt,
        null: NullMode | None = None,
        reference: str | None = None,
    ) -> None:
        self.kernel, self.needs, self.firmware = kernel, needs, spec.firmware
        self.reference = reference or spec.firmware
        self._file, self._spec, self._attempt, self._null = file, spec, attempt, null
        self._shared = {
            "ve_can": Bus(kernel, "ve_can", VE_CAN_BIT_RATE),
            "external": Bus(kernel, "external", EXTERNAL_BIT_RATE),
        }
        self._system = build_system(
            kernel, needs, _with_soc(spec, needs), self._shared, "dut", fmu=file.fmu
        )
        self.device = self._system.dut
        self._insertion = Insertion(kernel, self._system)
        self._wire_instruments()
        wires = {"private": self._system.private, **self._shared}
        for name, bus in wires.items():
            bus.watch(self._recorder(CHANNELS[name]), patient=True)
            bus.watch_errors(self._error_recorder(name))
        self.gx = GxDevice(kernel, self._shared["ve_can"], self._make)
        decoders: Mapping[str, Callable[[], Any]] = {
            "private": private_decoder,
            "ve_can": N2kDecoder,
            "external": general_decoder,
        }
        self.buses = {name: BusView(bus, self._make, decoders[name]) for name, bus in wires.items()}
        self.batteries = [self._battery(index) for index in range(len(self._system.modules))]
        self._watch_in_background()

    def _make(self, name: str, unit: str, poll: Poller | None = None) -> Signal[Any]:
        signal: Signal[Any] = Signal(name, unit, kernel=self.kernel, poll=poll)
        self._attempt.follow(signal)
        return signal

    def _wire_instruments(self) -> None:
        """Twins on the circuit, and the real drivers in front of them."""
        file, kernel, plant = self._file, self.kernel, self._system.plant
        library = TwinLibrary.create()
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
        daq.connect(
            digital=_Lines(file, self._system),
            analog=_Voltages(file, self._system),
        )
        self._supervision = Supervision(kernel, plant, (supply, load))

        def session(role: str, twin: Any) -> Session:
            library.register(roles[role].resource, twin)
            return library.open_session(
                roles[role].resource, now_us=lambda: kernel.now_us, log=self._attempt.exchange
            )

        self._library = library
        self._supply = EaPsb10000(session("charger", supply))
        self._load = Chroma63206A(session("load", load))
        self.io = DAQ970A(session("daq", daq), lines=file.lines, outputs=(102,))
        self.charger = Charger(self._supply, file.envelope, self._make)
        self.load = Consumer(self._load, file.envelope, self._make)
        digital = Poller(self._read_lines)
        by_voltage = Poller(self._read_signals)
        self.lines = {
            name: self._make(name, "", by_voltage if name in file.signals else digital)
            for name in map(str, Output)
        }
        analog = Poller(self._read_voltages)
        self.voltages = {
            name: self._make(f"{name} voltage", "V", analog) for name in sorted(file.voltages)
        }
        self.consumption = self._make("own consumption", "A", Poller(self._read_consumption))

    async def open(self) -> None:
        """Open every instrument, check who it is, and put the inputs to their rest."""
        for role, driver in (("charger", self._supply), ("load", self._load), ("daq", self.io)):
            await driver.open(serial=self._file.roles[role].serial)
        await self.io.set(Input.START_STOP, False)
        await self.io.set(Input.INTERLOCK, True)
        await self.io.set(Input.EMERGENCY_STOP, False)

    async def close(self) -> None:
        """The safe state, in its order; one failing step does not stop the rest."""
        await try_each(self._supply.safe_state, self._load.safe_state, self.io.safe_state)
        self._library.close_all()
        self.settle_record()

    async def _read_lines(self) -> None:
        levels = await self.io.get_all()
        for name, signal in self.lines.items():
            if name in levels:
                level = levels[name]
                signal.put(Contact(level) if name in CONTACTS else level)

    async def _read_consumption(self) -> None:
        shunt = self._file.supply_shunt
        if shunt is not None:
            voltage_v = await self.io.read_voltage(shunt.channel)
            self.consumption.uncertainty = self.io.voltage_uncertainty_v(voltage_v) / shunt.ohm
            self.consumption.put(voltage_v / shunt.ohm)

    async def _read_signals(self) -> None:
        for name, channel in self._file.signals.items():
            self.lines[name].put(await self.io.read_voltage(channel) > HIGH_FROM_V)

    async def _read_voltages(self) -> None:
        for name, signal in self.voltages.items():
            value = await self.io.read_voltage(self._file.voltages[name])
            signal.uncertainty = self.io.voltage_uncertainty_v(value)
            signal.put(value)

    def _watch_in_background(self) -> None:
        """What every record shows, whether or not the scenario looks."""
        self._attempt.plots = (
            "battery voltage",
            "system voltage",
            "charger current",
            "load current",
            "vreg.soc_pct",
            "vreg.charge_current_limit_a",
        )
        self._background = [
            Background(signal)
            for signal in (
                self.voltages["battery"],
                self.charger.current,
                self.load.current,
                self.lines["contactor_aux"],
            )
        ]
        self.device.switched = self._look_closely

    def _look_closely(self) -> None:
        for background in self._background:
            background.wake()

    def _recorder(self, channel: int) -> Callable[[int, str, Frame], None]:
        record = self._attempt.frame
        return lambda time_us, _sender, frame: record(time_us, channel, frame)

    def settle_record(self) -> None:
        """Have every bus complete what nobody has looked at yet, and all of it written down."""
        for bus in (self._system.private, *self._shared.values()):
            bus.catch_up()
        self._attempt.flush()

    def _error_recorder(self, bus: str) -> Callable[[int, str], None]:
        return lambda time_us, text: self._attempt.event(time_us, "CAN", f"{bus}: {text}")

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

    async def add_master(self, firmware: str, *, in_parallel: bool) -> "SimulatedSecondMaster":
        """Another system with a battery of its own on the same VE.Can, or on our link, too."""
        without = self._spec.without if firmware == self.firmware else None
        spec = DutSpec(firmware=firmware, without=without, serial=SECOND_SERIAL)
        needs = Needs(parallel=1, soc_pct=self.needs.soc_pct - 5.0)
        if in_parallel:
            needs = replace(self.needs, parallel=1)
        system = build_system(
            self.kernel,
            needs,
            _with_soc(spec, needs),
            {"ve_can": self._shared["ve_can"]},
            "second",
            self._system.plant.dc_bus if in_parallel else None,
        )
        return SimulatedSecondMaster(self.kernel, system, self._make)

    def enter_branch(self, name: str) -> None:
        """From now on, in this process, the record is the branch's."""
        self._attempt.enter_branch(name)

    def leave_branch(self, name: str, digest: str) -> None:
        """A branch has ended: its digest is part of ours."""
        self.kernel.digest.update(f"branch {name} {digest}".encode())
        self._attempt.event(self.kernel.now_us, "bench", f"branch {name}")

    def note(self, text: str) -> None:
        """Leave a remark in the record."""
        self._attempt.event(self.kernel.now_us, "bench", text)


class SimulatedSecondMaster:
    """A second system, started by its own button."""

    def __init__(
        self, kernel: Kernel, system: System, make: Callable[..., Signal[Contact]]
    ) -> None:
        self._kernel, self._system = kernel, system
        self.tool = DiagnosticTool(system.dut)
        self.contactor = make("second contactor", "", Poller(self._read))

    async def _read(self) -> None:
        self.contactor.put(Contact(self._system.dut.sense(Output.CONTACTOR_AUX)))

    async def running(self) -> None:
        """Start it and wait until its contactor is closed. Raises NotReady if it does not."""
        dut = self._system.dut
        dut.drive(Input.START_STOP, True)
        await asyncio.sleep(0.2)
        dut.drive(Input.START_STOP, False)
        for _ in range(60):
            await asyncio.sleep(1.0)
            if dut.sense(Output.CONTACTOR_AUX):
                return
        raise NotReady("the second master did not start within 60 s")


class _Lines:
    """The wires between the DAQ's digital lines and the DUT's terminals."""

    def __init__(self, file: BenchFile, system: System) -> None:
        self._dut = system.dut
        places = {name: _line(place) for name, place in file.lines.items()}
        self._outputs = {places[line]: line for line in Output if line in places}
        self._inputs = {places[line]: line for line in Input if line in places}

    def read(self, line: int) -> bool:
        """The level of a line as the DAQ sees it."""
        sensed = self._outputs.get(line)
        return sensed is not None and self._dut.sense(sensed)

    def drive(self, line: int, level: bool) -> None:
        """The DAQ drives a line."""
        driven = self._inputs.get(line)
        if driven is not None:
            self._dut.drive(driven, level)


def _line(place: tuple[int, int]) -> int:
    """The DAQ counts its lines through: eight a channel, from channel 101."""
    channel, bit = place
    return 8 * (channel - 101) + bit


class _Voltages:
    """The sense wires between the DAQ's multiplexer and the DC circuit."""

    def __init__(self, file: BenchFile, system: System) -> None:
        self._plant, self._dut = system.plant, system.dut
        self._names = {channel: name for name, channel in file.voltages.items()}
        self._signals = {channel: Output(name) for name, channel in file.signals.items()}
        self._shunt = file.supply_shunt

    def read_v(self, channel: int) -> float:
        """The voltage at a channel; 0 where nothing is wired."""
        signal = self._signals.get(channel)
        if signal is not None:
            return SIGNAL_V if self._dut.sense(signal) else 0.0
        if self._shunt is not None and channel == self._shunt.channel:
            return self._shunt.ohm * self._dut.supply_current_a
        self._plant.settle()
        match self._names.get(channel):
            case "battery":
                return self._plant.battery_voltage_v
            case "system":
                return self._plant.system_voltage_v
            case _:
                return 0.0


def _with_soc(spec: DutSpec, needs: Needs) -> DutSpec:
    """The device has been in use: it knows the state of charge that its batteries have."""
    memory = {"soc": struct.pack("<d", needs.soc_pct), **spec.memory}
    return DutSpec(
        firmware=spec.firmware,
        without=spec.without,
        starts_on=spec.starts_on,
        hardware=needs.hardware,
        serial=spec.serial,
        memory=memory,
    )
