"""A cell's model against a measured profile: the kernel itself, driven by the measured current.

The cell begins full, at rest after a charge, and is held at the chamber's temperature: its own
warming is in the resistances, which were identified in the same way. Errors count where the
model's SOC is 5 to 95 %.

SOC needs the specimen's capacity, which differs by a per cent between cells and test days and is no
property of the model. Where a profile goes below 5 % its capacity is found there, from rows that
are not judged; the result also says what the cell file's own capacity gives.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rig.errors import BenchFileError
from rig.plant.cell import tables_of
from rig.plant.pack import Pack
from rig.plant.spec import ModuleSpec, PlantSpec

if TYPE_CHECKING:
    from rig.plant.cell_profile import Profile
    from rig.plant.kernel import Kernel

SOC_LOW_PCT, SOC_HIGH_PCT = 5.0, 95.0

# chosen: about 1.5 times what the structure reaches on the measured A123 cell.
RMS_MV_WARM, MAX_MV_WARM = 5.0, 50.0  # at 25 and 45 C
RMS_MV = 8.0  # at 5 C, and wherever the model has to interpolate or extrapolate
WARM_C = (25.0, 45.0)
BAND_PCT = 10

# The specimen's capacity less the cell file's, in %: tried in rounds, each about the best so far.
CAPACITY_ROUNDS_PCT = ((-3.0, -2.0, -1.0, 1.0, 2.0, 3.0), (-0.5, 0.5), (-0.25, 0.25))
TAIL_ROWS_MIN = 60  # chosen: fewer rows below 5 % say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The error inside a band of SOC."""

    from_pct: float
    to_pct: float
    rows: int
    mean_mv: float
    rms_mv: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What came out, and the bar that it is held against."""

    cell: str
    temperature_c: float
    rows: int  # inside 5 to 95 %
    soc_pct_end: float
    rms_mv: float
    max_mv: float
    rms_mv_all: float  # whatever the SOC
    capacity_ah: float  # the specimen's
    capacity_from: Literal["profile below 5 %", "cell file", "given"]
    rms_mv_cell_file: float  # with the cell file's own capacity
    bar_rms_mv: float
    bar_max_mv: float | None
    bands: tuple[Band, ...]

    @property
    def passed(self) -> bool:
        """Whether the model meets its bar."""
        within = self.bar_max_mv is None or self.max_mv <= self.bar_max_mv
        return within and self.rms_mv <= self.bar_rms_mv


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The model's way along the profile, row by row."""

    soc_pct: tuple[float, ...]
    voltage_v: tuple[float, ...]


def bar_of(temperature_c: float) -> tuple[float, float | None]:
    """RMS and maximum in mV that are allowed at this temperature; None: no maximum is set."""
    if any(abs(temperature_c - warm_c) < 0.5 for warm_c in WARM_C):
        return RMS_MV_WARM, MAX_MV_WARM
    return RMS_MV, None


def validate(
    cell: str,
    profile: Profile,
    temperature_c: float,
    capacity_ah: float | None = None,
    kernel: Kernel | None = None,
) -> tuple[Validation, Course]:
    """Drive the cell and judge it. `capacity_ah`: the specimen's, None to find it.

    Raises BenchFileError if the profile never is between 5 and 95 %.
    """
    own_ah = tables_of(cell).parameters.value("capacity_ah")
    plain = run_cell(cell, profile, temperature_c, kernel=kernel)
    course, pct = plain, 100.0
    source: Literal["profile below 5 %", "cell file", "given"] = "cell file"
    if capacity_ah is not None:
        pct, source = 100.0 * capacity_ah / own_ah, "given"
        course = run_cell(cell, profile, temperature_c, pct, kernel)
    elif _tail_error(profile, plain) is not None:
        source = "profile below 5 %"
        tried = {pct: (_tail_error(profile, plain), plain)}
        for offsets in CAPACITY_ROUNDS_PCT:
            for offset in offsets:
                way = run_cell(cell, profile, temperature_c, pct + offset, kernel)
                tried[pct + offset] = (_tail_error(profile, way), way)
            # A capacity at which nothing lies below 5 % says nothing.
            errors = {p: error for p, (error, _) in tried.items() if error is not None}
            pct = min(errors, key=lambda p: (errors[p], p))
        course = tried[pct][1]
    plain_rms_mv = _rms([error for _, error in _inside(profile, plain)] or [math.nan])
    return compare(
        cell, profile, course, temperature_c, (own_ah * pct / 100.0, source, plain_rms_mv)
    ), course


