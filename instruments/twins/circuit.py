"""A small circuit of its own, for twins that hang on no rig: one node and what is wired to it.

    [EMF - resistance] - node (capacitance, resistor) - sources and loads

Sources and loads attach as they do to the plant. Time is given; between two calls of `settle` every
demand is constant, and the node moves in exact exponentials.
"""

from collections.abc import Callable

from instruments.twins.bus import Bus
from instruments.twins.electrical import LoadDemand, Port, SourceDemand

CAPACITANCE_F = 0.001  # chosen: some supply's output capacitor
BLEED_OHM = 1000.0  # chosen: with it the node falls within seconds when all is off
STRIDE_S = 1.0
AT_REST_V = 1e-9  # a stride that moves the node by less has found its balance


class Circuit:
    """A node with a battery, a resistor or both, and a capacitance."""

    def __init__(
        self,
        *,
        now_us: Callable[[], int],
        capacitance_f: float = CAPACITANCE_F,
        resistor_ohm: float = BLEED_OHM,
        emf_v: float = 0.0,
        emf_ohm: float | None = None,
    ) -> None:
        """`emf_ohm` is the battery's resistance, None: no battery. Raises ValueError for <= 0."""
        if min(capacitance_f, resistor_ohm, 1.0 if emf_ohm is None else emf_ohm) <= 0.0:
            raise ValueError("a circuit's capacitance and resistances are above 0")
        self._now_us = now_us
        self._solved_us = now_us()
        self._bus = Bus(capacitance_f, 1.0 / resistor_ohm)
        self._siemens = 0.0 if emf_ohm is None else 1.0 / emf_ohm
        self._emf_v = emf_v
        self._bus.voltage_v = 0.0 if emf_ohm is None else emf_v

    @property
    def voltage_v(self) -> float:
        """At the node, as of the last `settle`."""
        return self._bus.voltage_v

    @property
    def battery_current_a(self) -> float:
        """Into the battery, as of the last `settle`."""
        return (self._bus.voltage_v - self._emf_v) * self._siemens

    @property
    def emf_v(self) -> float:
        """The battery's voltage without current."""
        return self._emf_v

    @emf_v.setter
    def emf_v(self, emf_v: float) -> None:
        self.settle()
        self._emf_v = emf_v

    def attach_source(self, demand: SourceDemand) -> Port:
        """Connect a source; its demand is read in every `settle`."""
        self._bus.sources.append(demand)
        return _SourcePort(self, self._bus, len(self._bus.sources) - 1)

    def attach_load(self, demand: LoadDemand) -> Port:
        """Connect a load; its demand is read in every `settle`."""
        self._bus.loads.append(demand)
        return _LoadPort(self, self._bus, len(self._bus.loads) - 1)

    def settle(self) -> None:
        """Bring the node to the present."""
        now_us = self._now_us()
        left_s = (now_us - self._solved_us) * 1e-6
        self._solved_us = now_us
        bus = self._bus
        bus.refresh()
        while left_s > 0.0:
            stride_s = min(left_s, STRIDE_S)
            before_v = bus.voltage_v
            bus.drift(stride_s, self._emf_v, self._siemens)
            left_s -= stride_s
            if stride_s == STRIDE_S and abs(bus.voltage_v - before_v) < AT_REST_V:
                break


class _SourcePort:
    """A source's two terminals: current out of the source is positive."""

    __slots__ = ("_bus", "_circuit", "_index")

    def __init__(self, circuit: Circuit, bus: Bus, index: int) -> None:
        self._circuit, self._bus, self._index = circuit, bus, index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._circuit.settle()

    def voltage_v(self) -> float:
        """At the node."""
        return self._bus.voltage_v

    def current_a(self) -> float:
        """Out of the source."""
        return self._bus.source_current_a(self._index, -self._circuit.battery_current_a)


class _LoadPort:
    """A load's two terminals: current into the load is positive."""

    __slots__ = ("_bus", "_circuit", "_index")

    def __init__(self, circuit: Circuit, bus: Bus, index: int) -> None:
        self._circuit, self._bus, self._index = circuit, bus, index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._circuit.settle()

    def voltage_v(self) -> float:
        """At the node."""
        return self._bus.voltage_v

    def current_a(self) -> float:
        """Into the load."""
        return self._bus.load_current_a(self._index, -self._circuit.battery_current_a)
