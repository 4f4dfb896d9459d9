"""An FMU as its description tells it: what it has to be to stand for a battery module.

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
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rig.errors import BenchFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.plant.spec import ModuleSpec

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
        refuse(f"cannot be read: {one_line(error)}", "an FMU of FMI 2.0 for co-simulation")
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


def one_line(error: Exception) -> str:
    """What it says, or what it is."""
    return " ".join(str(error).split()) or type(error).__name__
