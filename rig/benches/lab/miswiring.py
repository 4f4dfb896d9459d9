"""Wires that are wrong between a lab's twins and their circuit: the proof that a check finds them.

What a technician gets wrong, made at the terminals: no driver and no check knows of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from instruments.twins.electrical import AnalogInputs, LoadDemand, OpenCircuit, Port, SourceDemand
from rig.benches.file import BenchFile
from rig.benches.wiring import Terminals, Voltages
from rig.plant.plant import Plant

FLOATING_V = 0.013  # chosen: what a multiplexer's input shows that nothing is connected to


class Miswiring(StrEnum):
    """What is wrong."""

    SWAPPED = "swapped sense leads"
    POLARITY = "wrong polarity"
    LOAD_NODE = "load on the wrong node"
    SENSE_OFF = "sense lead off"
    RATING = "wrong rating"


class ReversedSource:
    """A supply with its leads swapped: the system bus stands below minus by its voltage.

    The contactor is open: nothing but the link hangs on that bus, and no current stays.
    """

    def __init__(self, demand: SourceDemand) -> None:
        self._own = OpenCircuit(demand)

    @property
    def below_v(self) -> float:
        """How far it pulls the system bus below minus."""
        return self._own.voltage_v()

    def settle(self) -> None:
        """Have no past to solve."""

    def voltage_v(self) -> float:
        """At its own terminals all is well."""
        return self._own.voltage_v()

    def current_a(self) -> float:
        """None stays."""
        return 0.0


class BatterySideLoad:
    """A load's leads on battery+; what little it draws in a check leaves the cells as they are."""

    def __init__(self, plant: Plant, demand: LoadDemand) -> None:
        self._plant, self._demand = plant, demand

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._plant.settle()

    def voltage_v(self) -> float:
        """The batteries'."""
        return self._plant.battery_voltage_v

    def current_a(self) -> float:
        """What it is set to."""
        return self._demand.level if self._demand.enabled else 0.0


class _Below:
    """A port that sees the system bus where a reversed source has pulled it."""

    def __init__(self, port: Port, source: ReversedSource) -> None:
        self._port, self._source = port, source

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._port.settle()

    def voltage_v(self) -> float:
        """At its terminals."""
        return self._port.voltage_v() - self._source.below_v

    def current_a(self) -> float:
        """Into it."""
        return self._port.current_a()


class _Leads:
    """The DAQ's leads, some of them not where they should be."""

    def __init__(self, true: AnalogInputs, wrong: Mapping[int, float | ReversedSource]) -> None:
        self._true, self._wrong = true, wrong

    def read_v(self, channel: int) -> float:
        """The voltage at a channel."""
        wrong = self._wrong.get(channel)
        if isinstance(wrong, ReversedSource):
            return self._true.read_v(channel) - wrong.below_v
        return self._true.read_v(channel) if wrong is None else wrong


class Leads:
    """How charger, load and DAQ hang on the circuit: rightly, or with one thing wrong."""

    def __init__(
        self, file: BenchFile, plant: Plant, dut: Terminals, wrong: Miswiring | None
    ) -> None:
        self._plant, self._wrong = plant, wrong
        self._reversed: ReversedSource | None = None
        if wrong is Miswiring.SWAPPED:
            voltages = file.voltages
            swapped = {"battery": voltages["system"], "system": voltages["battery"]}
            file = replace(file, voltages=swapped)
        self._file, self._voltages = file, Voltages(file, plant, dut)

    def charger(self, demand: SourceDemand) -> Port:
        """The charger's terminals; first of the three to be wired."""
        if self._wrong is Miswiring.POLARITY:
            self._reversed = ReversedSource(demand)
            return self._reversed
        return self._plant.attach_source(demand)

    def load(self, demand: LoadDemand) -> Port:
        """The load's terminals."""
        if self._wrong is Miswiring.LOAD_NODE:
            return BatterySideLoad(self._plant, demand)
        port = self._plant.attach_load(demand)
        return port if self._reversed is None else _Below(port, self._reversed)

    def daq(self) -> AnalogInputs:
        """The multiplexer's inputs."""
        system = self._file.voltages["system"]
        if self._wrong is Miswiring.SENSE_OFF:
            return _Leads(self._voltages, {system: FLOATING_V})
        if self._reversed is not None:
            return _Leads(self._voltages, {system: self._reversed})
        return self._voltages
