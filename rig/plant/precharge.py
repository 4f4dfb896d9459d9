"""The pre-charge path: a fuse, and a resistance with its own temperature, cooled to the ambient.

The element says its resistance and takes its heat; the link's differential equation is the bus's.
Accuracy comes from taking the resistance at the middle of a step of at most 20 ms. What has burnt
out or melted is an open circuit from the next such step on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rig.plant.cell import KELVIN_AT_0_C, REFERENCE_TEMPERATURE_C

if TYPE_CHECKING:
    from rig.plant.fuse import Fuse
    from rig.plant.spec import PrechargeSpec

BETA_LAW_C_MAX = 200.0  # chosen: the end of an NTC's rating; its resistance falls no further
SETTLED_K = 1e-9  # closer to the ambient than this is at it
OPEN_OHM = 1e12  # what a broken path has


class PrechargeElement:
    """A resistor or an NTC, lumped to one temperature."""

    __slots__ = (
        "_beta_k",
        "_burns_c",
        "_capacity",
        "_dissipation",
        "_ohm",
        "ambient_c",
        "burnt",
        "temperature_c",
    )

    def __init__(self, spec: PrechargeSpec, temperature_c: float) -> None:
        self._ohm = spec.ohm
        self._beta_k = spec.beta_k if spec.kind == "ntc" else 0.0
        self._capacity = spec.heat_capacity_j_per_k
        self._dissipation = spec.dissipation_w_per_k
        self._burns_c = spec.burns_c
        self.burnt = False
        self.ambient_c = temperature_c
        self.temperature_c = temperature_c

    def resistance_ohm(self) -> float:
        """The resistance at the present temperature."""
        return self._at(self.temperature_c)

    def resistance_ohm_after(self, dt_s: float, power_w: float) -> float:
        """The resistance to expect after `dt_s` at this power, without going there."""
        if self._beta_k == 0.0:
            return self._ohm
        loss_w = self._dissipation * (self.temperature_c - self.ambient_c)
        return self._at(self.temperature_c + (power_w - loss_w) / self._capacity * dt_s)

    def heat(self, dt_s: float, power_w: float) -> None:
        """Move the temperature on by `dt_s` at constant power; exact."""
        final_c = self.ambient_c + power_w / self._dissipation
        away_k = self.temperature_c - final_c
        if -SETTLED_K < away_k < SETTLED_K:
            self.temperature_c = final_c
            return
        decay = math.exp(-dt_s * self._dissipation / self._capacity)
        self.temperature_c = final_c + away_k * decay
        if self.temperature_c > self._burns_c:
            self.burnt = True

    def burn(self) -> None:
        """Burn it out."""
        self.burnt = True

    def replace(self) -> None:
        """Put a new one in, as warm as the ambient."""
        self.temperature_c = self.ambient_c
        self.burnt = False

    def _at(self, temperature_c: float) -> float:
        if self._beta_k == 0.0:
            return self._ohm
        inverse = 1.0 / (min(temperature_c, BETA_LAW_C_MAX) + KELVIN_AT_0_C)
        reference = 1.0 / (REFERENCE_TEMPERATURE_C + KELVIN_AT_0_C)
        return self._ohm * math.exp(self._beta_k * (inverse - reference))


class PrechargePath:
    """The element behind its fuse, as one resistance."""

    __slots__ = ("_middle_ohm", "element", "fuse")

    def __init__(self, element: PrechargeElement, fuse: Fuse) -> None:
        self.element, self.fuse = element, fuse
        self._middle_ohm = OPEN_OHM

    @property
    def whole(self) -> bool:
        """Whether current can flow through it."""
        return not (self.fuse.blown or self.element.burnt)

    def resistance_ohm(self) -> float:
        """The resistance at the present temperature."""
        return self.element.resistance_ohm() if self.whole else OPEN_OHM

    def resistance_ohm_after(self, dt_s: float, power_w: float) -> float:
        """The resistance to expect after `dt_s` at this power, without going there."""
        whole = self.whole
        ohm = self.element.resistance_ohm_after(dt_s, power_w) if whole else OPEN_OHM
        self._middle_ohm = ohm
        return ohm

    def heat(self, dt_s: float, power_w: float) -> None:
        """Move on by `dt_s` at this power, in the resistance that was expected last."""
        self.fuse.carry(dt_s, power_w / self._middle_ohm)
        self.element.heat(dt_s, power_w)

    def warm(self, dt_s: float, current_a: float) -> None:
        """Move on by `dt_s` at this current."""
        square_a2 = current_a * current_a
        power_w = square_a2 * self.element.resistance_ohm()
        self.fuse.carry(dt_s, square_a2)
        self.element.heat(dt_s, power_w)

    def rest(self, dt_s: float) -> None:
        """Move on by `dt_s` without current."""
        if self.fuse.heat_a2s > 0.0:
            self.fuse.carry(dt_s, 0.0)
        self.element.heat(dt_s, 0.0)
