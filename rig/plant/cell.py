"""One battery cell's parameters: curves over SOC and temperature, each with what it rests on.

The cell is an equivalent circuit: open-circuit voltage with hysteresis, a series resistance R0
and two RC pairs, all over SOC and temperature; RC resistances may differ between charge and
discharge.
Resistances scale with 1/capacity, so they are given in ohm ampere-hours. The numbers stand in
`data/<cell>.toml`; `hil plant fit` writes such a file from measurements.
SOC may leave 0..100 %: 100 % is the cell at rest at the end of an ordinary charge, not the point
where it is destroyed. Curves are linear between knots and sampled on the kernel's uniform grids.
"""

from __future__ import annotations

import math
import tomllib
from array import array
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from rig.errors import BenchFileError
from rig.plant.kernel import CURVES, GRID, LAST, OFFSET, POINTS

Chemistry = Literal["LFP", "NMC"]

DATA = Path(__file__).parent / "data"
SOC_MIN = -0.10
SOC_MAX = 1.10
REFERENCE_TEMPERATURE_C = 25.0
KELVIN_AT_0_C = 273.15

# The grid over temperature: linear in between, which errs by 0.3 % on the steepest resistance.
FIRST_C, STEP_C, LAST_C = -40.0, 5.0, 80.0
TEMPERATURES = int((LAST_C - FIRST_C) / STEP_C) + 1

# Below and above the measured temperatures: chosen, what processes in cells have (0 to 0.5 eV).
ACTIVATION_K_MAX = 6000.0

VOLTAGES = ("ocv_v", "hysteresis_v")
RESISTANCES = (
    "r0_ohm_ah",
    "r1_charge_ohm_ah",
    "r1_discharge_ohm_ah",
    "r2_charge_ohm_ah",
    "r2_discharge_ohm_ah",
)
SCALARS = (
    "tau_1_s",
    "tau_2_s",
    "hysteresis_per_soc",
    "coulombic_efficiency",
    "self_discharge_pct_per_month",
    "activation_k",
    "heat_capacity_j_per_k_ah",
    "capacity_ah",
)
SECONDS_AN_HOUR = 3600.0  # public: its definition
SECONDS_A_MONTH = 30.4375 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number with its unit and what it rests on: stated, public, derived or chosen."""

    value: float
    unit: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values over SOC, a row for each temperature, with their basis.

    One row of a resistance follows Arrhenius' law from 25 C; one row of a voltage holds everywhere.
    """

    soc_pct: tuple[float, ...]
    temperature_c: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    unit: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellParameters:
    """All that distinguishes one kind of cell."""

    name: str
    chemistry: Chemistry
    description: str
    curves: dict[str, Curve]
    scalars: dict[str, Parameter]

    def value(self, name: str) -> float:
        """A scalar's value."""
        return self.scalars[name].value


class CellTables:
    """One cell kind's curves on the kernel's grids: `flat[(temperature, SOC, curve)]`."""

    __slots__ = ("flat", "parameters")

    def __init__(self, parameters: CellParameters) -> None:
        self.parameters = parameters
        self.flat = array("d", bytes(8 * TEMPERATURES * POINTS * CURVES))
        for index, name in enumerate((*VOLTAGES, *RESISTANCES)):
            rows = _over_temperature(parameters, name)
            for k, row in enumerate(rows):
                start = k * POINTS * CURVES + index
                self.flat[start : start + POINTS * CURVES : CURVES] = array("d", row)

    def value(
        self, curve: int, soc: float, temperature_c: float = REFERENCE_TEMPERATURE_C
    ) -> float:
        """A curve at this SOC (fraction) and temperature, as the kernel has it."""
        x = min(max((temperature_c - FIRST_C) / STEP_C, 0.0), TEMPERATURES - 1.0)
        k = min(int(x), TEMPERATURES - 2)
        j = segment(soc)
        w, f = x - k, soc * GRID + OFFSET - j
        at = (k * POINTS + j) * CURVES + curve
        row = POINTS * CURVES
        low = self.flat[at] + w * (self.flat[at + row] - self.flat[at])
        at += CURVES
        high = self.flat[at] + w * (self.flat[at + row] - self.flat[at])
        return low + f * (high - low)

    def ocv_v(self, soc: float, temperature_c: float = REFERENCE_TEMPERATURE_C) -> float:
        """The rest voltage at this SOC (fraction), midway between after charge and discharge."""
        return self.value(0, soc, temperature_c)

    def soc_at_rest_voltage(
        self, voltage_v: float, temperature_c: float = REFERENCE_TEMPERATURE_C
    ) -> float:
        """The SOC (fraction) at which the cell rests at this voltage.

        Raises ValueError outside the table.
        """
        points = [((j - OFFSET) / GRID, 0.0) for j in range(POINTS)]
        points = [(soc, self.ocv_v(soc, temperature_c)) for soc, _ in points]
        for (soc_0, low_v), (soc_1, high_v) in pairwise(points):
            if low_v - 1e-9 <= voltage_v <= high_v + 1e-9:
                return soc_0 + (soc_1 - soc_0) * (voltage_v - low_v) / (high_v - low_v)
        low_v, high_v = points[0][1], points[-1][1]
        raise ValueError(f"rest voltage {voltage_v} V: expected {low_v:.2f} to {high_v:.2f} V")


