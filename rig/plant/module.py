"""One battery module: cells in series with their own SOC, bleeders, temperatures and sensors.

`step` is the inner loop of the whole plant: flat lists, one pass over the cells, no allocation.
It moves the cells by one step at constant current and leaves sums behind: `emf_v` and `ohm` are the
terminals at this instant (V = emf_v + I*ohm). From the others `foresee` makes, without a look at
the cells, `end_emf_v` and `end_ohm`: the terminals at the END of a next step at constant current,
which the semi-implicit split needs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rig.plant.cell import GRID, LAST, OFFSET, PARAMETERS, TABLES, Parameter, temperature_factor
from rig.plant.thermal import ModuleThermal

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rig.plant.spec import ModuleSpec

CONNECTION_OHM = Parameter(
    value=0.0001,
    unit="ohm",
    basis="chosen: internal bus bars and the cable to the next module, 0.1 mohm",
)


class Module:
    """A battery module as its own electronics see it. Charging is positive.

    Readings are of the plant's present instant: advance the plant first.
    """

    __slots__ = (
        "_bleed",
        "_bleed_polarisation",
        "_bleed_slope",
        "_bleeding",
        "_capacity_ah",
        "_changed",
        "_chemistry",
        "_emf",
        "_fan_on",
        "_has_terminal_sensors",
        "_parameters",
        "_polarisation",
        "_r0",
        "_r0_ohm",
        "_r0_ohm_at_25_c",
        "_r1_ohm",
        "_r1_ohm_at_25_c",
        "_rc_sum_v",
        "_refresh",
        "_slope",
        "_soc",
        "_soc_per_coulomb",
        "_tables",
        "_thermal",
        "_vrc",
        "current_now_a",
        "emf_v",
        "end_emf_v",
        "end_ohm",
        "heat_j",
        "ohm",
        "spec",
    )

    def __init__(
        self,
        spec: ModuleSpec,
        socs: list[float],
        temperature_c: float,
        rng: random.Random,
        refresh: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self.spec = spec
        self._refresh = refresh
        self._changed = changed
        self._parameters = PARAMETERS[spec.chemistry]
        self._tables = TABLES[spec.chemistry]
        self._has_terminal_sensors = spec.has_terminal_sensors
        per_ah = self._parameters.heat_capacity_j_per_k_ah.value
        self._thermal = ModuleThermal(
            per_ah * spec.capacity_ah * spec.cells, temperature_c, spec.temperature_sensors, rng
        )
        self._soc = socs
        self._vrc = [0.0] * spec.cells
        self._bleed = [0.0] * spec.cells
        self._emf = [0.0] * spec.cells
        self._r0 = [0.0] * spec.cells
        self._bleeding = False
        self._fan_on = False
        self._rc_sum_v = 0.0
        # Sums over the cells, plain and times each cell's bleed current: of the polarisation
        # factors, and of the slopes of the open-circuit voltage over SOC.
        self._polarisation = self._slope = self._bleed_polarisation = self._bleed_slope = 0.0
        self.heat_j = 0.0
        self.current_now_a = 0.0
        self.emf_v = self.ohm = self.end_emf_v = self.end_ohm = 0.0
        self._capacity_ah = spec.capacity_ah
        self._soc_per_coulomb = 1.0 / (3600.0 * spec.capacity_ah)
        self._r0_ohm_at_25_c, self._r1_ohm_at_25_c = spec.r0_ohm, spec.r1_ohm
        self._scale_resistances()
        self.step(0.0, 0.0)
        self.foresee(0.0)

    # What the module's electronics measure

    @property
    def terminal_voltage_v(self) -> float:
        """Between the module's terminals."""
        self._refresh()
        return self.emf_v + self.current_now_a * self.ohm

    @property
    def current_a(self) -> float:
        """Through the module; charging positive."""
        self._refresh()
        return self.current_now_a

    def cell_voltage_v(self, index: int) -> float:
        """Of one cell."""
        self._refresh()
        return self._emf[index] + self.current_now_a * self._r0[index]

    def cell_voltages(self) -> list[float]:
        """Of all cells, the most negative in the string first."""
        self._refresh()
        current = self.current_now_a
        return [emf + current * r0 for emf, r0 in zip(self._emf, self._r0, strict=True)]

    def cell_temperatures(self) -> list[float]:
        """One a sensor."""
        return self._thermal.cell_sensors()

    def terminal_temperatures(self) -> tuple[float, float] | None:
        """At the positive and the negative terminal; None if the module has no such sensors."""
        return self._thermal.terminal_sensors() if self._has_terminal_sensors else None

    # What the module's electronics and a bench can do

    def bleed(self, index: int, ampere: float) -> None:
        """Discharge one cell by this current (passive balancing); 0 stops it."""
        self._bleed[index] = ampere
        self._bleeding = any(self._bleed)
        self._changed()

    @property
    def bleeding(self) -> bool:
        """Whether any cell is being bled."""
        return self._bleeding

    @property
    def fan_on(self) -> bool:
        """Whether the module's fan runs; a module without one has nothing to switch."""
        return self._fan_on

    @fan_on.setter
    def fan_on(self, on: bool) -> None:
        if on and not self.spec.fan:
            raise ValueError("this module has no fan")
        if on != self._fan_on:
            self._fan_on = on
            self._thermal.set_fan(on=on)

    # The truth, for tests and for bringing about a start state

    def cell_soc(self, index: int) -> float:
        """True SOC of one cell in %."""
        return 100.0 * self._soc[index]

    def set_cell_soc(self, index: int, soc_pct: float) -> None:
        """Put one cell at this SOC in %, at rest; -10 to 110 is meaningful."""
        self._soc[index] = soc_pct / 100.0
        self._vrc[index] = 0.0
        self._changed()

    def set_cell_rest_voltage(self, index: int, voltage_v: float) -> None:
        """Put one cell at the SOC at which it rests at this voltage."""
        self.set_cell_soc(index, 100.0 * self._tables.soc_at_rest_voltage(voltage_v))

    @property
    def capacity_ah(self) -> float:
        """True capacity of each cell."""
        return self._capacity_ah

    @capacity_ah.setter
    def capacity_ah(self, capacity_ah: float) -> None:
        self._capacity_ah = capacity_ah
        self._soc_per_coulomb = 1.0 / (3600.0 * capacity_ah)
        self._changed()

    @property
    def temperature_c(self) -> float:
        """Of the cells; setting it brings cells and terminals there at once."""
        return self._thermal.temperature_c

    @temperature_c.setter
    def temperature_c(self, temperature_c: float) -> None:
        self._thermal.set_temperature(temperature_c)
        self._scale_resistances()
        self._changed()

    @property
    def ambient_c(self) -> float:
        """The temperature around this module."""
        return self._thermal.ambient_c

    @ambient_c.setter
    def ambient_c(self, temperature_c: float) -> None:
        self._thermal.ambient_c = temperature_c

    def fix_temperature_sensor(self, index: int, temperature_c: float | None) -> None:
        """Make a cell sensor report this; None lets it measure again."""
        self._thermal.fix_sensor(index, temperature_c)

    def fix_terminal_temperatures(
        self, positive_c: float | None = None, negative_c: float | None = None
    ) -> None:
        """Make the terminal sensors report this; None lets each measure again."""
        self._thermal.fix_terminals(positive_c, negative_c)

    # What the pack does with it

    def shift_charge(self, coulomb: float) -> None:
        """Move charge into every cell at once, as an inrush does."""
        for c in range(len(self._soc)):
            self._soc[c] += coulomb * self._soc_per_coulomb

    def step(self, current_a: float, dt_s: float) -> None:
        """Move by `dt_s` at constant current; 0 takes in what somebody has changed."""
        decay = math.exp(-dt_s / self._parameters.tau_s.value)
        gain = self._r1_ohm * (1.0 - decay)
        charge = dt_s * self._soc_per_coulomb
        r0_ohm = self._r0_ohm
        lines = self._tables.lines
        polarisation = self._tables.charge if current_a > 0.0 else self._tables.discharge
        socs, vrcs, bleeds, emfs, r0s = self._soc, self._vrc, self._bleed, self._emf, self._r0
        rc_sum = emf_sum = p_sum = slope_sum = bleed_p_sum = bleed_slope_sum = 0.0
        ohm_sum = CONNECTION_OHM.value
        for c in range(len(socs)):
            bleed = bleeds[c]
            x = current_a - bleed
            soc = socs[c]
            half = 0.5 * x * charge
            soc += half
            j = int(soc * GRID + OFFSET)
            if j < 0:
                j = 0
            elif j > LAST:
                j = LAST
            p0, p1 = polarisation[j]
            p = p0 + p1 * soc
            vrcs[c] = vrc = vrcs[c] * decay + x * gain * p
            socs[c] = soc = soc + half
            j = int(soc * GRID + OFFSET)
            if j < 0:
                j = 0
            elif j > LAST:
                j = LAST
            ocv0, ocv1, f0, f1 = lines[j]
            r0s[c] = r0 = r0_ohm * (f0 + f1 * soc)
            emfs[c] = emf = ocv0 + ocv1 * soc + vrc - bleed * r0
            rc_sum += vrc
            emf_sum += emf
            ohm_sum += r0
            p_sum += p
            slope_sum += ocv1
            if bleed != 0.0:
                bleed_p_sum += bleed * p
                bleed_slope_sum += bleed * ocv1
        if dt_s > 0.0:
            # Mean of the RC voltage before and after: heat is I2R and what the RC pairs dissipate.
            rc_mean = 0.5 * (rc_sum + self._rc_sum_v)
            self._warm(dt_s, current_a, current_a * (current_a * self.ohm + rc_mean))
        self._rc_sum_v = rc_sum
        self.emf_v = emf_sum
        self.ohm = ohm_sum
        self._polarisation, self._slope = p_sum, slope_sum
        self._bleed_polarisation, self._bleed_slope = bleed_p_sum, bleed_slope_sum

    def foresee(self, dt_s: float) -> None:
        """Bring `end_emf_v` and `end_ohm` to the end of a next step of `dt_s`."""
        decay = math.exp(-dt_s / self._parameters.tau_s.value)
        gain = self._r1_ohm * (1.0 - decay)
        charge = dt_s * self._soc_per_coulomb
        bled_v = gain * self._bleed_polarisation + charge * self._bleed_slope
        self.end_emf_v = self.emf_v - self._rc_sum_v * (1.0 - decay) - bled_v
        self.end_ohm = self.ohm + gain * self._polarisation + charge * self._slope

    def rest(self, dt_s: float) -> bool:
        """Let time pass without current, RC pairs empty; whether the temperature has moved."""
        before_c = self._thermal.temperature_c
        self._warm(dt_s, 0.0, 0.0)
        return self._thermal.temperature_c != before_c

    def empty_rc(self) -> None:
        """Forget what is left in the RC pairs after a long rest."""
        self._vrc[:] = [0.0] * len(self._vrc)

    def _warm(self, dt_s: float, current_a: float, heat_w: float) -> None:
        if self._bleeding:
            heat_w += sum(b * emf for b, emf in zip(self._bleed, self._emf, strict=True))
        self.heat_j += heat_w * dt_s
        before_c = self._thermal.temperature_c
        self._thermal.step(dt_s, heat_w, current_a)
        if self._thermal.temperature_c != before_c:
            self._scale_resistances()

    def _scale_resistances(self) -> None:
        factor = temperature_factor(self._parameters, self._thermal.temperature_c)
        self._r0_ohm = self._r0_ohm_at_25_c * factor
        self._r1_ohm = self._r1_ohm_at_25_c * factor
