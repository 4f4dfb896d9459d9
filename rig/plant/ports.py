"""The terminals of instruments on the DC bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instruments.twins.bus import Bus
    from rig.plant.dc_bus import DcBus


class SourcePort:
    """A source's two terminals: current out of the source is positive."""

    __slots__ = ("_bus", "_dc_bus", "_index")

    def __init__(self, dc_bus: DcBus, bus: Bus, index: int) -> None:
        self._dc_bus = dc_bus
        self._bus = bus
        self._index = index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._dc_bus.settle()

    def voltage_v(self) -> float:
        """At the terminals, which are on the bus."""
        return self._dc_bus.voltage_v

    def current_a(self) -> float:
        """Out of the source."""
        return self._bus.source_current_a(self._index, self._dc_bus.path_a)


class LoadPort:
    """A load's two terminals: current into the load is positive."""

    __slots__ = ("_bus", "_dc_bus", "_index")

    def __init__(self, dc_bus: DcBus, bus: Bus, index: int) -> None:
        self._dc_bus = dc_bus
        self._bus = bus
        self._index = index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._dc_bus.settle()

    def voltage_v(self) -> float:
        """At the terminals, which are on the bus."""
        return self._dc_bus.voltage_v

    def current_a(self) -> float:
        """Into the load."""
        return self._bus.load_current_a(self._index, self._dc_bus.path_a)
