"""The battery: strings of modules in series, the strings in parallel, all cells in one buffer.

Current is split so that all strings have the same voltage at the END of the step (semi-implicit):
the explicit split oscillates once a step exceeds about 2*R*Q/(dOCV/dSOC), seconds at the steep end.
Seen from outside the pack is one voltage behind one resistance, at this instant or at a step's end.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rig.plant.cell import FIRST_C, SECONDS_A_MONTH, STEP_C, TEMPERATURES, tables_of
from rig.plant.kernel import (
    CELL,
    CURRENT_A,
    EFFICIENCY,
    HEADER,
    HYSTERESIS_RATE,
    LEAK_PER_S,
    MODULE,
    PACK_EMF_V,
    PACK_OHM,
    PARALLEL,
    PER_COULOMB,
    SEGMENT,
    SERIES,
    SOC,
    SPLIT_END,
    SPLIT_INRUSH,
    SPLIT_NOW,
    T_MAX_C,
    T_MAX_CELL,
    T_MIN_C,
    T_MIN_CELL,
    TABLE_FIRST_C,
    TABLE_LAST,
    TABLE_PER_C,
    TAU_1_S,
    TAU_2_S,
    TICK_S,
    V1,
    V2,
    V_MAX,
    V_MAX_CELL,
    V_MIN,
    V_MIN_CELL,
    chosen_kernel,
)
from rig.plant.module import Module

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from rig.plant.kernel import Kernel
    from rig.plant.spec import PlantSpec

SETTLED_V = 1e-9  # chosen: RC pairs below this change no reading's last bit that anybody sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """The lowest and highest of all cells, and which they are, counted through the pack."""

    cell_voltage_v_min: float
    cell_voltage_min_index: int
    cell_voltage_v_max: float
    cell_voltage_max_index: int
    temperature_c_min: float
    temperature_min_index: int
    temperature_c_max: float
    temperature_max_index: int


class Pack:
    """All modules; `modules[string * series + place]`, place 0 at the negative end."""

    __slots__ = (
        "_buf",
        "_changed",
        "_idle_s",
        "_kernel",
        "_one_string",
        "_settled",
        "_tab",
        "modules",
        "on_change",
    )

    def __init__(
        self,
        spec: PlantSpec,
        rng: random.Random,
        refresh: Callable[[], None],
        kernel: Kernel | None = None,
    ) -> None:
        """`kernel`: None for the one that this process has chosen."""
        tables = tables_of(spec.module.cell_name)
        self._kernel = chosen_kernel() if kernel is None else kernel
        self._tab = tables.flat
        count = spec.series * spec.parallel
        doubles = HEADER + count * (MODULE + spec.module.cells * CELL)
        self._buf = buf = array("d", bytes(8 * doubles))
        self._one_string = spec.parallel == 1
        value = tables.parameters.value
        buf[SERIES], buf[PARALLEL] = spec.series, spec.parallel
        buf[TAU_1_S], buf[TAU_2_S] = value("tau_1_s"), value("tau_2_s")
        buf[HYSTERESIS_RATE] = value("hysteresis_per_soc")
        efficiency, leak = (
            spec.module.coulombic_efficiency,
            spec.module.self_discharge_pct_per_month,
        )
        buf[EFFICIENCY] = value("coulombic_efficiency") if efficiency is None else efficiency
        leak = value("self_discharge_pct_per_month") if leak is None else leak
        buf[LEAK_PER_S] = leak / 100.0 / SECONDS_A_MONTH
        buf[TABLE_FIRST_C], buf[TABLE_PER_C] = FIRST_C, 1.0 / STEP_C
        buf[TABLE_LAST] = TEMPERATURES - 2
        self._idle_s = 0.0
        self._settled = True
        self._changed = True
        # Called before somebody moves something in it.
        self.on_change: Callable[[], None] = lambda: None
        self.modules: list[Module] = []
        half = spec.soc_spread_pct / 2.0
        for k in range(count):
            cells = range(spec.module.cells)
            drawn = [rng.uniform(-half, half) for _ in cells]
            if spec.soc_spread_exact:
                drawn = _stretched(drawn, half)
            socs = [(spec.soc_pct + each) / 100.0 for each in drawn]
            first = HEADER + count * MODULE + k * spec.module.cells * CELL
            place = (buf, HEADER + k * MODULE, first)
            start = (socs, spec.temperature_c)
            module = spec.module
            if spec.capacities_ah:
                module = replace(module, capacity_ah=spec.capacities_ah[k])
            self.modules.append(Module(module, place, start, rng, refresh, self._on_change))
        self._assess()

    @property
    def changed(self) -> bool:
        """Whether somebody has put a cell elsewhere since the last step or look."""
        return self._changed

    @property
    def alone(self) -> bool:
        """Whether no current can flow inside the pack: one string, nothing balanced."""
        return self._one_string and not any(m.bleeding for m in self.modules)

    def now(self) -> tuple[float, float]:
        """Voltage and resistance at the terminals at this instant: V = E + I*R."""
        if self._changed:
            self._assess()
        self._kernel.now(self._buf)
        return self._buf[PACK_EMF_V], self._buf[PACK_OHM]

    def at_end(self, dt_s: float) -> tuple[float, float]:
        """Voltage and resistance at the terminals at the end of a step at constant current."""
        self._idle()
        if self._changed:
            self._assess()
        self._kernel.end(self._buf, dt_s)
        return self._buf[PACK_EMF_V], self._buf[PACK_OHM]

    def settle(self, current_a: float) -> None:
        """Set the modules' present currents for this current through the terminals."""
        self._kernel.split(self._buf, current_a, SPLIT_NOW)

    def move(self, current_a: float, dt_s: float) -> None:
        """Move all cells by one step at this current through the terminals."""
        if current_a == 0.0 and self.alone:
            self._idle_s += dt_s
            # Nothing flows and nothing relaxes: warmth and self-discharge can wait for a tick.
            if not self._settled or self._idle_s >= TICK_S:
                self._idle()
            return
        self._idle()
        if self._changed:
            self._assess()
        if not self._one_string:
            self._kernel.end(self._buf, dt_s)
        self._kernel.split(self._buf, current_a, SPLIT_END)
        self._kernel.advance(self._buf, self._tab, dt_s)
        self._settled = False
        self._changed = False

    def renew_shorts(self, shorted: Sequence[Module]) -> None:
        """Let the cells that are shorted inside draw what their present voltages drive."""
        if self._changed:
            self._assess()
        for module in shorted:
            module.renew_shorts()
        self._changed = True

    def shift_charge(self, coulomb: float) -> None:
        """Move charge into the pack at once, shared as the string resistances say."""
        self.now()
        buf = self._buf
        self._kernel.split(buf, coulomb, SPLIT_INRUSH)
        for k, module in enumerate(self.modules):
            share = buf[HEADER + k * MODULE + CURRENT_A]
            for c in self._cells_of(k, module):
                buf[c + SOC] += share * buf[c + PER_COULOMB]
                buf[c + SEGMENT] = -1.0
        self._on_change()

    def extremes(self) -> Extremes:
        """Of all cells, at the last step or look."""
        if self._changed:
            self._assess()
        buf = self._buf
        return Extremes(
            cell_voltage_v_min=buf[V_MIN],
            cell_voltage_min_index=int(buf[V_MIN_CELL]),
            cell_voltage_v_max=buf[V_MAX],
            cell_voltage_max_index=int(buf[V_MAX_CELL]),
            temperature_c_min=buf[T_MIN_C],
            temperature_min_index=int(buf[T_MIN_CELL]),
            temperature_c_max=buf[T_MAX_C],
            temperature_max_index=int(buf[T_MAX_CELL]),
        )

    def heat_j(self) -> float:
        """Heat set free in all modules so far."""
        total = 0.0
        for module in self.modules:
            total += module.heat_j
        return total

    def state(self) -> bytes:
        """All cells, modules and the phase of time, bit by bit."""
        self._idle()
        return self._buf.tobytes()

    def _idle(self) -> None:
        """Let the time pass for which nothing has flowed."""
        if self._idle_s > 0.0:
            idle_s, self._idle_s = self._idle_s, 0.0
            self._kernel.split(self._buf, 0.0, SPLIT_NOW)
            self._kernel.idle(self._buf, self._tab, idle_s)
            buf = self._buf
            self._settled = all(
                abs(buf[c + V1]) < SETTLED_V and abs(buf[c + V2]) < SETTLED_V
                for k, module in enumerate(self.modules)
                for c in self._cells_of(k, module)
            )

    def _cells_of(self, k: int, module: Module) -> range:
        cells = module.spec.cells
        first = HEADER + len(self.modules) * MODULE + k * cells * CELL
        return range(first, first + cells * CELL, CELL)

    def _on_change(self) -> None:
        self.on_change()
        self._idle()  # what has passed has passed under the old conditions
        self._changed = True

    def _assess(self) -> None:
        self._kernel.look(self._buf, self._tab)
        self._changed = False


def _stretched(drawn: list[float], half: float) -> list[float]:
    """The same, with its extremes at both ends of the width."""
    low, high = min(drawn), max(drawn)
    if high <= low:
        return drawn
    return [half * (2.0 * (each - low) / (high - low) - 1.0) for each in drawn]
