"""Ratings and ranges of the Chroma 63206A-150-600."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

MAXIMUM_V, MAXIMUM_A, MAXIMUM_W, MAXIMUM_OHM = 150.0, 600.0, 6000.0, 1000.0
MODES = tuple(f"{mode}{span}" for mode in ("CC", "CR", "CV", "CP", "CCD") for span in "LMH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One of the three ranges: where each quantity ends in it, steps and slew of the current."""

    current_a: float
    voltage_v: float
    power_w: float
    current_step_a: float
    slew_a_per_us_min: float
    slew_a_per_us_max: float

    def end(self, kind: str) -> float:
        """The upper end of a quantity in this range; a resistance has one for all, chosen."""
        ends = {"VOLT": self.voltage_v, "POW": self.power_w, "RES": math.inf}
        return ends.get(kind, self.current_a)

    def is_current(self, kind: str) -> bool:
        """Whether a quantity is set in amperes."""
        return kind in {"CURR", "DYN"}


# Currents, their steps and slews, and voltages: the data sheet. Powers: chosen, as the currents go.
RANGES: Mapping[str, Range] = {
    "L": Range(
        current_a=60.0,
        voltage_v=16.0,
        power_w=600.0,
        current_step_a=0.0005,
        slew_a_per_us_min=0.0005,
        slew_a_per_us_max=6.0,
    ),
    "M": Range(
        current_a=300.0,
        voltage_v=80.0,
        power_w=3000.0,
        current_step_a=0.002,
        slew_a_per_us_min=0.002,
        slew_a_per_us_max=21.0,
    ),
    "H": Range(
        current_a=MAXIMUM_A,
        voltage_v=MAXIMUM_V,
        power_w=MAXIMUM_W,
        current_step_a=0.005,
        slew_a_per_us_min=0.005,
        slew_a_per_us_max=42.0,
    ),
}


def clamp(value: float, low: float, high: float) -> float:
    """The nearest value within these ends."""
    return min(max(value, low), high)


def number(value: float) -> str:
    """A number as the model answers it."""
    return f"{value:.4f}"
