"""A cell file from measurements: slow sweeps give the rest voltage, a profile the resistances.

Variable projection: with time constants fixed, all resistances (at knots over SOC) enter linearly,
so they are one least-squares problem with non-negative unknowns; the time constants are tried on a
grid, common to all temperatures. The capacity of each profile's cell is sought too, and lies in the
rest
voltage's table, as a stretch of it: the model has one capacity. Never in the hot path; numpy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import BenchFileError
from rig.plant.cell import CellParameters, Chemistry, Curve, Parameter
from rig.plant.cell_profile import Profile, Sweep, read_profile, read_sweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

KNOTS_PCT: tuple[float, ...] = (0.0, 5.0, 10.0, 15.0, 25.0, 40.0, 55.0, 70.0, 85.0, 95.0, 100.0)
FITTED_PCT = (3.0, 97.0)  # chosen: a little more than what is judged
TAU_1_S = (8.0, 15.0, 30.0, 45.0)
TAU_2_S = (120.0, 250.0, 500.0, 1000.0, 2000.0, 3000.0)
# Tried, as parts of the sweep's, less one.
CAPACITIES = tuple(k / 400 for k in range(-18, 5))
SMOOTHING_OHM = 0.003  # chosen: what a bend of 1 ohm between three knots costs, in volt RMS
FLOOR = 0.02  # chosen: of a branch's median; a resistance of 0 has no logarithm
BLOCK = 128
HYSTERESIS_PER_SOC = 15.0
EPSILON = 1e-12
BRANCHES = (
    "r0_ohm_ah",
    "r1_charge_ohm_ah",
    "r1_discharge_ohm_ah",
    "r2_charge_ohm_ah",
    "r2_discharge_ohm_ah",
)
# By how much the rest voltage rises from 100 to 110 %: chosen, an overcharged LFP cell runs away.
OVERCHARGE_V: dict[Chemistry, float] = {"LFP": 2.5, "NMC": 0.4}
HEAT_J_PER_K_AH: dict[Chemistry, tuple[float, str]] = {
    "LFP": (33.0, "derived: a 26650 of 76 g and 2.3 Ah at 1000 J/(kg K)"),
    "NMC": (14.0, "derived: a 21700 of 68 g and 5 Ah at 1000 J/(kg K)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that is known at one temperature."""

    temperature_c: float
    profile: Profile
    discharge: Sweep
    charge: Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """What is chosen before a fit."""

    name: str
    chemistry: Chemistry
    source: str
    hysteresis_share: float = 0.5  # of the gap between the sweeps; the rest is polarisation
    pairs: int = 2  # RC pairs; 0 for what R0 alone can do
    by_direction: bool = False  # whether RC resistances differ between charge and discharge
    knots_pct: tuple[float, ...] = KNOTS_PCT
    taus_s: tuple[float, float] | None = None  # None: the best of the grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What one temperature gave."""

    temperature_c: float
    capacity_ah: float
    rms_mv: float
    ohm: tuple[tuple[float, ...], ...]  # at the knots, in the order of BRANCHES


def read_measured(folder: Path, leave_out: Sequence[float] = ()) -> list[Measured]:
    """All temperatures of a folder, coldest first. Raises BenchFileError if there is none."""
    found = []
    for path in sorted(folder.glob("dynamic_*degC.csv*")):
        label = path.name.removeprefix("dynamic_").partition("degC")[0]
        try:
            temperature_c = float(label)
        except ValueError as error:
            allowed = "allowed: dynamic_<temperature>degC.csv or .csv.gz"
            raise BenchFileError(f"profile {path}: temperature {label!r}; {allowed}") from error
        if temperature_c in leave_out:
            continue
        found.append(
            Measured(
                temperature_c=temperature_c,
                profile=read_profile(path),
                discharge=read_sweep(folder / f"ocv_discharge_{label}degC.csv"),
                charge=read_sweep(folder / f"ocv_charge_{label}degC.csv"),
            )
        )
    if not found:
        raise BenchFileError(
            f"folder {folder}: no profile; allowed: a folder with dynamic_<T>degC.csv(.gz), "
            "ocv_discharge_<T>degC.csv and ocv_charge_<T>degC.csv"
        )
    return sorted(found, key=lambda m: m.temperature_c)


