"""The wires between the DAQ's twin and what it senses and drives, as the bench file has them."""

from collections.abc import Callable
from typing import Protocol

from rig.benches.file import BenchFile
from rig.dut.terminals import Input, Output

SIGNAL_V = 5.0  # chosen: a logic signal


class Terminals(Protocol):
    """The device's terminals that are wired to the DAQ."""

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input."""
        ...

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        ...

    @property
    def supply_current_a(self) -> float:
        """What it takes for itself through its supply lead."""
        ...


class Circuit(Protocol):
    """The DC circuit as far as the DAQ's sense leads go."""

    @property
    def battery_voltage_v(self) -> float:
        """Before the contactor."""
        ...

    @property
    def system_voltage_v(self) -> float:
        """After it."""
        ...

    @property
    def settle(self) -> Callable[[], None]:
        """Solve it as of now."""
        ...


class Lines:
    """The wires between the DAQ's digital lines and the DUT's terminals."""

    def __init__(self, file: BenchFile, dut: Terminals) -> None:
        self._dut = dut
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


class Supplied(Protocol):
    """What can be switched off by its supply."""

    def supply(self, on: bool) -> None:
        """Supply it, or cut its supply."""
        ...


class SupplyRelay:
    """A relay of the DAQ, with its normally closed contact in the device's supply lead."""

    def __init__(self, channel: int | None, dut: Supplied) -> None:
        self._channel, self._dut, self._cut = channel, dut, False

    def read(self, line: int) -> bool:
        """Whether that relay is closed."""
        return line == self._channel and self._cut

    def drive(self, line: int, level: bool) -> None:
        """Close or open a relay."""
        if line == self._channel and level is not self._cut:
            self._cut = level
            self._dut.supply(not level)


def _line(place: tuple[int, int]) -> int:
    """The DAQ counts its lines through: eight a channel, from channel 101."""
    channel, bit = place
    return 8 * (channel - 101) + bit


class Voltages:
    """The sense wires between the DAQ's multiplexer and the DC circuit."""

    def __init__(self, file: BenchFile, plant: Circuit, dut: Terminals) -> None:
        self._plant, self._dut = plant, dut
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
