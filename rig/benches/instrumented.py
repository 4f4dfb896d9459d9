"""What is the same on every bench: real drivers, and the signals that they read.

A bench says how a role's session is opened; everything else about instruments stands here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from instruments.drivers.daq970a import DAQ970A
from instruments.drivers.driver import try_each
from instruments.protocols import Load, Supply
from instruments.session import Session
from rig.benches.file import BenchFile, Role
from rig.benches.models import wired_model
from rig.dut.terminals import Input, Output
from rig.safety.hands import Hands, LoadOutput, SupplyOutput
from rig.safety.permits import NOBODY, Permits
from rig.signal import Poller, Signal
from rig.views import Charger, Consumer, Contact

CONTACTS = frozenset({Output.CONTACTOR_AUX, Output.PROGRAMMABLE_RELAY})
HIGH_FROM_V = 2.5  # chosen: the middle of a logic signal
DRIVEN_CHANNEL = 102  # the channel of the DAQ's digital module that drives the DUT's inputs
PLOTS = (
    "battery voltage",
    "system voltage",
    "charger current",
    "load current",
    "vreg.soc_pct",
    "vreg.charge_current_limit_a",
)
Make = Callable[..., Signal[Any]]


class Instruments:
    """Supply, load and DAQ of one bench, and what they measure."""

    def __init__(
        self,
        file: BenchFile,
        session: Callable[[str], Session],
        make: Make,
        permits: Permits = NOBODY,
    ) -> None:
        self._file = file
        self._supply: Supply = power_driver(file.roles["charger"], session("charger"))
        self._load: Load = power_driver(file.roles["load"], session("load"))
        self.io = DAQ970A(session("daq"), lines=file.lines, outputs=(DRIVEN_CHANNEL,))
        self.charger = Charger(self._supply, file.envelope, make, permits)
        self.load = Consumer(self._load, file.envelope, make, permits)
        digital, by_voltage = Poller(self._read_lines), Poller(self._read_signals)
        self.lines: Mapping[str, Signal[Any]] = {
            name: make(name, "", by_voltage if name in file.signals else digital)
            for name in map(str, Output)
        }
        analog = Poller(self._read_voltages)
        self.voltages: Mapping[str, Signal[Any]] = {
            name: make(f"{name} voltage", "V", analog) for name in sorted(file.voltages)
        }
        self.consumption: Signal[Any] = make("own consumption", "A", Poller(self._read_consumption))

    @property
    def watched(self) -> tuple[Signal[Any], ...]:
        """What every record shows, whether or not the scenario looks."""
        return (
            self.voltages["battery"],
            self.charger.current,
            self.load.current,
            self.lines["contactor_aux"],
        )

    @property
    def hands(self) -> Hands:
        """The outputs and the DAQ, for who brings the bench to rest without a guardian."""
        outputs = SupplyOutput("charger", self._supply), LoadOutput("load", self._load)
        return Hands(outputs=outputs, io=self.io, drivers=())

    async def open(self) -> None:
        """Open every instrument, check who it is, and put the inputs to their rest."""
        for role, driver in (("charger", self._supply), ("load", self._load), ("daq", self.io)):
            await driver.open(serial=self._file.roles[role].serial)
        await self.io.set(Input.START_STOP, False)
        await self.io.set(Input.INTERLOCK, True)
        await self.io.set(Input.EMERGENCY_STOP, False)

    async def safe_state(self) -> None:
        """Supply off, load off, inputs to their rest; one failing step does not stop the rest."""
        await try_each(self._supply.safe_state, self._load.safe_state, self.io.safe_state)

    async def close(self) -> None:
        """Disconnect; the terminals stay as they are."""
        for driver in (self._supply, self._load, self.io):
            await driver.close()

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
            uncertainty_v = self._uncertainty_v("supply_shunt_v", voltage_v)
            self.consumption.uncertainty = uncertainty_v / shunt.ohm
            self.consumption.put(voltage_v / shunt.ohm)

    async def _read_signals(self) -> None:
        for name, channel in self._file.signals.items():
            self.lines[name].put(await self.io.read_voltage(channel) > HIGH_FROM_V)

    async def _read_voltages(self) -> None:
        for name, signal in self.voltages.items():
            value = await self.io.read_voltage(self._file.voltages[name])
            signal.uncertainty = self._uncertainty_v(f"{name}_voltage_v", value)
            signal.put(value)

    def _uncertainty_v(self, channel: str, value_v: float) -> float:
        """Of a voltage that the DAQ has read: by the channel's certificate, or the driver's."""
        certified = self._file.roles["daq"].uncertainty.get(channel)
        return self.io.voltage_uncertainty_v(value_v) if certified is None else certified


def power_driver(role: Role, session: Session) -> Any:
    """The driver of a supply or load, with the uncertainty of its certificate where it has one."""
    driver = wired_model(role.model).driver(session)
    for quantity, certified in role.uncertainty.items():
        unit = quantity.rpartition("_")[2]
        name = f"{quantity.removesuffix(f'_{unit}')}_uncertainty_{unit}"
        vars(driver)[name] = lambda _value, certified=certified: certified
    return driver