def fit(measured: Sequence[Measured], settings: FitSettings) -> tuple[CellParameters, list[Fitted]]:
    """The parameters that follow these measurements best, and how well at each temperature."""
    problems = [_Problem(m, settings) for m in measured]
    sweep_ah = float(np.mean([m.discharge.charge_ah[-1] for m in measured]))
    first, second = TAU_1_S[2], TAU_2_S[-2]
    taus = settings.taus_s
    if taus is None:
        capacities = [_capacity(problem, (first, second)) for problem in problems]
        taus = _time_constants(problems, capacities)
    capacities = [_capacity(problem, taus) for problem in problems]
    fitted = []
    for problem, capacity_ah in zip(problems, capacities, strict=True):
        rms_v, ohm = problem.solve(capacity_ah, taus)
        fitted.append(
            Fitted(
                temperature_c=problem.measured.temperature_c,
                capacity_ah=capacity_ah,
                rms_mv=1000.0 * rms_v,
                ohm=tuple(tuple(float(r) for r in row) for row in ohm),
            )
        )
    return _parameters(problems, fitted, taus, settings, sweep_ah), fitted


def _capacity(problem: _Problem, taus: tuple[float, float]) -> float:
    """The capacity of this profile's cell: that at which the model follows best."""
    sweep_ah = problem.measured.discharge.charge_ah[-1]
    tried = [
        (problem.solve(sweep_ah * (1.0 + x), taus)[0], sweep_ah * (1.0 + x)) for x in CAPACITIES
    ]
    return min(tried)[1]


def _time_constants(problems: list[_Problem], capacities: list[float]) -> tuple[float, float]:
    if problems[0].settings.pairs == 0:
        return TAU_1_S[0], TAU_2_S[0]
    tried = []
    for tau_1_s in TAU_1_S:
        for tau_2_s in TAU_2_S:
            taus = (tau_1_s, tau_2_s)
            pairs = zip(problems, capacities, strict=True)
            worst = math.fsum(p.solve(capacity, taus)[0] ** 2 for p, capacity in pairs)
            tried.append((worst, taus))
    return min(tried)[1]


class _Problem:
    """The least-squares problem of one temperature."""

    def __init__(self, measured: Measured, settings: FitSettings) -> None:
        self.measured, self.settings = measured, settings
        profile = measured.profile
        times = np.array(profile.time_s)
        self._row_s = float(times[1] - times[0])
        if not np.allclose(np.diff(times), self._row_s, rtol=1e-6, atol=1e-6):
            at = measured.temperature_c
            raise BenchFileError(f"profile at {at:g} degC: time_s; allowed: rows evenly apart")
        self._current = np.array(profile.current_a)
        self._kept: dict[float, list[Array]] = {}
        self._kept_for_ah = math.nan
        self._voltage = np.array(profile.voltage_v)
        self.soc = np.linspace(0.0, 1.0, 401)
        down, up = measured.discharge, measured.charge
        gone = np.array(down.charge_ah) / down.charge_ah[-1]
        come = np.array(up.charge_ah) / up.charge_ah[-1]
        falling = np.interp(self.soc, (1.0 - gone)[::-1], np.array(down.voltage_v)[::-1])
        rising = np.interp(self.soc, come, np.array(up.voltage_v))
        self.rest = 0.5 * (falling + rising)
        self.gap = settings.hysteresis_share * 0.5 * (rising - falling)

    def solve(self, capacity_ah: float, taus: tuple[float, float]) -> tuple[float, Array]:
        """RMS error in V, and at the knots R0, R1, R2 (each twice, if by direction)."""
        current, settings = self._current, self.settings
        moved = np.concatenate([[0.0], np.cumsum(current[:-1])]) * self._row_s / 3600.0
        soc = 1.0 + moved / capacity_ah
        inside = (soc > FITTED_PCT[0] / 100.0) & (soc < FITTED_PCT[1] / 100.0)
        hats = _hats(soc, settings.knots_pct)
        parts = [current[:, None] * hats]
        for tau_s in taus[: settings.pairs]:
            parts += self._branches(capacity_ah, tau_s, hats)
        swing = _hysteresis(np.abs(current) * self._row_s / 3600.0 / capacity_ah, np.sign(current))
        known = np.interp(soc, self.soc, self.rest) + np.interp(soc, self.soc, self.gap) * swing
        matrix = np.concatenate(parts, axis=1)[inside]
        target = (self._voltage - known)[inside]
        rows = len(target)
        bends = (
            np.diff(np.eye(len(settings.knots_pct)), 2, axis=0) * SMOOTHING_OHM * math.sqrt(rows)
        )
        smooth = np.kron(np.eye(len(parts)), bends)
        found = non_negative(matrix.T @ matrix + smooth.T @ smooth, matrix.T @ target)
        errors = matrix @ found - target
        return float(np.sqrt(np.mean(errors**2))), found.reshape(len(parts), -1)

    def _branches(self, capacity_ah: float, tau_s: float, hats: Array) -> list[Array]:
        """What an RC pair of 1 ohm at each knot would do; kept for the next solution."""
        if capacity_ah != self._kept_for_ah:
            self._kept.clear()
            self._kept_for_ah = capacity_ah
        if tau_s not in self._kept:
            flows = [self._current]
            if self.settings.by_direction:
                flows = [np.maximum(self._current, 0.0), np.minimum(self._current, 0.0)]
            self._kept[tau_s] = [
                _filtered(flow[:, None] * hats, self._row_s, tau_s) for flow in flows
            ]
        return self._kept[tau_s]


