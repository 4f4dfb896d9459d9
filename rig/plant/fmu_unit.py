"""One instance of an FMU, stepped on the control grid.

It steps on the control grid, by STEP_US. Current that changes within a step counts by its mean.
"""

from __future__ import annotations

import ctypes
import importlib
import math
import os
import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rig.errors import BenchError, NotOnThisBench
from rig.plant.dc_bus import SAMPLE_US
from rig.plant.fmu_file import TERMINALS, FmuFile, one_line

if TYPE_CHECKING:
    from rig.plant.module import Module

STEP_US = SAMPLE_US  # the control grid
STEP_S = STEP_US * 1e-6


class FmuUnit:
    """One instance, with its inputs and outputs as arrays that are handed over whole."""

    def __init__(self, fmu: FmuFile, root: Unpacked, index: int, module: Module) -> None:
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
            raise self._breaks(f"{self.name}: does not start: {one_line(error)}") from error
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
            raise self._breaks(f"{self._when}: {one_line(error)}") from error
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
class Unpacked:
    """The folder that holds an FMU's files as long as one of its instances is there."""

    folder: Path


def unpacked(fmu: FmuFile) -> Unpacked:
    """Its files in a folder that goes with its last instance. Raises BenchError."""
    fmpy: Any = importlib.import_module("fmpy")
    try:
        root = Unpacked(Path(fmpy.extract(str(fmu.path))))
    except Exception as error:
        raise BenchError(f"{fmu.path}: cannot be unpacked: {one_line(error)}") from error
    weakref.finalize(root, _remove, root.folder, os.getpid())
    return root


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _end(instance: Any, pid: int, root: Unpacked) -> None:
    """Let an instance go; its library stays loaded, as other instances may be in it."""
    del root  # was held until here
    if os.getpid() == pid:
        instance.fmi2Terminate(instance.component)
        instance.fmi2FreeInstance(instance.component)
