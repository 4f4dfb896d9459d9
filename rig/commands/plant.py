"""`hil plant validate` and `hil plant fit`: a cell's model against what was measured."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from rig.errors import BenchFileError
from rig.plant.cell import FIRST_C, LAST_C
from rig.plant.cell_profile import Profile, read_profile
from rig.plant.cell_validate import SOC_HIGH_PCT, SOC_LOW_PCT, Course, Validation, validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rig.plant.cell import Chemistry

KNOTS = ("coarse", "fine")
FINE_PCT = tuple(5.0 * k for k in range(21))


def validate_file(
    file: Path, cell: str, temperature_c: float, capacity_ah: float | None, folder: Path | None
) -> Validation:
    """Judge a cell on a measured profile; result and plot go into `folder`.

    Raises BenchFileError for a bad input.
    """
    if not FIRST_C <= temperature_c <= LAST_C:
        raise BenchFileError(
            f"--temperature {temperature_c:g}; allowed: {FIRST_C:g} to {LAST_C:g} degC"
        )
    if capacity_ah is not None and not 0.0 < capacity_ah < 1e5:
        raise BenchFileError(f"--capacity-ah {capacity_ah:g}; allowed: above 0")
    if folder is not None:
        _make_folder(folder)
    profile = read_profile(file)
    try:
        result, course = validate(cell, profile, temperature_c, capacity_ah)
    except BenchFileError as error:
        raise BenchFileError(f"{file}: {error}") from error
    if folder is not None:
        (folder / "validation.json").write_text(as_json(result), encoding="utf-8")
        plot(profile, course, result, folder / "validation.png")
    return result


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchFileError(
            f"--out {folder}: {error.strerror}; allowed: a folder that can be written"
        ) from error
    if not os.access(folder, os.W_OK):
        raise BenchFileError(f"--out {folder}: is read-only; allowed: a folder that can be written")


def as_json(result: Validation) -> str:
    """For a machine."""
    return json.dumps({"passed": result.passed, **asdict(result)}, indent=1) + "\n"


def as_lines(result: Validation) -> list[str]:
    """For a reader."""
    bar = f"{result.bar_rms_mv:g} mV RMS"
    if result.bar_max_mv is not None:
        bar += f", {result.bar_max_mv:g} mV at most"
    verdict = "PASS" if result.passed else "FAIL"
    lines = [
        f"{verdict}: cell {result.cell} at "
        f"{result.temperature_c:g} degC: {result.rms_mv:.2f} mV RMS, "
        f"{result.max_mv:.1f} mV at most over SOC {SOC_LOW_PCT:g} to {SOC_HIGH_PCT:g} % "
        f"({result.rows} rows); bar: {bar}",
        f"capacity {result.capacity_ah:.4f} Ah, from {result.capacity_from}; "
        f"with the cell file's own: {result.rms_mv_cell_file:.2f} mV RMS",
    ]
    lines += [
        f"  {b.from_pct:3.0f} to {b.to_pct:3.0f} %  {b.rms_mv:6.2f} mV RMS  "
        f"{b.mean_mv:+6.2f} mV mean"
        for b in result.bands
    ]
    return lines


def plot(profile: Profile, course: Course, result: Validation, path: Path) -> None:
    """Voltage and error over time and SOC, as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    above, middle, below = figure.subplots(3, 1)
    hours = [t / 3600.0 for t in profile.time_s]
    errors = [1000.0 * (a - b) for a, b in zip(course.voltage_v, profile.voltage_v, strict=True)]
    above.plot(hours, profile.voltage_v, label="measured", linewidth=0.6, color="0.6")
    above.plot(hours, course.voltage_v, label="model", linewidth=0.6, color="tab:blue")
    above.set(xlabel="h", ylabel="V", title=as_lines(result)[0])
    above.title.set_fontsize(9)
    above.legend(loc="lower left")
    middle.plot(hours, errors, linewidth=0.4, color="tab:red")
    middle.set(xlabel="h", ylabel="model less measured, mV")
    below.plot(course.soc_pct, errors, linewidth=0.4, color="tab:red")
    below.set(xlabel="SOC, %", ylabel="model less measured, mV")
    for axes in (middle, below):
        low, high = min(errors), max(errors)
        limit = min(max(1.3 * result.max_mv, 20.0), max(abs(low), abs(high), 20.0))
        axes.set_ylim(-limit, limit)
        axes.grid(visible=True, linewidth=0.3)
    below.invert_xaxis()
    for edge in (SOC_LOW_PCT, SOC_HIGH_PCT):
        below.axvline(edge, color="0.4", linewidth=0.6, linestyle="--")
    figure.savefig(path, dpi=110)


def fit_folder(
    folder: Path,
    out: Path,
    settings: tuple[str, Chemistry, str, float, str],
    leave_out: Sequence[float],
) -> list[str]:
    """Write the cell file that follows a folder's measurements best; what came out, in lines.

    `settings`: name, chemistry, source, share of the sweeps' gap that is hysteresis, knots.
    Raises BenchFileError for a bad input.
    """
    name, chemistry, source, share, knots = settings
    if not folder.is_dir():
        raise BenchFileError(f"folder {folder}: no such folder; allowed: one with measurements")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK) or out.suffix != ".toml":
        raise BenchFileError(f"--out {out}; allowed: a .toml file in a folder that can be written")
    if not 0.0 <= share <= 1.0:
        raise BenchFileError(f"--hysteresis-share {share:g}; allowed: 0 to 1")
    if knots not in KNOTS:
        raise BenchFileError(f"--knots {knots}; allowed: {', '.join(KNOTS)}")
    # Only here: no other command waits for numpy.
    from rig.plant.cell_fit import KNOTS_PCT, FitSettings, as_toml, fit, read_measured

    measured = read_measured(folder, leave_out)
    parameters, fitted = fit(
        measured,
        FitSettings(
            name=name,
            chemistry=chemistry,
            source=source,
            hysteresis_share=share,
            knots_pct=FINE_PCT if knots == "fine" else KNOTS_PCT,
        ),
    )
    out.write_text(as_toml(parameters), encoding="utf-8")
    taus = f"{parameters.value('tau_1_s'):g} s and {parameters.value('tau_2_s'):g} s"
    return [
        *(
            f"{f.temperature_c:5g} degC: {f.rms_mv:.2f} mV RMS, capacity {f.capacity_ah:.4f} Ah"
            for f in fitted
        ),
        f"time constants {taus}; capacity {parameters.value('capacity_ah'):g} Ah",
        f"written: {out}",
    ]
