"""The battery: strings of modules in series, the strings in parallel.

Current is split so that all strings have the same voltage at the END of the step (semi-implicit):
the explicit split oscillates once a step exceeds about 2*R*Q/(dOCV/dSOC), seconds at the steep end.
Seen from outside the pack is one voltage behind one resistance, at this instant or at a step's end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.cell import PARAMETERS
from rig.plant.module import Module

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rig.plant.spec import PlantSpec

REST_TAUS = 40.0  # e**-40: after this long without current nothing of the RC pairs is left


class Pack:
    """All modules; `modules[string * series + place]`, place 0 at the negative end."""

    __slots__ = ("_changed", "_dt_s", "_rest_s", "_rest_s_min", "_strings", "modules")

    def __init__(self, spec: PlantSpec, rng: random.Random, refresh: Callable[[], None]) -> None:
        self._changed = False
        self.modules: list[Module] = []
        half = spec.soc_spread_pct / 2.0
        for _ in range(spec.series * spec.parallel):
            cells = range(spec.module.cells)
            socs = [(spec.soc_pct + rng.uniform(-half, half)) / 100.0 for _ in cells]
            self.modules.append(
                Module(spec.module, socs, spec.temperature_c, rng, refresh, self._on_change)
            )
        self._strings = [
            self.modules[k * spec.series : (k + 1) * spec.series] for k in range(spec.parallel)
        ]
        self._dt_s = 0.0
        self._rest_s_min = REST_TAUS * PARAMETERS[spec.module.chemistry].tau_s.value
        self._rest_s = self._rest_s_min

    @property
    def changed(self) -> bool:
        """Whether somebody has put a cell elsewhere since the last step or look."""
        return self._changed

    @property
    def alone(self) -> bool:
        """Whether no current can flow inside the pack: one string, nothing bled."""
        return len(self._strings) == 1 and not any(m.bleeding for m in self.modules)

    def now(self) -> tuple[float, float]:
        """Voltage and resistance at the terminals at this instant: V = E + I*R."""
        if self._changed:
            self._assess(self._dt_s)
        return self._parallel([_series_now(string) for string in self._strings])

    def at_end(self, dt_s: float) -> tuple[float, float]:
        """Voltage and resistance at the terminals at the end of a step at constant current."""
        if self._changed or dt_s != self._dt_s:
            self._assess(dt_s)
        return self._parallel([_series_end(string) for string in self._strings])

    def settle(self, current_a: float) -> None:
        """Set the modules' present currents for this current through the terminals."""
        self._split([_series_now(string) for string in self._strings], current_a)

    def move(self, current_a: float, dt_s: float) -> None:
        """Move all cells by one step at this current through the terminals."""
        if self.alone and current_a == 0.0:
            if self._rest_s >= self._rest_s_min:
                for module in self.modules:
                    if module.rest(dt_s):
                        self._changed = True
                return
            self._rest_s += dt_s
        else:
            self._rest_s = 0.0
        if len(self._strings) > 1 and (self._changed or dt_s != self._dt_s):
            self._assess(dt_s)
        self._split([_series_end(string) for string in self._strings], current_a)
        for module in self.modules:
            module.step(module.current_now_a, dt_s)
            module.foresee(dt_s)
        self._dt_s = dt_s
        self._changed = False
        if self._rest_s >= self._rest_s_min:
            for module in self.modules:
                module.empty_rc()
            self._changed = True

    def shift_charge(self, coulomb: float) -> None:
        """Move charge into the pack at once, shared as the string resistances say."""
        self._split([(0.0, r) for _, r in map(_series_now, self._strings)], coulomb)
        for module in self.modules:
            module.shift_charge(module.current_now_a)
        self._changed = True

    def heat_j(self) -> float:
        """Heat set free in all modules so far."""
        total = 0.0
        for module in self.modules:
            total += module.heat_j
        return total

    def _on_change(self) -> None:
        self._changed = True

    def _assess(self, dt_s: float) -> None:
        for module in self.modules:
            if self._changed:
                module.step(module.current_now_a, 0.0)
            module.foresee(dt_s)
        self._dt_s = dt_s
        self._changed = False

    def _parallel(self, strings: list[tuple[float, float]]) -> tuple[float, float]:
        if len(strings) == 1:
            return strings[0]
        siemens = ampere = 0.0
        for emf, ohm in strings:
            siemens += 1.0 / ohm
            ampere += emf / ohm
        return ampere / siemens, 1.0 / siemens

    def _split(self, strings: list[tuple[float, float]], current_a: float) -> None:
        common, ohm_all = self._parallel(strings)
        for string, (emf, ohm) in zip(self._strings, strings, strict=True):
            if len(strings) == 1:
                share = current_a
            else:
                share = current_a * ohm_all / ohm + (common - emf) / ohm
            for module in string:
                module.current_now_a = share


def _series_now(string: list[Module]) -> tuple[float, float]:
    emf = ohm = 0.0
    for module in string:
        emf += module.emf_v
        ohm += module.ohm
    return emf, ohm


def _series_end(string: list[Module]) -> tuple[float, float]:
    emf = ohm = 0.0
    for module in string:
        emf += module.end_emf_v
        ohm += module.end_ohm
    return emf, ohm
