"""One battery cell's parameters: open-circuit voltage and resistances, each with its basis.

The cell is an equivalent circuit: open-circuit voltage over SOC, a series resistance R0 and one RC
pair whose target resistance grows near full (under charge) and near empty (under discharge).
Resistances scale with 1/capacity, so they are given as ohm ampere-hours.
SOC may leave 0..100 %: 100 % is the cell at rest at the end of an ordinary charge, not the point
where it is destroyed. Tables are linear between knots and sampled on one uniform grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Chemistry = Literal["LFP", "NMC"]
Knots = tuple[tuple[float, float], ...]
Lines = list[tuple[float, float, float, float]]

SOC_MIN = -0.10
SOC_MAX = 1.10
GRID = 200.0  # segments for each unit of SOC: 0.5 % wide, finer than any knot below
OFFSET = 20.0  # -SOC_MIN * GRID, exact in binary
LAST = 239  # index of the last segment

REFERENCE_TEMPERATURE_C = 25.0
KELVIN_AT_0_C = 273.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number with its unit and what it rests on: stated, public, derived or chosen."""

    value: float
    unit: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Knots (SOC in %, value) with their basis."""

    knots: Knots
    unit: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellParameters:
    """All that distinguishes one chemistry; for one cell (or parallel cell group)."""

    ocv_v: Curve
    r0_soc_factor: Curve
    charge_polarisation: Curve
    discharge_polarisation: Curve
    r0_ohm_ah: Parameter
    r1_ohm_ah: Parameter
    tau_s: Parameter
    activation_k: Parameter
    heat_capacity_j_per_k_ah: Parameter


_LIION_R0_OVER_SOC = Curve(
    knots=((-10, 1.5), (0, 1.28), (10, 1.08), (20, 1.0), (80, 1.0), (90, 1.08), (100, 1.28)),
    unit="1",
    basis="ends +28 % over mid-SOC: public, PyBaMM ECM example; shape between: chosen, smooth",
)
_ARRHENIUS = Parameter(
    value=2400.0,
    unit="K",
    basis="derived: fits PyBaMM's ECM factors 3.65, 1.82, 1, 0.59 at -20, 0, 20, 40 C to 2 %",
)
_TAU = Parameter(value=30.0, unit="s", basis="public: PyBaMM ECM example, at all temperatures")

LFP = CellParameters(
    ocv_v=Curve(
        knots=(
            *((-10, 0.05), (-5, 0.2), (-3, 1.4), (-2.5, 1.8), (-2, 2.2), (-1.5, 2.54)),
            *((-1, 2.69), (-0.5, 2.775), (0, 2.833), (1, 2.925), (2, 2.983), (3, 3.031)),
            *((4, 3.075), (5, 3.132), (10, 3.177), (15, 3.190), (20, 3.213), (25, 3.226)),
            *((30, 3.240), (35, 3.252), (40, 3.262), (45, 3.264), (50, 3.265), (55, 3.268)),
            *((60, 3.271), (65, 3.275), (70, 3.283), (75, 3.296), (80, 3.304), (85, 3.308)),
            *((90, 3.309), (95, 3.314), (97, 3.322), (98, 3.332), (99, 3.352), (100, 3.392)),
            *((101, 3.398), (102, 3.408), (103, 3.430), (104, 3.473), (105, 3.55)),
            *((106, 3.70), (107, 4.0), (110, 6.0)),
        ),
        unit="V",
        basis="0..100 % in 5 % steps: public, 25 C table of a prismatic LFP cell; knee below 5 %: "
        "shape of the measured A123 C/27 sweeps, shifted to meet that table; rise above 97 %: "
        "chosen, 2/3 of it in the last 2 %; above 100 % and below -2 %: chosen, a cell rests near "
        "3.4 V after an ordinary charge and runs steeply away when truly overcharged",
    ),
    r0_soc_factor=_LIION_R0_OVER_SOC,
    charge_polarisation=Curve(
        knots=(
            *((-10, 1.0), (97, 1.0), (98, 2.0), (99, 6.0), (100, 16.0), (101, 60.0)),
            *((102, 150.0), (110, 150.0)),
        ),
        unit="1",
        basis="chosen: 3.52 V a cell is met under charge only, at 100 % at 0.3C and 101 % at 0.1C; "
        "at constant voltage the current tails off; the cell falls below 3.44 V within minutes",
    ),
    discharge_polarisation=Curve(
        knots=((-10, 8.0), (-1, 8.0), (0, 5.0), (2, 2.0), (5, 1.0), (110, 1.0)),
        unit="1",
        basis="chosen: a cell at 0.2C is below 2.8 V at 0 %, and recovers at rest",
    ),
    r0_ohm_ah=Parameter(
        value=0.050,
        unit="ohm Ah",
        basis="derived from public data sheets: 12.8 V 100 Ah 2 mohm, 51.2 V 100 Ah 8 mohm",
    ),
    r1_ohm_ah=Parameter(
        value=0.030,
        unit="ohm Ah",
        basis="chosen: with R0 a 1C plateau sag of 80 mV, as measured LFP cells show",
    ),
    tau_s=_TAU,
    activation_k=_ARRHENIUS,
    heat_capacity_j_per_k_ah=Parameter(
        value=21.0,
        unit="J/(K Ah)",
        basis="derived: 5.4 kg a 280 Ah cell at 1000 J/(kg K), public; +10 % for the case: chosen",
    ),
)

NMC = CellParameters(
    ocv_v=Curve(
        knots=(
            *((-10, 0.05), (-5, 0.6), (-2, 2.0), (-1, 2.5), (0, 2.800), (1, 3.10), (2, 3.30)),
            *((3, 3.43), (4, 3.52), (5, 3.588), (10, 3.684), (15, 3.702), (20, 3.726)),
            *((25, 3.745), (30, 3.764), (35, 3.787), (40, 3.803), (45, 3.819), (50, 3.838)),
            *((55, 3.858), (60, 3.883), (65, 3.924), (70, 3.962), (75, 3.993), (80, 4.026)),
            *((85, 4.056), (90, 4.089), (95, 4.135), (100, 4.198), (102, 4.24), (105, 4.33)),
            (110, 4.6),
        ),
        unit="V",
        basis="0..100 % in 5 % steps: public, 25 C table of an NMC cell; knee below 5 %, and all "
        "outside 0..100 %: chosen, monotone and steepening",
    ),
    r0_soc_factor=_LIION_R0_OVER_SOC,
    charge_polarisation=Curve(
        knots=((-10, 1.0), (95, 1.0), (100, 1.5), (110, 2.0)),
        unit="1",
        basis="chosen: mild, the open-circuit voltage itself is steep enough near full",
    ),
    discharge_polarisation=Curve(
        knots=((-10, 4.0), (0, 4.0), (5, 1.5), (10, 1.0), (110, 1.0)),
        unit="1",
        basis="chosen: the knee under load, and recovery at rest",
    ),
    r0_ohm_ah=Parameter(
        value=0.053,
        unit="ohm Ah",
        basis="derived: 0.75 mohm a 176 Ah cell group (maker's heat table), split 0.46 : 0.68",
    ),
    r1_ohm_ah=Parameter(
        value=0.079,
        unit="ohm Ah",
        basis="derived: the rest of the same 0.75 mohm; ratio of PyBaMM's ECM example",
    ),
    tau_s=_TAU,
    activation_k=_ARRHENIUS,
    heat_capacity_j_per_k_ah=Parameter(
        value=22.0,
        unit="J/(K Ah)",
        basis="derived: HE100 15.7 kg for 7 groups of 100 Ah, public, at 1000 J/(kg K)",
    ),
)

PARAMETERS: dict[Chemistry, CellParameters] = {"LFP": LFP, "NMC": NMC}


class CellTables:
    """One chemistry's curves on the uniform grid, ready for the inner loop.

    Segment j covers SOC (j - OFFSET)/GRID to (j + 1 - OFFSET)/GRID. `lines[j]` is (ocv0, ocv1, r0,
    r1): OCV = ocv0 + ocv1*soc and the R0 factor = r0 + r1*soc, soc as a fraction. The polarisation
    tables hold two coefficients each.
    """

    __slots__ = ("charge", "discharge", "lines")

    def __init__(self, parameters: CellParameters) -> None:
        ocv = _on_grid(parameters.ocv_v.knots)
        r0 = _on_grid(parameters.r0_soc_factor.knots)
        self.lines: Lines = [(*a, *b) for a, b in zip(ocv, r0, strict=True)]
        self.charge = _on_grid(parameters.charge_polarisation.knots)
        self.discharge = _on_grid(parameters.discharge_polarisation.knots)

    def ocv_v(self, soc: float) -> float:
        """The rest voltage at this SOC (fraction)."""
        base, slope, _, _ = self.lines[segment(soc)]
        return base + slope * soc

    def soc_at_rest_voltage(self, voltage_v: float) -> float:
        """The SOC (fraction) at which the cell rests at this voltage.

        Raises ValueError outside the table.
        """
        for j, (base, slope, _, _) in enumerate(self.lines):
            soc = (voltage_v - base) / slope
            low, high = (j - OFFSET) / GRID, (j + 1 - OFFSET) / GRID
            if low - 1e-9 <= soc <= high + 1e-9:
                return soc
        low_v, high_v = self.ocv_v(SOC_MIN), self.ocv_v(SOC_MAX)
        raise ValueError(f"rest voltage {voltage_v} V: expected {low_v:.2f} to {high_v:.2f} V")


def segment(soc: float) -> int:
    """The grid segment of this SOC (fraction); the end segments extend beyond the table."""
    return min(max(int(soc * GRID + OFFSET), 0), LAST)


def temperature_factor(parameters: CellParameters, temperature_c: float) -> float:
    """By how much R0 and R1 exceed their value at 25 C."""
    reference = 1.0 / (REFERENCE_TEMPERATURE_C + KELVIN_AT_0_C)
    now = 1.0 / (temperature_c + KELVIN_AT_0_C)
    return math.exp(parameters.activation_k.value * (now - reference))


def _on_grid(knots: Knots) -> list[tuple[float, float]]:
    points = [_interpolate(knots, 100.0 * (j - OFFSET) / GRID) for j in range(LAST + 2)]
    lines = []
    for j in range(LAST + 1):
        slope = (points[j + 1] - points[j]) * GRID
        lines.append((points[j] - slope * (j - OFFSET) / GRID, slope))
    return lines


def _interpolate(knots: Knots, x: float) -> float:
    for (x0, y0), (x1, y1) in pairwise(knots):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    (x0, y0), (x1, y1) = knots[-2:]
    return y1 + (y1 - y0) / (x1 - x0) * (x - x1)


TABLES: dict[Chemistry, CellTables] = {
    "LFP": CellTables(LFP),
    "NMC": CellTables(NMC),
}
