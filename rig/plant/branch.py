"""One system's way onto the DC bus: strings, main fuse, shunt, contactor, pre-charge path.

    strings - main fuse - shunt - [main contactor || pre-charge path] - DC bus

It holds no time: the DC bus moves all its branches by the same steps. Charging is positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.plant.contactor import CONDUCTS, Contactor, ContactorFault
from rig.plant.fuse import Fuse
from rig.plant.pack import Pack
from rig.plant.precharge import PrechargeElement, PrechargePath

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rig.plant.module import Module
    from rig.plant.spec import PlantSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Inrush:
    """What closing the contactor onto a difference does to contacts and fuses.

    Onto a bus that another system holds there is no surge of a capacitor: `i2t_a2s` is 0, and
    what flows on is the circuit's current.
    """

    time_us: int
    difference_v: float  # battery less system
    peak_a: float  # magnitude
    i2t_a2s: float


class Branch:
    """The strings and what connects them; currents and voltages as last solved."""

    __slots__ = (
        "_weld_i2t_a2s",
        "charge_c",
        "contactor",
        "current_a",
        "emf_v",
        "energy_j",
        "fuse",
        "last_inrush",
        "loop_ohm",
        "ohm",
        "pack",
        "precharge",
        "precharge_on",
        "shorted",
        "voltage_v",
    )

    def __init__(self, spec: PlantSpec, rng: random.Random, refresh: Callable[[], None]) -> None:
        """`refresh` brings the circuit to the present instant, for who reads a module."""
        self.contactor = Contactor(
            spec.contactor_close_us, spec.contactor_open_us, spec.contactor_bounce_us
        )
        element = PrechargeElement(spec.precharge, spec.temperature_c)
        self.precharge = PrechargePath(element, Fuse(spec.precharge_fuse))
        self.precharge_on = False
        self.fuse = Fuse(spec.main_fuse)
        self.loop_ohm = spec.loop_ohm
        self.pack = Pack(spec, rng, refresh)
        self.shorted: list[Module] = []  # those with a cell that is shorted inside
        self._weld_i2t_a2s = spec.contactor_weld_i2t_a2s
        self.emf_v = self.ohm = 0.0  # of the last step's end, from `at_end`
        self.current_a = 0.0
        self.voltage_v = 0.0
        self.charge_c = 0.0
        self.energy_j = 0.0
        self.last_inrush: Inrush | None = None

    @property
    def conducts(self) -> bool:
        """Whether the strings are on the bus through the contactor."""
        return self.contactor.contact in CONDUCTS and not self.fuse.blown

    @property
    def precharges(self) -> bool:
        """Whether they are on it through the pre-charge path."""
        return self.precharge_on and self.precharge.whole and not self.fuse.blown

    def begin(self) -> None:
        """Before a step: what follows from the cells' voltages is brought up to date."""
        if self.shorted:
            self.pack.renew_shorts(self.shorted)

    def at_end(self, dt_s: float) -> tuple[float, float]:
        """Voltage and resistance up to the bus at the end of a step at constant current."""
        self.emf_v, ohm = self.pack.at_end(dt_s)
        self.ohm = ohm + self.loop_ohm
        return self.emf_v, self.ohm

    def move(self, dt_s: float, current_a: float) -> None:
        """Move the strings and the main fuse by one step at this current."""
        self.fuse.carry(dt_s, current_a * current_a)
        pack = self.pack
        if current_a == 0.0:
            pack.move(0.0, dt_s)
            return
        emf_v, ohm = pack.now()
        start_v = emf_v + current_a * ohm
        pack.move(current_a, dt_s)
        emf_v, ohm = pack.now()
        end_v = emf_v + current_a * ohm
        self.charge_c += current_a * dt_s
        self.energy_j += 0.5 * (start_v + end_v) * current_a * dt_s

    def settle(self, current_a: float, emf_v: float, ohm: float) -> None:
        """Take over the current of this instant."""
        self.current_a = current_a
        self.voltage_v = emf_v + current_a * ohm
        self.pack.settle(current_a)

    def touches(self, time_us: int, bus_v: float, capacitance_f: float, other_ohm: float) -> None:
        """Level the bus and the strings at once, in closed form, as the path closes.

        `other_ohm`: of what holds the bus besides its capacitance; infinite for nothing.
        """
        emf_v, ohm = self.pack.now()
        path_ohm = ohm + self.loop_ohm
        difference_v = emf_v - bus_v
        i2t_a2s = 0.0
        if other_ohm == math.inf:
            charge_c = -difference_v * capacitance_f
            self.pack.shift_charge(charge_c)
            self.charge_c += charge_c
            self.energy_j += emf_v * charge_c
            i2t_a2s = difference_v * difference_v * capacitance_f / (2.0 * path_ohm)
        else:
            path_ohm += other_ohm
        self.fuse.take(i2t_a2s)
        if i2t_a2s > self._weld_i2t_a2s and self.contactor.fault is ContactorFault.NONE:
            self.contactor.break_down(ContactorFault.WELDED)
        self.last_inrush = Inrush(
            time_us=time_us,
            difference_v=difference_v,
            peak_a=math.fabs(difference_v) / path_ohm,
            i2t_a2s=i2t_a2s,
        )
