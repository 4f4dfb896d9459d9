"""A functional mock-up unit in place of the batteries' cells; circuit and instruments stay ours.

One FMU (FMI 2.0, co-simulation) is one battery module; a plant runs one instance for each. All its
variables are Real, in the units below; an array's elements are `name[0]`, `name[1]`, ..., the most
negative cell first. Charging is positive.

| variable              | causality | unit |                                                     |
|-----------------------|-----------|------|-----------------------------------------------------|
| cell_soc_pct[k]       | parameter | %    | at the start                                        |
| start_temperature_c   | parameter | degC | of cells and terminals at the start                 |
| capacity_ah           | parameter | A.h  | of each cell                                        |
| current_a             | input     | A    | through the module, constant in a step              |
| ambient_c             | input     | degC |                                                     |
| fan                   | input     | 1    | 0 or 1; may be left out                             |
| balancing_a[k]        | input     | A    | into a cell, besides the module's; may be left out  |
| voltage_v             | output    | V    | between the terminals, at a step's end and current  |
| resistance_ohm        | output    | Ohm  | what a step of the current shows at once; above 0   |
| cell_voltage_v[k]     | output    | V    | at a step's end and current                         |
| cell_temperature_c[k] | output    | degC |                                                     |
| plus_c, minus_c       | output    | degC | at the terminals, if the battery has such sensors   |

It steps on the control grid, by STEP_US. Current that changes within a step counts by its mean.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import math
import os
import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rig.errors import BenchError, BenchFileError, NotOnThisBench
from rig.plant.dc_bus import SAMPLE_US
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
    from collections.abc import Callable, Mapping

    from rig.plant.dc_bus import DcBus
    from rig.plant.spec import ModuleSpec, PlantSpec

STEP_US = SAMPLE_US  # the control grid
STEP_S = STEP_US * 1e-6
EXTRA = "the extra fmu (make fmu)"
# Each variable's causality and the units that its file may state; an array by its name alone.
CONTRACT: dict[str, tuple[str, tuple[str, ...]]] = {
    "cell_soc_pct": ("parameter", ("%",)),
    "start_temperature_c": ("parameter", ("degC",)),
    "capacity_ah": ("parameter", ("A.h", "Ah")),
    "current_a": ("input", ("A",)),
    "ambient_c": ("input", ("degC",)),
    "fan": ("input", ("1",)),
    "balancing_a": ("input", ("A",)),
    "voltage_v": ("output", ("V",)),
    "resistance_ohm": ("output", ("Ohm", "ohm")),
    "cell_voltage_v": ("output", ("V",)),
    "cell_temperature_c": ("output", ("degC",)),
    "plus_c": ("output", ("degC",)),
    "minus_c": ("output", ("degC",)),
}
TERMINALS = ("plus_c", "minus_c")


class FmuRefused(BenchFileError):
    """An FMU that cannot stand for a battery module; what is given, and what is allowed."""

    def __init__(self, path: Path, given: str, allowed: str) -> None:
        super().__init__(f"{path}: {given}; allowed: {allowed}")
        self.path, self.given, self.allowed = path, given, allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class FmuFile:
    """An FMU that keeps the contract, as far as its description tells."""

    path: Path
    guid: str
    model: str
    once_a_process: bool
    references: Mapping[str, int]  # of the contract's variables that it has

    def check(self, spec: ModuleSpec, modules: int) -> None:
        """Raise FmuRefused if it cannot stand for so many modules like this."""
        if self.once_a_process and modules > 1:
            self._refuse(f"can be there once, {modules} are needed", "one that can be there often")
        for name in ("cell_soc_pct", "cell_voltage_v", "cell_temperature_c", "balancing_a"):
            cells = sum(known.startswith(f"{name}[") for known in self.references)
            told = {f"{name}[{k}]" for k in range(cells)} <= self.references.keys()
            if (cells != spec.cells or not told) and (cells or name != "balancing_a"):
                last = spec.cells - 1
                self._refuse(f"{name} for {cells} cells", f"{name}[0] to {name}[{last}]")
        if spec.has_terminal_sensors:
            for name in TERMINALS:
                if name not in self.references:
                    self._refuse(f"no {name}", f"{' and '.join(TERMINALS)} for such a battery")

    def _refuse(self, given: str, allowed: str) -> NoReturn:
        raise FmuRefused(self.path, given, allowed)


def read_fmu(path: Path) -> FmuFile:
    """Read and check an FMU's description. Raises FmuRefused, BenchFileError's."""

    def refuse(given: str, allowed: str) -> NoReturn:
        raise FmuRefused(path, given, allowed)

    if not path.is_file():
        refuse("is no file" if path.exists() else "is missing", "a path to an .fmu file")
    if importlib.util.find_spec("fmpy") is None:
        refuse("fmpy is not installed", f"an FMU with {EXTRA}, or no FMU")
    fmpy: Any = importlib.import_module("fmpy")
    try:
        description: Any = fmpy.read_model_description(str(path), validate=True)
        platforms = fmpy.supported_platforms(str(path))
    except Exception as error:  # noqa: BLE001 - fmpy raises whatever zip, XML and itself raise
        refuse(f"cannot be read: {_one_line(error)}", "an FMU of FMI 2.0 for co-simulation")
    if description.fmiVersion != "2.0" or description.coSimulation is None:
        has = "co-simulation" if description.coSimulation else "model exchange only"
        given = f"FMI {description.fmiVersion}, {has}"
        refuse(given, "FMI 2.0 for co-simulation")
    if fmpy.platform not in platforms:
        refuse(f"runs on {', '.join(platforms) or 'nothing'}", fmpy.platform)
    references: dict[str, int] = {}
    for variable in description.modelVariables:
        name = variable.name.partition("[")[0]
        if name in CONTRACT:
            causality, units = CONTRACT[name]
            if variable.causality != causality or variable.type != "Real":
                given = f"{variable.name} is {variable.causality} {variable.type}"
                refuse(given, f"{causality} Real")
            declared = variable.declaredType
            unit = variable.unit or (declared.unit if declared is not None else None)
            # Without a unit it is taken at its name's word.
            if unit not in {None, "", *units}:
                refuse(f"{variable.name} in {unit}", f"{units[0]}, or no unit")
            references[variable.name] = variable.valueReference
    arrays = {name.partition("[")[0] for name in references}
    for name in CONTRACT.keys() - {"fan", "balancing_a", *TERMINALS} - arrays:
        refuse(f"no {name}", f"one {CONTRACT[name][0]} {name}")
    return FmuFile(
        path=path,
        guid=description.guid,
        model=description.coSimulation.modelIdentifier,
        once_a_process=bool(description.coSimulation.canBeInstantiatedOnlyOncePerProcess),
        references=references,
    )


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
        root = _unpacked(fmu)
        self._units = [_Unit(fmu, root, k, module) for k, module in enumerate(plain.modules)]
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

    def __init__(self, plain: Module, unit: _Unit, told: Callable[[], None]) -> None:
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


class _Unit:
    """One instance, with its inputs and outputs as arrays that are handed over whole."""

    def __init__(self, fmu: FmuFile, root: _Unpacked, index: int, module: Module) -> None:
        self.name = f"{fmu.path} (battery {index + 1})"
        self.cells, self.has_terminals = module.spec.cells, module.spec.has_terminal_sensors
        self.current_a = self.charge_c = 0.0  # the last step's; what has flowed since
        self._pid, self._steps, self._root = os.getpid(), 0, root
        cells = range(self.cells)
        names = ["voltage_v", "resistance_ohm"]
        names += [f"cell_voltage_v[{k}]" for k in cells]
        names += [f"cell_temperature_c[{k}]" for k in cells]
        names += TERMINALS if self.has_terminals else ()
        optional = ("fan", *(f"balancing_a[{k}]" for k in cells))
        inputs = ["current_a", "ambient_c", *(n for n in optional if n in fmu.references)]
        self._place = {name: k for k, name in enumerate(inputs)}
        self._get, self.outputs = self._arrays(fmu, names)
        self._set, self._inputs = self._arrays(fmu, inputs)
        self._inputs[1] = module.ambient_c
        start = {f"cell_soc_pct[{k}]": module.cell_soc(k) for k in cells}
        start |= {"start_temperature_c": module.temperature_c, "capacity_ah": module.capacity_ah}
        self._end: Any = None
        self._broken = ""
        try:
            self._start(fmu, start)
        except Exception as error:
            raise self._breaks(f"{self.name}: does not start: {_one_line(error)}") from error
        self._check()

    @staticmethod
    def _arrays(fmu: FmuFile, names: list[str]) -> tuple[Any, Any]:
        references = (ctypes.c_uint * len(names))(*(fmu.references[name] for name in names))
        return references, (ctypes.c_double * len(names))()

    def _start(self, fmu: FmuFile, start: dict[str, float]) -> None:
        fmi2: Any = importlib.import_module("fmpy.fmi2")
        self._fmu: Any = fmi2.FMU2Slave(
            guid=fmu.guid,
            modelIdentifier=fmu.model,
            unzipDirectory=str(self._root.folder),
            instanceName=self.name,
        )
        self._fmu.instantiate()
        self._end = weakref.finalize(self, _end, self._fmu, self._pid, self._root)
        self._fmu.setupExperiment(startTime=0.0)
        references, values = self._arrays(fmu, list(start))
        values[:] = list(start.values())
        self._fmu.fmi2SetReal(self._fmu.component, references, len(values), values)
        self._fmu.enterInitializationMode()
        self._exchange(self._fmu.fmi2SetReal, self._set, self._inputs)
        self._fmu.exitInitializationMode()
        self._exchange(self._fmu.fmi2GetReal, self._get, self.outputs)

    def _exchange(self, function: Any, references: Any, values: Any) -> None:
        function(self._fmu.component, references, len(values), values)

    def set(self, name: str, value: float) -> None:
        """Set an input from now on. Raises NotOnThisBench if the FMU has none of that name."""
        if name not in self._place:
            raise NotOnThisBench(f"{self.name}: has no input {name}")
        self._inputs[self._place[name]] = value

    def step(self, ambient_c: float) -> None:
        """Go one step on, at the mean of the current that has flowed since the last.

        Raises BenchError if the FMU fails, NotOnThisBench in a fork.
        """
        if os.getpid() != self._pid:
            raise NotOnThisBench(
                f"{self.name}: an FMU cannot be forked; run each branch from t = 0"
            )
        if self._broken:
            raise BenchError(self._broken)
        self.current_a, self.charge_c = self.charge_c / STEP_S, 0.0
        self._inputs[0], self._inputs[1] = self.current_a, ambient_c
        unit, component = self._fmu, self._fmu.component
        try:
            unit.fmi2SetReal(component, self._set, len(self._inputs), self._inputs)
            unit.fmi2DoStep(component, self._steps * STEP_S, STEP_S, 1)
            unit.fmi2GetReal(component, self._get, len(self.outputs), self.outputs)
        except Exception as error:
            raise self._breaks(f"{self._when}: {_one_line(error)}") from error
        self._steps += 1
        self._check()

    @property
    def _when(self) -> str:
        return f"{self.name} at {self._steps * STEP_S:.1f} s"

    def _check(self) -> None:
        if not math.isfinite(sum(self.outputs)):
            raise BenchError(f"{self._when}: an output is no finite number")
        if self.outputs[1] <= 0.0:
            raise BenchError(f"{self._when}: resistance_ohm is {self.outputs[1]}, not above 0")

    def _breaks(self, message: str) -> BenchError:
        """After an error the standard forbids most calls: it is left as it is, for good."""
        self._broken = message
        if self._end is not None:
            self._end.detach()
        return BenchError(message)

    def refuse_change(self) -> NoReturn:
        """Nobody can reach into its cells. Raises NotOnThisBench."""
        raise NotOnThisBench(
            f"{self.name}: an FMU's cells cannot be changed; it takes current, ambient, fan and "
            "balancing currents"
        )


@dataclass(slots=True, weakref_slot=True)
class _Unpacked:
    """The folder that holds an FMU's files as long as one of its instances is there."""

    folder: Path


def _unpacked(fmu: FmuFile) -> _Unpacked:
    fmpy: Any = importlib.import_module("fmpy")
    try:
        root = _Unpacked(Path(fmpy.extract(str(fmu.path))))
    except Exception as error:
        raise BenchError(f"{fmu.path}: cannot be unpacked: {_one_line(error)}") from error
    weakref.finalize(root, _remove, root.folder, os.getpid())
    return root


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _end(instance: Any, pid: int, root: _Unpacked) -> None:
    """Let an instance go; its library stays loaded, as other instances may be in it."""
    del root  # was held until here
    if os.getpid() == pid:
        instance.fmi2Terminate(instance.component)
        instance.fmi2FreeInstance(instance.component)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
