"""The plant of a simulated bench: batteries, contactor, pre-charge, DC system, as one circuit.

    strings - shunt - [main contactor || pre-charge path] - system bus (link, sources, loads)

Time comes in: `advance(now_us)`. Between two calls every demand is constant; demands are looked at
afresh in each call, so an instrument settles its port BEFORE it changes one. Charging is positive.
With the contactor closed the link follows the battery at once (its time constant is below 1 ms) and
its own charge is neglected; closing onto a difference is an instant event (`last_inrush`).
Inductance is neglected: a real inrush peaks lower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.plant.bus import Bus
from rig.plant.contactor import Contactor, ContactorFault
from rig.plant.pack import Pack
from rig.plant.precharge import PrechargeElement

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from instruments.twins.electrical import LoadDemand, Port, SourceDemand
    from rig.plant.module import Module
    from rig.plant.spec import PlantSpec

STEP_US_MAX = 10_000_000  # parallel strings and the curvature of the tables ask for it
HELD_STEP_US_MAX = 1_000_000  # current follows the battery while the voltage is held
PRECHARGE_STEP_US_MAX = 1_000_000  # the battery's voltage is taken as constant meanwhile
IDLE_STEP_US_MAX = 3_600_000_000  # nothing flows: exact, whatever the step
SAMPLE_US = 100_000  # chosen: the control grid; a cell at 1C moves by a tenth of a millivolt in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Inrush:
    """What closing the contactor onto a difference does to contacts and fuses."""

    time_us: int
    difference_v: float  # battery less system
    peak_a: float  # magnitude
    i2t_a2s: float


class Plant:
    """The one DC circuit that the DUT and all instruments share."""

    __slots__ = (
        "_bus",
        "_charge_c",
        "_clock",
        "_contactor",
        "_current_a",
        "_energy_j",
        "_loop_ohm",
        "_pack",
        "_precharge",
        "_precharge_on",
        "_stale",
        "_voltage_v",
        "last_inrush",
        "modules",
        "now_us",
        "spec",
    )

    def __init__(
        self,
        spec: PlantSpec,
        rng: random.Random,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """`clock` says the present instant to the instruments' ports; None: the plant's own."""
        self.spec = spec
        self._clock = clock
        self.now_us = 0 if clock is None else clock()
        self._contactor = Contactor(
            spec.contactor_close_us, spec.contactor_open_us, spec.contactor_bounce_us
        )
        self._precharge = PrechargeElement(spec.precharge, spec.temperature_c)
        self._precharge_on = False
        load = 0.0 if spec.link_load_ohm is None else 1.0 / spec.link_load_ohm
        self._bus = Bus(spec.link_capacitance_f, 1.0 / spec.link_bleed_ohm + load)
        self._loop_ohm = spec.loop_ohm
        self._stale = True
        self._current_a = 0.0
        self._voltage_v = 0.0
        self._charge_c = 0.0
        self._energy_j = 0.0
        self.last_inrush: Inrush | None = None
        self._pack = Pack(spec, rng, self._refresh)
        self.modules: list[Module] = self._pack.modules

    # Time

    def advance(self, now_us: int) -> None:
        """Bring the circuit to this instant. Raises ValueError if it lies in the past."""
        if now_us < self.now_us:
            raise ValueError(f"plant is at {self.now_us} us, asked to go back to {now_us} us")
        if self._bus.refresh():
            self._stale = True
        while (event_us := self._contactor.next_event_us) is not None and event_us <= now_us:
            self._run_to(event_us)
            self._change_contacts(self._contactor.switch)
        self._run_to(now_us)

    def sample(self, now_us: int) -> None:
        """Bring the circuit near enough to this instant for who measures and changes nothing.

        While the contactor conducts everything but a switched demand or contact is slow: then
        the cells are those of less than SAMPLE_US ago, under the demands of now.
        """
        event_us = self._contactor.next_event_us
        moves = event_us is not None and event_us <= now_us
        if moves or not self._contactor.conducts or now_us - self.now_us >= SAMPLE_US:
            self.advance(now_us)
        elif self._bus.refresh():
            self._stale = True

    @property
    def next_event_us(self) -> int | None:
        """When the contacts move next, None if they are at rest."""
        return self._contactor.next_event_us

    # Contactor and pre-charge

    def set_coil(self, now_us: int, on: bool) -> None:
        """Switch the contactor's coil; the contacts follow after their delay."""
        self.advance(now_us)
        self._contactor.set_coil(now_us, on=on)

    def set_precharge(self, now_us: int, on: bool) -> None:
        """Switch the pre-charge path, at once."""
        self.advance(now_us)
        if on != self._precharge_on:
            self._precharge_on = on
            self._stale = True

    @property
    def coil_on(self) -> bool:
        """What the coil is told."""
        return self._contactor.coil

    @property
    def precharge_on(self) -> bool:
        """Whether the pre-charge path is switched through."""
        return self._precharge_on

    @property
    def contactor_closed(self) -> bool:
        """Whether the main contacts are closed; true from the first touch, bounce or not."""
        return self._contactor.closed

    @property
    def aux_closed(self) -> bool:
        """The auxiliary contact: true once the main contacts have settled."""
        return self._contactor.aux_closed

    def weld_contactor(self) -> None:
        """The main contacts are closed from now on, whatever the coil says."""
        self._break_down(ContactorFault.WELDED)

    def stick_contactor_open(self) -> None:
        """The main contacts are open from now on, whatever the coil says."""
        self._break_down(ContactorFault.STUCK_OPEN)

    def repair_contactor(self) -> None:
        """The main contacts follow the coil again, at once."""
        self._break_down(ContactorFault.NONE)

    # What can be measured

    @property
    def battery_voltage_v(self) -> float:
        """At the strings' common terminals."""
        self._refresh()
        return self._voltage_v

    @property
    def system_voltage_v(self) -> float:
        """At the system bus."""
        self._refresh()
        return self._bus.voltage_v

    @property
    def current_a(self) -> float:
        """Through the shunt, at this instant; charging positive."""
        self._refresh()
        return self._current_a

    @property
    def charge_moved_ah(self) -> float:
        """Integral of the shunt's current since the start; charging positive."""
        return self._charge_c / 3600.0

    @property
    def energy_moved_wh(self) -> float:
        """Integral of battery voltage times current since the start; charging positive."""
        return self._energy_j / 3600.0

    @property
    def heat_wh(self) -> float:
        """Heat set free in the modules since the start."""
        return self._pack.heat_j() / 3600.0

    @property
    def precharge_temperature_c(self) -> float:
        """Of the pre-charge element."""
        return self._precharge.temperature_c

    def set_ambient(self, temperature_c: float) -> None:
        """Change the temperature around everything."""
        self._precharge.ambient_c = temperature_c
        for module in self.modules:
            module.ambient_c = temperature_c

    # Instruments

    def attach_source(self, demand: SourceDemand) -> Port:
        """Connect a source; its demand is read in every advance."""
        self._bus.sources.append(demand)
        return SourcePort(self, self._bus, len(self._bus.sources) - 1)

    def attach_load(self, demand: LoadDemand) -> Port:
        """Connect a load; its demand is read in every advance."""
        self._bus.loads.append(demand)
        return LoadPort(self, self._bus, len(self._bus.loads) - 1)

    def settle(self) -> None:
        """Bring the circuit to the clock's present."""
        self.advance(self.now_us if self._clock is None else self._clock())

    # Inside

    def _run_to(self, now_us: int) -> None:
        while self.now_us < now_us:
            left_us = now_us - self.now_us
            if self._contactor.conducts:
                step_us = self._step_closed(left_us)
            elif self._precharge_on:
                step_us = self._step_precharge(min(left_us, PRECHARGE_STEP_US_MAX))
            else:
                limit_us = IDLE_STEP_US_MAX if self._pack.alone else STEP_US_MAX
                step_us = self._step_open(min(left_us, limit_us))
            self.now_us += step_us
            self._stale = True

    def _step_closed(self, left_us: int) -> int:
        step_us = min(left_us, STEP_US_MAX)
        dt_s = step_us * 1e-6
        emf_v, ohm = self._pack.at_end(dt_s)
        ohm += self._loop_ohm
        bus_v = self._bus.solve(emf_v, ohm)
        if step_us > HELD_STEP_US_MAX and self._bus.held(bus_v):
            step_us = HELD_STEP_US_MAX
            dt_s = step_us * 1e-6
            emf_v, ohm = self._pack.at_end(dt_s)
            ohm += self._loop_ohm
            bus_v = self._bus.solve(emf_v, ohm)
        self._precharge.heat(dt_s, 0.0)
        self._move(dt_s, (bus_v - emf_v) / ohm)
        return step_us

    def _step_precharge(self, step_us: int) -> int:
        dt_s = step_us * 1e-6
        emf_v, ohm = self._pack.now()
        self._bus.path_charge_c = 0.0
        self._bus.precharge(dt_s, emf_v, ohm + self._loop_ohm, self._precharge)
        self._move(dt_s, -self._bus.path_charge_c / dt_s)
        return step_us

    def _step_open(self, step_us: int) -> int:
        dt_s = step_us * 1e-6
        self._bus.drift(dt_s, 0.0, 0.0)
        self._precharge.heat(dt_s, 0.0)
        self._move(dt_s, 0.0)
        return step_us

    def _move(self, dt_s: float, current_a: float) -> None:
        if current_a == 0.0:
            self._pack.move(0.0, dt_s)
            return
        emf_v, ohm = self._pack.now()
        start_v = emf_v + current_a * ohm
        self._pack.move(current_a, dt_s)
        emf_v, ohm = self._pack.now()
        end_v = emf_v + current_a * ohm
        self._charge_c += current_a * dt_s
        self._energy_j += 0.5 * (start_v + end_v) * current_a * dt_s

    def _refresh(self) -> None:
        """Solve the circuit for this instant if anything has changed since."""
        if not self._stale and not self._pack.changed:
            return
        emf_v, ohm = self._pack.now()
        if self._contactor.conducts:
            path_ohm = ohm + self._loop_ohm
            self._bus.voltage_v = self._bus.solve(emf_v, path_ohm)
            current_a = (self._bus.voltage_v - emf_v) / path_ohm
        elif self._precharge_on:
            path_ohm = ohm + self._loop_ohm + self._precharge.resistance_ohm()
            current_a = (self._bus.voltage_v - emf_v) / path_ohm
        else:
            current_a = 0.0
        self._current_a = current_a
        self._voltage_v = emf_v + current_a * ohm
        self._pack.settle(current_a)
        self._stale = False

    def _break_down(self, fault: ContactorFault) -> None:
        self.settle()
        self._change_contacts(lambda: self._contactor.break_down(fault))

    def _change_contacts(self, change: Callable[[], None]) -> None:
        self._refresh()
        conducted, was_closed = self._contactor.conducts, self._contactor.closed
        change()
        if self._contactor.conducts and not conducted:
            self._rush_in(record=not was_closed)
        self._stale = True

    def _rush_in(self, *, record: bool) -> None:
        """Level link and battery at once, in closed form; the gap of a bounce leaves no record."""
        emf_v, ohm = self._pack.now()
        path_ohm = ohm + self._loop_ohm
        capacitance_f = self.spec.link_capacitance_f
        difference_v = emf_v - self._bus.voltage_v
        charge_c = -difference_v * capacitance_f
        self._pack.shift_charge(charge_c)
        self._charge_c += charge_c
        self._energy_j += emf_v * charge_c
        if record:
            self.last_inrush = Inrush(
                time_us=self.now_us,
                difference_v=difference_v,
                peak_a=math.fabs(difference_v) / path_ohm,
                i2t_a2s=difference_v * difference_v * capacitance_f / (2.0 * path_ohm),
            )


class SourcePort:
    """A source's two terminals: current out of the source is positive."""

    __slots__ = ("_bus", "_index", "_plant")

    def __init__(self, plant: Plant, bus: Bus, index: int) -> None:
        self._plant = plant
        self._bus = bus
        self._index = index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._plant.settle()

    def voltage_v(self) -> float:
        """At the terminals, which are on the system bus."""
        return self._plant.system_voltage_v

    def current_a(self) -> float:
        """Out of the source."""
        return self._bus.source_current_a(self._index, -self._plant.current_a)


class LoadPort:
    """A load's two terminals: current into the load is positive."""

    __slots__ = ("_bus", "_index", "_plant")

    def __init__(self, plant: Plant, bus: Bus, index: int) -> None:
        self._plant = plant
        self._bus = bus
        self._index = index

    def settle(self) -> None:
        """Bring the circuit to the present."""
        self._plant.settle()

    def voltage_v(self) -> float:
        """At the terminals, which are on the system bus."""
        return self._plant.system_voltage_v

    def current_a(self) -> float:
        """Into the load."""
        return self._bus.load_current_a(self._index, -self._plant.current_a)
