"""A functional mock-up unit in place of the batteries' cells; circuit and instruments stay ours.

What such a unit has to be stands in `fmu_file`. A plant runs one instance for each module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.errors import NotOnThisBench
from rig.plant.fmu_unit import STEP_US, FmuUnit, unpacked
from rig.plant.kernel import (
    AMBIENT_C,
    BALANCE_A,
    CELL_C,
    CELL_EMF_V,
    CELL_R0,
    CURRENT_A,
    EMF_V,
    HEADER,
    MEAN_C,
    MINUS_C,
    MODULE,
    OHM,
    PLUS_C,
    SPLIT_INRUSH,
    SPLIT_NOW,
)
from rig.plant.module import Module
from rig.plant.pack import Extremes, Pack
from rig.plant.plant import Plant

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rig.plant.dc_bus import DcBus
    from rig.plant.fmu_file import FmuFile
    from rig.plant.spec import PlantSpec


class FmuPlant(Plant):
    """A plant whose batteries are an FMU; for a DUT and instruments like any other.

    Same seed, same start: each cell begins at the SOC that it has in the plant of the same `spec`.
    """

    __slots__ = ()

    def __init__(
        self,
        spec: PlantSpec,
        rng: random.Random,
        fmu: FmuFile,
        clock: Callable[[], int] | None = None,
        dc_bus: DcBus | None = None,
    ) -> None:
        """Raises FmuRefused if the FMU does not fit, BenchError if it does not start."""
        fmu.check(spec.module, spec.series * spec.parallel)
        super().__init__(spec, rng, clock, dc_bus)
        pack = FmuPack(self._branch.pack, fmu)
        pack.on_change = self.dc_bus.touch
        self._branch.pack = pack
        self.modules = pack.modules
        self.dc_bus.unsettle()


class FmuPack(Pack):
    """The strings of a plain pack, their cells replaced; it keeps the pack's buffer.

    The circuit sees each module as its voltage and resistance at the last step.
    """

    __slots__ = ("_into_us", "_units")

    def __init__(self, plain: Pack, fmu: FmuFile) -> None:
        """`plain`: gives the start state and is not to be used any more."""
        for name in Pack.__slots__:
            setattr(self, name, getattr(plain, name))
        self._into_us = 0  # since the last step
        root = unpacked(fmu)
        self._units = [FmuUnit(fmu, root, k, module) for k, module in enumerate(plain.modules)]
        self.modules = [
            FmuModule(module, unit, self._on_change)
            for module, unit in zip(plain.modules, self._units, strict=True)
        ]
        for k in range(len(self._units)):
            self._take(k)
        self._changed = True

    def at_end(self, dt_s: float) -> tuple[float, float]:
        """As of now: nobody but the FMU knows how it would go on."""
        del dt_s
        return self.now()

    def move(self, current_a: float, dt_s: float) -> None:
        """Move all modules by one step at this current, by as many steps of theirs as it takes."""
        buf, left_us = self._buf, round(dt_s * 1e6)
        while left_us > 0:
            part_us = min(left_us, STEP_US - self._into_us)
            self._kernel.split(buf, current_a, SPLIT_NOW)
            for k, unit in enumerate(self._units):
                unit.charge_c += buf[HEADER + k * MODULE + CURRENT_A] * part_us * 1e-6
            left_us -= part_us
            self._into_us += part_us
            if self._into_us == STEP_US:
                self._into_us = 0
                for k, unit in enumerate(self._units):
                    unit.step(buf[HEADER + k * MODULE + AMBIENT_C])
                    self._take(k)
        self._changed = False

    def shift_charge(self, coulomb: float) -> None:
        """Move charge into the pack: the FMUs hear of it with their next step's mean current."""
        self._kernel.split(self._buf, coulomb, SPLIT_INRUSH)
        for k, unit in enumerate(self._units):
            unit.charge_c += self._buf[HEADER + k * MODULE + CURRENT_A]
        self._on_change()

    def extremes(self) -> Extremes:
        """Of all cells, at this instant."""
        volts = [v for module in self.modules for v in module.cell_voltages()]
        temperatures = [
            module.cell_temperature_c(k)
            for module in self.modules
            for k in range(module.spec.cells)
        ]
        cells = range(len(volts))
        low, high = min(cells, key=volts.__getitem__), max(cells, key=volts.__getitem__)
        cold = min(cells, key=temperatures.__getitem__)
        warm = max(cells, key=temperatures.__getitem__)
        return Extremes(
            cell_voltage_v_min=volts[low],
            cell_voltage_min_index=low,
            cell_voltage_v_max=volts[high],
            cell_voltage_max_index=high,
            temperature_c_min=temperatures[cold],
            temperature_min_index=cold,
            temperature_c_max=temperatures[warm],
            temperature_max_index=warm,
        )

    def heat_j(self) -> float:
        """Not known. Raises NotOnThisBench."""
        raise NotOnThisBench("an FMU does not tell the heat that it sets free")

    def state(self) -> bytes:
        """Not known. Raises NotOnThisBench."""
        raise NotOnThisBench("an FMU does not tell its state")

    def _assess(self) -> None:
        self._changed = False  # the outputs are in the buffer, and nothing follows from the cells

    def _take(self, k: int) -> None:
        """Put a module's outputs where the circuit and the module's electronics look."""
        buf, unit, at = self._buf, self._units[k], HEADER + k * MODULE
        current_a, values, cells = unit.current_a, unit.outputs, unit.cells
        voltage_v, ohm = values[0], values[1]
        buf[at + EMF_V], buf[at + OHM] = voltage_v - current_a * ohm, ohm
        cell_ohm = ohm / cells  # what the current changes until the next step, a cell as the other
        total_c = 0.0
        for index, c in enumerate(self._cells_of(k, self.modules[k])):
            buf[c + CELL_EMF_V] = values[2 + index] - current_a * cell_ohm
            buf[c + CELL_R0] = cell_ohm
            buf[c + CELL_C] = values[2 + cells + index]
            total_c += values[2 + cells + index]
        buf[at + MEAN_C] = total_c / cells
        if unit.has_terminals:
            buf[at + PLUS_C], buf[at + MINUS_C] = values[2 + 2 * cells], values[3 + 2 * cells]


