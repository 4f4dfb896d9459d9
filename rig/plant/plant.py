"""The plant of a simulated bench: one battery system's branch, as its terminals show it.

    strings - main fuse - shunt - [main contactor || pre-charge path] - DC bus (link, instruments)

Time comes in: `advance(now_us)`; it is the DC bus's, and moves all that hangs on the bus. A second
system on the same bus is another Plant made with `dc_bus`. Charging is positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.branch import Branch, Inrush
from rig.plant.cell import SECONDS_AN_HOUR
from rig.plant.contactor import ContactorFault
from rig.plant.dc_bus import DcBus
from rig.plant.isolation import Isolation

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from instruments.twins.electrical import LoadDemand, Port, SourceDemand
    from rig.plant.module import Module
    from rig.plant.spec import PlantSpec

__all__ = ["Inrush", "Plant"]


class Plant:
    """One system on the DC circuit that the DUTs and all instruments share."""

    __slots__ = ("_branch", "ambient_c", "dc_bus", "isolation", "modules", "sample", "spec")

    def __init__(
        self,
        spec: PlantSpec,
        rng: random.Random,
        clock: Callable[[], int] | None = None,
        dc_bus: DcBus | None = None,
    ) -> None:
        """`clock` says the present instant to the instruments' ports; None: the plant's own.

        `dc_bus`: that of another plant, whose clock and link then hold; None: one of its own.
        """
        self.spec = spec
        if dc_bus is None:
            load = 0.0 if spec.link_load_ohm is None else 1.0 / spec.link_load_ohm
            siemens = 1.0 / spec.link_bleed_ohm + load
            dc_bus = DcBus(spec.link_capacitance_f, siemens, clock)
        self.dc_bus = dc_bus
        # Bring the circuit near enough to an instant for who measures only; see the bus.
        self.sample = dc_bus.sample
        self.ambient_c = spec.temperature_c
        self._branch = Branch(spec, rng, dc_bus.refresh)
        self._branch.pack.on_change = dc_bus.touch
        self.modules: list[Module] = self._branch.pack.modules
        self.isolation = Isolation(lambda: self.battery_voltage_v)
        dc_bus.join(self._branch)

    # Time

    def advance(self, now_us: int) -> None:
        """Bring the circuit to this instant. Raises ValueError if it lies in the past."""
        self.dc_bus.advance(now_us)

    @property
    def now_us(self) -> int:
        """The instant that the circuit is at."""
        return self.dc_bus.now_us

    @property
    def held_until_us(self) -> int:
        """Until when the cells are held as they are, if nobody touches anything."""
        return self.dc_bus.held_until_us

    @property
    def next_event_us(self) -> int | None:
        """When contacts move next, None if they are at rest."""
        return self.dc_bus.next_event_us

    def settle(self) -> None:
        """Bring the circuit to the clock's present, for who may change something in it next."""
        self.dc_bus.settle()

    def touch(self) -> None:
        """Something is about to be switched or moved."""
        self.dc_bus.touch()

    @property
    def on_touch(self) -> list[Callable[[], None]]:
        """Who is called when something is, or may be, switched or moved."""
        return self.dc_bus.on_touch

    @property
    def on_solution(self) -> Callable[[], None] | None:
        """Who hears of every new solution; it may look at the circuit and change nothing."""
        return self.dc_bus.on_solution

    @on_solution.setter
    def on_solution(self, hears: Callable[[], None] | None) -> None:
        self.dc_bus.on_solution = hears

    # Contactor and pre-charge

    def set_coil(self, now_us: int, on: bool) -> None:
        """Switch the contactor's coil; the contacts follow after their delay."""
        self.touch()
        self.advance(now_us)
        self._branch.contactor.set_coil(now_us, on=on)

    def set_precharge(self, now_us: int, on: bool) -> None:
        """Switch the pre-charge path, at once."""
        self.touch()
        self.advance(now_us)
        branch = self._branch
        if on != branch.precharge_on:
            branch.precharge_on = on
            self.dc_bus.unsettle()

    @property
    def coil_on(self) -> bool:
        """What the coil is told."""
        return self._branch.contactor.coil

    @property
    def precharge_on(self) -> bool:
        """Whether the pre-charge path is switched through."""
        return self._branch.precharge_on

    @property
    def contactor_closed(self) -> bool:
        """Whether the main contacts are closed; true from the first touch, bounce or not."""
        return self._branch.contactor.closed

    @property
    def aux_closed(self) -> bool:
        """The auxiliary contact: true once the main contacts have settled."""
        return self._branch.contactor.aux_closed

    @property
    def last_inrush(self) -> Inrush | None:
        """What the last closing onto a difference was; None before the first."""
        return self._branch.last_inrush

    # What can break, and be mended

    @property
    def contactor_fault(self) -> ContactorFault:
        """What keeps the contacts from following the coil."""
        return self._branch.contactor.fault

    def break_contactor(self, fault: ContactorFault) -> None:
        """Break the contactor like this, or mend it with NONE; the contacts move at once."""
        self._change(lambda: self._branch.contactor.break_down(fault))

    def weld_contactor(self) -> None:
        """The main contacts are closed from now on, whatever the coil says."""
        self.break_contactor(ContactorFault.WELDED)

    def stick_contactor_open(self) -> None:
        """The main contacts are open from now on, whatever the coil says."""
        self.break_contactor(ContactorFault.STUCK_OPEN)

    def repair_contactor(self) -> None:
        """The main contacts follow the coil again, at once."""
        self.break_contactor(ContactorFault.NONE)

    @property
    def main_fuse_blown(self) -> bool:
        """Whether the fuse between strings and contactor has melted."""
        return self._branch.fuse.blown

    def blow_main_fuse(self) -> None:
        """Melt the fuse between strings and contactor."""
        self._change(self._branch.fuse.blow)

    def replace_main_fuse(self) -> None:
        """Put a new one in."""
        self._change(self._branch.fuse.replace)

    @property
    def precharge_whole(self) -> bool:
        """Whether neither fuse nor element of the pre-charge path is broken."""
        return self._branch.precharge.whole

    def blow_precharge_fuse(self) -> None:
        """Melt the fuse of the pre-charge path."""
        self._change(self._branch.precharge.fuse.blow)

    def replace_precharge_fuse(self) -> None:
        """Put a new one in."""
        self._change(self._branch.precharge.fuse.replace)

    def burn_precharge_element(self) -> None:
        """Burn the pre-charge element out."""
        self._change(self._branch.precharge.element.burn)

    def replace_precharge_element(self) -> None:
        """Put a new one in."""
        self._change(self._branch.precharge.element.replace)

    def short_cell(self, battery: int, cell: int, siemens: float) -> None:
        """Add this conductance to what shorts a cell inside; a negative one takes it away."""
        self.modules[battery].short_cell(cell, siemens)
        self._branch.shorted = [module for module in self.modules if module.shorted]

    def _change(self, change: Callable[[], None]) -> None:
        self.settle()
        self.dc_bus.change(self._branch, change)

    # What can be measured

    @property
    def solution(self) -> int:
        """A number that changes with every new solution: under the same one nothing has moved."""
        return self.dc_bus.solution

    @property
    def measured(self) -> tuple[float, float, float]:
        """Battery voltage, system voltage and current, as the three that follow."""
        system_v = self.dc_bus.voltage_v
        branch = self._branch
        return branch.voltage_v, system_v, branch.current_a

    @property
    def battery_voltage_v(self) -> float:
        """At the strings' common terminals."""
        self.dc_bus.refresh()
        return self._branch.voltage_v

    @property
    def system_voltage_v(self) -> float:
        """At the DC bus."""
        return self.dc_bus.voltage_v

    @property
    def current_a(self) -> float:
        """Through the shunt, at this instant; charging positive."""
        self.dc_bus.refresh()
        return self._branch.current_a

    @property
    def charge_moved_ah(self) -> float:
        """Integral of the shunt's current since the start; charging positive."""
        return self._branch.charge_c / SECONDS_AN_HOUR

    @property
    def energy_moved_wh(self) -> float:
        """Integral of battery voltage times current since the start; charging positive."""
        return self._branch.energy_j / SECONDS_AN_HOUR

    @property
    def heat_wh(self) -> float:
        """Heat set free in the modules since the start."""
        return self._branch.pack.heat_j() / SECONDS_AN_HOUR

    @property
    def precharge_temperature_c(self) -> float:
        """Of the pre-charge element."""
        return self._branch.precharge.element.temperature_c

    def tap(self, battery: int, *, positive: bool) -> Callable[[], float]:
        """What says the voltage of a battery's pole, against the strings' negative one."""
        series = self.spec.series
        place = battery % series
        below = self.modules[battery - place : battery + positive]
        return lambda: sum(module.terminal_voltage_v for module in below)

    # Surroundings and instruments

    def set_ambient(self, temperature_c: float) -> None:
        """Change the temperature around everything."""
        self.ambient_c = temperature_c
        self._branch.precharge.element.ambient_c = temperature_c
        for module in self.modules:
            module.ambient_c = temperature_c

    def soak(self, temperature_c: float) -> None:
        """Bring the cells to this temperature at once, as after a night in it."""
        for module in self.modules:
            module.temperature_c = temperature_c
        self._branch.precharge.element.temperature_c = temperature_c

    def attach_source(self, demand: SourceDemand) -> Port:
        """Connect a source; its demand is read in every advance."""
        return self.dc_bus.attach_source(demand)

    def attach_load(self, demand: LoadDemand) -> Port:
        """Connect a load; its demand is read in every advance."""
        return self.dc_bus.attach_load(demand)