def _hats(soc: Array, knots_pct: Sequence[float]) -> Array:
    """How much each knot counts at each SOC: linear between knots."""
    knots = np.array(knots_pct) / 100.0
    return np.stack([np.interp(soc, knots, row) for row in np.eye(len(knots))], axis=1)


def _filtered(values: Array, row_s: float, tau_s: float) -> Array:
    """Each column through an RC pair of 1 ohm: v[k+1] = e*v[k] + (1 - e)*values[k], v[0] = 0."""
    keep = math.exp(-row_s / tau_s)
    powers = keep ** np.arange(BLOCK + 1)
    lags = np.arange(BLOCK)[:, None] - np.arange(BLOCK)[None, :]
    inside = np.where(lags >= 0, powers[np.clip(lags, 0, BLOCK)], 0.0) * (1.0 - keep)
    out = np.zeros((len(values) + 1, values.shape[1]))
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        n = len(block)
        out[start + 1 : start + n + 1] = (
            inside[:n, :n] @ block + powers[1 : n + 1, None] * out[start][None, :]
        )
    return out[:-1]


def _hysteresis(swings: Array, signs: Array) -> Array:
    """The hysteresis state at each row, from after a charge."""
    fades = np.exp(-HYSTERESIS_PER_SOC * swings)
    state, out = 1.0, np.empty(len(swings))
    for k, (fade, sign) in enumerate(zip(fades.tolist(), signs.tolist(), strict=True)):
        out[k] = state
        state = sign + (state - sign) * fade if sign else state
    return out


def non_negative(gram: Array, right: Array) -> Array:
    """The x >= 0 that minimises x'Gx/2 - r'x, by Lawson and Hanson's active set."""
    n = len(right)
    ridge = gram + EPSILON * float(np.trace(gram)) / n * np.eye(n)
    x, free = np.zeros(n), np.zeros(n, dtype=bool)
    tolerance = 1e-9 * float(np.max(np.abs(right)))
    for _ in range(10 * n):
        slope = np.where(free, -np.inf, right - ridge @ x)
        k = int(np.argmax(slope))
        if slope[k] <= tolerance:
            break
        free[k] = True
        while True:
            trial = np.zeros(n)
            trial[free] = np.linalg.solve(ridge[np.ix_(free, free)], right[free])
            if np.all(trial[free] > 0.0):
                x = trial
                break
            bad = free & (trial <= 0.0)
            step = float(np.min(x[bad] / (x[bad] - trial[bad])))
            x = x + step * (trial - x)
            free &= x > 1e-15
            x[~free] = 0.0
            if not free.any():
                break
    return x