class FmuModule(Module):
    """A module's window onto an FMU's outputs; what it cannot be told is refused."""

    __slots__ = ("_told", "_unit")

    def __init__(self, plain: Module, unit: FmuUnit, told: Callable[[], None]) -> None:
        """`plain`: the same window onto our cells. `told` hears of what the FMU can be told."""
        for name in Module.__slots__:
            setattr(self, name, getattr(plain, name))
        self._unit, self._told = unit, told
        # All that would reach into a cell says so first.
        self._changed = unit.refuse_change

    def set_balancing(self, index: int, ampere: float, *, burnt: float) -> None:
        """Charge one cell by this current; what of it becomes heat is the FMU's business."""
        del burnt
        c = self._cell(index)
        if ampere == self._buf[c + BALANCE_A]:
            return
        self._told()
        self._unit.set(f"balancing_a[{index % self.spec.cells}]", ampere)
        self._buf[c + BALANCE_A] = ampere
        self.bleeding = self._any_balanced()

    @property
    def fan_on(self) -> bool:
        """Whether the module's fan runs; a module without one has nothing to switch."""
        return self._fan_on

    @fan_on.setter
    def fan_on(self, on: bool) -> None:
        if on and not self.spec.fan:
            raise ValueError("this module has no fan")
        if on != self._fan_on:
            self._told()
            self._unit.set("fan", float(on))
            self._fan_on = on

    @property
    def ambient_c(self) -> float:
        """The temperature around this module."""
        return self._buf[self._at + AMBIENT_C]

    @ambient_c.setter
    def ambient_c(self, temperature_c: float) -> None:
        self._told()
        self._buf[self._at + AMBIENT_C] = temperature_c

    def cell_soc(self, index: int) -> float:
        """Not known. Raises NotOnThisBench."""
        del index
        raise NotOnThisBench(f"{self._unit.name}: an FMU does not tell its cells' SOC")

    @property
    def heat_j(self) -> float:
        """Not known. Raises NotOnThisBench."""
        raise NotOnThisBench(f"{self._unit.name}: an FMU does not tell the heat that it sets free")