def segment(soc: float) -> int:
    """The grid segment of this SOC (fraction); the end segments extend beyond the table."""
    return min(max(int(soc * GRID + OFFSET), 0), LAST)


@lru_cache(maxsize=32)
def tables_of(cell: str) -> CellTables:
    """The tables of a cell that comes with the project, or of a cell file (`.toml`)."""
    return CellTables(load_cell(cell))


def known_cells() -> list[str]:
    """The cells that come with the project."""
    return sorted(path.stem for path in DATA.glob("*.toml"))


def load_cell(cell: str) -> CellParameters:
    """A cell by its name, or from its file. Raises BenchFileError, naming file, field, allowed."""
    path = Path(cell) if cell.endswith(".toml") else DATA / f"{cell}.toml"
    if not path.is_file():
        if cell.endswith(".toml"):
            raise BenchFileError(f"cell file {cell}: no such file; allowed: a cell's .toml file")
        known = ", ".join(known_cells())
        raise BenchFileError(f"cell {cell!r} is unknown; allowed: {known}, or a .toml file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchFileError(f"cell file {path}: {error}; allowed: TOML") from error
    return _Reader(str(path), content).parameters()


class _Reader:
    """Parses one cell file, once, at the edge."""

    def __init__(self, path: str, content: dict[str, object]) -> None:
        self._path, self._content = path, content

    def parameters(self) -> CellParameters:
        chemistry = self._text(self._content, "chemistry")
        if chemistry not in {"LFP", "NMC"}:
            raise self._wrong("chemistry", "LFP or NMC")
        curves = self._section("curves")
        for name in RESISTANCES:
            if name.endswith("discharge_ohm_ah") and name not in curves:
                other = name.replace("discharge", "charge")
                curves[name] = curves.get(other)
        scalars = self._section("scalars")
        return CellParameters(
            name=self._text(self._content, "name"),
            chemistry="LFP" if chemistry == "LFP" else "NMC",
            description=self._text(self._content, "description"),
            curves={n: self._curve(n, curves.get(n)) for n in (*VOLTAGES, *RESISTANCES)},
            scalars={n: self._scalar(n, scalars.get(n)) for n in SCALARS},
        )

    def _section(self, name: str) -> dict[str, object]:
        section = self._content.get(name)
        if not isinstance(section, dict):
            raise self._wrong(name, "a table")
        return dict(section)

    def _curve(self, name: str, found: object) -> Curve:
        field = f"curves.{name}"
        if not isinstance(found, dict):
            raise self._wrong(field, "soc_pct, temperature_c, values, unit, basis")
        soc = self._numbers(found.get("soc_pct"), f"{field}.soc_pct")
        temperatures = self._numbers(found.get("temperature_c"), f"{field}.temperature_c")
        rows = found.get("values")
        if not isinstance(rows, list) or len(rows) != len(temperatures):
            raise self._wrong(f"{field}.values", "a row for each temperature_c")
        values = tuple(self._numbers(row, f"{field}.values") for row in rows)
        for axis, least, label in ((soc, 2, "soc_pct"), (temperatures, 1, "temperature_c")):
            if len(axis) < least or any(a >= b for a, b in pairwise(axis)):
                raise self._wrong(f"{field}.{label}", f"at least {least} numbers, rising")
        if any(len(row) != len(soc) for row in values):
            raise self._wrong(f"{field}.values", "as many numbers in a row as soc_pct has")
        if name in RESISTANCES and min(map(min, values)) <= 0.0:
            raise self._wrong(f"{field}.values", "resistances above 0")
        return Curve(
            soc_pct=soc,
            temperature_c=temperatures,
            values=values,
            unit=self._text(found, "unit", field),
            basis=self._text(found, "basis", field),
        )

    def _scalar(self, name: str, found: object) -> Parameter:
        field = f"scalars.{name}"
        if not isinstance(found, dict):
            raise self._wrong(field, "value, unit and basis")
        (value,) = self._numbers([found.get("value")], f"{field}.value")
        positive = name in {"tau_1_s", "tau_2_s", "heat_capacity_j_per_k_ah", "capacity_ah"}
        if value < 0.0 or (positive and value == 0.0):
            raise self._wrong(f"{field}.value", "above 0" if positive else "0 or above")
        if name == "coulombic_efficiency" and not 0.5 <= value <= 1.0:
            raise self._wrong(f"{field}.value", "0.5 to 1")
        unit, basis = self._text(found, "unit", field), self._text(found, "basis", field)
        return Parameter(value=value, unit=unit, basis=basis)

    def _numbers(self, found: object, field: str) -> tuple[float, ...]:
        if not isinstance(found, list) or not all(
            isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
            for x in found
        ):
            raise self._wrong(field, "numbers")
        return tuple(float(x) for x in found)

    def _text(self, found: dict[str, object], name: str, inside: str = "") -> str:
        text = found.get(name)
        if not isinstance(text, str) or not text:
            raise self._wrong(f"{inside}.{name}" if inside else name, "a text")
        return text

    def _wrong(self, field: str, allowed: str) -> BenchFileError:
        return BenchFileError(f"cell file {self._path}: {field}; allowed: {allowed}")


def _over_temperature(parameters: CellParameters, name: str) -> list[list[float]]:
    """A curve's row over the SOC grid for each temperature of the grid."""
    curve = parameters.curves[name]
    rows = [_on_grid(curve.soc_pct, row) for row in curve.values]
    wanted = [FIRST_C + STEP_C * k for k in range(TEMPERATURES)]
    if name in VOLTAGES:
        return [_voltages_at(curve.temperature_c, rows, t) for t in wanted]
    if len(rows) == 1:
        law = parameters.value("activation_k")
        return [[r * arrhenius(law, t, curve.temperature_c[0]) for r in rows[0]] for t in wanted]
    logs = [[math.log(max(r, 1e-9)) for r in row] for row in rows]
    inverse = [1.0 / (t + KELVIN_AT_0_C) for t in curve.temperature_c]
    return [
        [math.exp(x) for x in _logs_at(inverse, logs, 1.0 / (t + KELVIN_AT_0_C))] for t in wanted
    ]


def arrhenius(activation_k: float, temperature_c: float, reference_c: float) -> float:
    """By how much a resistance exceeds its value at the reference."""
    now = 1.0 / (temperature_c + KELVIN_AT_0_C)
    return math.exp(activation_k * (now - 1.0 / (reference_c + KELVIN_AT_0_C)))


def _voltages_at(
    temperatures: tuple[float, ...], rows: list[list[float]], temperature_c: float
) -> list[float]:
    """Linear between the rows; beyond the outermost rows these hold."""
    if temperature_c <= temperatures[0]:
        return rows[0]
    for (t0, row0), (t1, row1) in pairwise(zip(temperatures, rows, strict=True)):
        if temperature_c <= t1:
            w = (temperature_c - t0) / (t1 - t0)
            return [a + w * (b - a) for a, b in zip(row0, row1, strict=True)]
    return rows[-1]


def _logs_at(inverse: list[float], logs: list[list[float]], x: float) -> list[float]:
    """Logarithms of resistances at 1/T = x, from rows at falling 1/T.

    Inside: a parabola through the three nearest rows (a sum of an ohmic and an activated part is
    bent in this plane), kept between its two neighbours. Outside: a straight line, Arrhenius' law,
    whose slope is the mean of the last secant and of the parabola's tangent at the last row.
    """
    n = len(inverse)
    high = 1
    while high < n - 1 and x < inverse[high]:
        high += 1
    low = high - 1
    outside = x > inverse[0] or x < inverse[-1]
    end = 0 if x > inverse[0] else n - 1
    third = None
    if n > 2:
        beyond = [k for k in (low - 1, high + 1) if 0 <= k < n]
        third = min(beyond, key=lambda k: abs(inverse[k] - x))
    found = []
    for column in range(len(logs[0])):
        a, b = logs[low][column], logs[high][column]
        secant = (b - a) / (inverse[high] - inverse[low])
        bend = 0.0
        if third is not None:
            other = (logs[third][column] - a) / (inverse[third] - inverse[low])
            bend = (other - secant) / (inverse[third] - inverse[high])
        if outside:
            reach = inverse[high] - inverse[low]
            tangent = secant + bend * (-reach if end == low else reach)
            slope = min(max(0.5 * (secant + tangent), 0.0), ACTIVATION_K_MAX)
            found.append(logs[end][column] + slope * (x - inverse[end]))
        else:
            line = a + secant * (x - inverse[low])
            curved = line + bend * (x - inverse[low]) * (x - inverse[high])
            found.append(min(max(curved, min(a, b)), max(a, b)))
    return found


def _on_grid(soc_pct: tuple[float, ...], values: tuple[float, ...]) -> list[float]:
    """Values at the points of the SOC grid: linear, and on along the end pieces."""
    row, k = [], 0
    for j in range(POINTS):
        x = 100.0 * (j - OFFSET) / GRID
        while k < len(soc_pct) - 2 and x > soc_pct[k + 1]:
            k += 1
        slope = (values[k + 1] - values[k]) / (soc_pct[k + 1] - soc_pct[k])
        row.append(values[k] + slope * (x - soc_pct[k]))
    return row
