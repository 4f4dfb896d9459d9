"""What a twin has at its terminals: demands that it makes, ports through which it sees.

A twin owns its demand and changes it in place; the owner of the circuit reads it when it solves.
Before each change the twin settles its port, so that the past was solved with the old demand.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from instruments.protocols import LoadMode, Trip

__all__ = [
    "AnalogInputs",
    "DigitalLines",
    "LoadDemand",
    "LoadMode",
    "OpenCircuit",
    "Port",
    "PowerStage",
    "SourceDemand",
    "Supervised",
]


@dataclass(slots=True)
class SourceDemand:
    """What a supply would deliver: it regulates whichever of the three is reached first."""

    enabled: bool
    voltage_v: float
    current_limit_a: float
    power_limit_w: float
    # Above its set voltage a two-quadrant source takes current in, up to these magnitudes.
    sink_current_limit_a: float = 0.0
    sink_power_limit_w: float = 0.0


@dataclass(slots=True)
class LoadDemand:
    """What a load would draw; the level is in A, V, W or ohm after its mode."""

    enabled: bool
    mode: LoadMode
    level: float
    # What it draws at most in whichever mode.
    current_limit_a: float = math.inf


class Supervised(Protocol):
    """What an instrument does without being asked: protections, watchdogs, ramps.

    The owner of the circuit calls `supervise` when time has passed or the circuit has moved.
    """

    def due_us(self) -> int | None:
        """When it next wants to act whatever the circuit does; None: not at all."""

    def supervise(self) -> None:
        """Do what is due by now, and trip what the terminals exceed."""


@runtime_checkable
class PowerStage(Supervised, Protocol):
    """Terminals that a protection can switch off."""

    @property
    def on(self) -> bool:
        """Whether they are switched on."""

    def disturbed(self) -> bool:
        """Whether a protection has something to see to, by the circuit as it is solved now.

        Changes nothing, so that it may be asked from within the circuit's solution.
        """

    def settles_in_s(self) -> float:
        """How long terminals and readings still move after the last change; 0: they stand."""

    def trip(self, trip: Trip) -> None:
        """Latch a protection and switch off."""


class Port(Protocol):
    """Two terminals in the one circuit that is solved for all instruments together."""

    def settle(self) -> None:
        """Bring the circuit to the present."""

    def voltage_v(self) -> float:
        """Voltage at the terminals."""

    def current_a(self) -> float:
        """Current in the instrument's own sign: out of a source, into a load."""


class DigitalLines(Protocol):
    """Wires that are high or low; for relays, contacts that are closed or open."""

    def read(self, line: int) -> bool:
        """Level of a line."""

    def drive(self, line: int, level: bool) -> None:
        """Force a line to a level."""


class AnalogInputs(Protocol):
    """Voltages that a meter or multiplexer is wired to."""

    def read_v(self, channel: int) -> float:
        """Voltage at a channel now."""


class OpenCircuit:
    """Nothing wired to a twin's terminals: a source sees its own voltage, a load none."""

    def __init__(self, demand: SourceDemand | LoadDemand) -> None:
        self._demand = demand

    def settle(self) -> None:
        """Have no past to solve."""

    def voltage_v(self) -> float:
        """The source's own voltage while it is on."""
        demand = self._demand
        return demand.voltage_v if isinstance(demand, SourceDemand) and demand.enabled else 0.0

    def current_a(self) -> float:
        """None flows."""
        return 0.0