def _parameters(
    problems: list[_Problem],
    fitted: list[Fitted],
    taus: tuple[float, float],
    settings: FitSettings,
    sweep_ah: float,
) -> CellParameters:
    capacity_ah = float(np.mean([f.capacity_ah for f in fitted]))
    temperatures = tuple(f.temperature_c for f in fitted)
    at = ", ".join(f"{f.temperature_c:g} C {f.capacity_ah:.4f} Ah" for f in fitted)
    grid = np.concatenate([np.arange(0.0, 10.0, 0.5), np.arange(10.0, 100.5, 1.0)])
    above_v = OVERCHARGE_V[settings.chemistry]
    heat, heat_basis = HEAT_J_PER_K_AH[settings.chemistry]
    rests, gaps = [], []
    for problem, one in zip(problems, fitted, strict=True):
        stretched = 1.0 - (1.0 - grid / 100.0) * capacity_ah / one.capacity_ah
        rest = np.interp(stretched, problem.soc, problem.rest)
        # Below the swept range the curve goes on falling, so that it has an inverse everywhere.
        rest += np.minimum(stretched, 0.0) * 20.0
        rests.append((0.05, *np.round(rest, 5).tolist(), float(np.round(rest[-1] + above_v, 5))))
        gaps.append(
            (0.0, *np.round(np.interp(stretched, problem.soc, problem.gap), 5).tolist(), 0.0)
        )
    source = settings.source

    def over_soc(values: list[tuple[float, ...]], unit: str, basis: str, axis: Array) -> Curve:
        soc = (-10.0, *axis.tolist(), 110.0)
        return Curve(
            soc_pct=soc,
            temperature_c=temperatures,
            values=tuple(values),
            unit=unit,
            basis=basis,
        )

    curves = {
        "ocv_v": over_soc(
            rests,
            "V",
            f"derived: mean of slow charge and discharge; {source}. SOC of one capacity; the "
            f"profiles' cells have {at}. Outside 0..100 %: chosen, steep",
            grid,
        ),
        "hysteresis_v": over_soc(
            gaps,
            "V",
            f"derived: {settings.hysteresis_share:g} of the half gap between slow charge and "
            f"discharge; {source}. The rest of the gap is taken as polarisation: chosen",
            grid,
        ),
    }
    knots = np.array(settings.knots_pct)
    for name in BRANCHES:
        rows = []
        for one in fitted:
            here = _branch(one.ohm, name, by_direction=settings.by_direction)
            least = max(FLOOR * float(np.median(here)), 1e-9)
            row = [float(f"{max(r, least) * capacity_ah:.6g}") for r in here]
            rows.append((row[0], *row, row[-1]))
        curves[name] = over_soc(
            rows,
            "ohm Ah",
            f"derived: fitted to the profile between {FITTED_PCT[0]:g} and {FITTED_PCT[1]:g} %, "
            f"not below {FLOOR:g} of the median; {source}. Outside 0..100 %: chosen, held",
            knots,
        )
    fit_basis = f"derived: best of a grid, common to all temperatures; {source}"
    if settings.taus_s is not None:
        fit_basis = "chosen: given to the fit"
    gamma = HYSTERESIS_PER_SOC if settings.hysteresis_share > 0.0 else 0.0
    scalars = {
        "tau_1_s": Parameter(value=taus[0], unit="s", basis=fit_basis),
        "tau_2_s": Parameter(value=taus[1], unit="s", basis=fit_basis),
        "hysteresis_per_soc": Parameter(
            value=gamma, unit="1", basis="chosen: the branch is decided after some 7 % of SOC"
        ),
        "coulombic_efficiency": Parameter(
            value=1.0, unit="1", basis="chosen: the profiles' capacities take up what is lost"
        ),
        "self_discharge_pct_per_month": Parameter(
            value=0.0, unit="%", basis="chosen: a profile lasts hours"
        ),
        "activation_k": Parameter(
            value=2400.0,
            unit="K",
            basis="derived: PyBaMM's ECM example; used only if there is one temperature",
        ),
        "heat_capacity_j_per_k_ah": Parameter(value=heat, unit="J/(K Ah)", basis=heat_basis),
        "capacity_ah": Parameter(
            value=float(f"{capacity_ah:.5g}"),
            unit="Ah",
            basis=f"derived: mean of the profiles' ({at}); a C/27 sweep gives {sweep_ah:.4f}",
        ),
    }
    return CellParameters(
        name=settings.name,
        chemistry=settings.chemistry,
        description=f"Fitted: {source}.",
        curves=curves,
        scalars=scalars,
    )


def _branch(
    ohm: tuple[tuple[float, ...], ...], name: str, *, by_direction: bool
) -> tuple[float, ...]:
    """The row of this branch; zeros if the fit had no such RC pair."""
    index = BRANCHES.index(name)
    row = index if by_direction else (index + 1) // 2
    return ohm[row] if row < len(ohm) else (0.0,) * len(ohm[0])


def as_toml(parameters: CellParameters) -> str:
    """A cell file's text."""
    lines = [
        "# A cell's numbers, each with what it rests on. Written by `hil plant fit`.",
        f'name = "{parameters.name}"',
        f'chemistry = "{parameters.chemistry}"',
        f'description = """{parameters.description}"""',
    ]
    for name, curve in parameters.curves.items():
        other = name.replace("discharge", "charge")
        if other != name and parameters.curves.get(other) == curve:
            continue
        lines += ["", f"[curves.{name}]", f'unit = "{curve.unit}"', f'basis = """{curve.basis}"""']
        lines += [f"temperature_c = {list(curve.temperature_c)}", "soc_pct = ["]
        lines += [*_wrapped(curve.soc_pct), "]", "values = ["]
        for row in curve.values:
            lines += ["  [", *_wrapped(row), "  ],"]
        lines.append("]")
    for name, scalar in parameters.scalars.items():
        lines += ["", f"[scalars.{name}]", f"value = {scalar.value}", f'unit = "{scalar.unit}"']
        lines.append(f'basis = """{scalar.basis}"""')
    return "\n".join(lines) + "\n"


def _wrapped(values: Sequence[float], a_line: int = 12) -> list[str]:
    starts = range(0, len(values), a_line)
    return ["    " + " ".join(f"{x:.6g}," for x in values[s : s + a_line]) for s in starts]