def _tail_error(profile: Profile, course: Course) -> float | None:
    """Median error in V below 5 %; None if the profile does not go there for a minute of rows."""
    errors = sorted(
        abs(model - measured)
        for model, measured, soc in zip(
            course.voltage_v, profile.voltage_v, course.soc_pct, strict=True
        )
        if soc < SOC_LOW_PCT
    )
    return errors[len(errors) // 2] if len(errors) >= TAIL_ROWS_MIN else None


def run_cell(
    cell: str,
    profile: Profile,
    temperature_c: float,
    capacity_pct: float = 100.0,
    kernel: Kernel | None = None,
) -> Course:
    """Drive one cell through a profile, from full. `kernel`: None for this process's own."""
    tables = tables_of(cell)
    module = ModuleSpec(
        chemistry=tables.parameters.chemistry,
        cells=1,
        capacity_ah=tables.parameters.value("capacity_ah"),
        cell=cell,
        capacity_pct=capacity_pct,
    )
    spec = PlantSpec(module=module, soc_pct=100.0, temperature_c=temperature_c)
    pack = Pack(spec, random.Random(1), lambda: None, kernel)
    (window,) = pack.modules
    window.hold_temperature()
    window.set_cell_soc(0, 100.0, hysteresis=1.0)
    socs, volts = [], []
    times, currents = profile.time_s, profile.current_a
    last = len(times) - 1
    for row, ampere in enumerate(currents):
        pack.now()
        pack.settle(ampere)
        socs.append(window.cell_soc(0))
        volts.append(window.cell_voltage_v(0))
        if row < last:
            pack.move(ampere, times[row + 1] - times[row])
    return Course(soc_pct=tuple(socs), voltage_v=tuple(volts))


def compare(
    cell: str,
    profile: Profile,
    course: Course,
    temperature_c: float,
    capacity: tuple[float, Literal["profile below 5 %", "cell file", "given"], float],
) -> Validation:
    """Judge a course. `capacity`: the specimen's, from where, RMS with the cell file's own.

    Raises BenchFileError if the profile never is between 5 and 95 %.
    """
    inside = _inside(profile, course)
    if not inside:
        raise BenchFileError(
            f"profile: SOC goes from 100 to {min(course.soc_pct):.1f} %; "
            "allowed: a profile from full that comes below 95 %"
        )
    errors = [
        1000.0 * (model - measured)
        for model, measured in zip(course.voltage_v, profile.voltage_v, strict=True)
    ]
    bar_rms_mv, bar_max_mv = bar_of(temperature_c)
    return Validation(
        cell=cell,
        temperature_c=temperature_c,
        rows=len(inside),
        soc_pct_end=course.soc_pct[-1],
        rms_mv=_rms([error for _, error in inside]),
        max_mv=max(abs(error) for _, error in inside),
        rms_mv_all=_rms(errors),
        capacity_ah=capacity[0],
        capacity_from=capacity[1],
        rms_mv_cell_file=capacity[2],
        bar_rms_mv=bar_rms_mv,
        bar_max_mv=bar_max_mv,
        bands=tuple(_bands(inside)),
    )


def _inside(profile: Profile, course: Course) -> list[tuple[float, float]]:
    """SOC in % and error in mV of the rows that are judged."""
    return [
        (soc, 1000.0 * (model - measured))
        for soc, model, measured in zip(
            course.soc_pct, course.voltage_v, profile.voltage_v, strict=True
        )
        if SOC_LOW_PCT <= soc <= SOC_HIGH_PCT
    ]


def _bands(inside: list[tuple[float, float]]) -> list[Band]:
    bands = []
    for start in range(5, 95, BAND_PCT):
        part = [error for soc, error in inside if start <= soc < start + BAND_PCT]
        if part:
            bands.append(
                Band(
                    from_pct=float(start),
                    to_pct=float(start + BAND_PCT),
                    rows=len(part),
                    mean_mv=math.fsum(part) / len(part),
                    rms_mv=_rms(part),
                )
            )
    return bands


def _rms(values: list[float]) -> float:
    return math.sqrt(math.fsum(x * x for x in values) / len(values))
