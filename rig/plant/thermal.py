"""A module's thermal numbers, and what its temperature sensors read.

The temperatures themselves are the kernel's: each cell exchanges heat with the mean of its module,
the module with the ambient (more with a running fan), each terminal's lug with the mean. The
numbers are chosen: no public data on fans or terminals exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.cell import Parameter

if TYPE_CHECKING:
    import random

AMBIENT_W_PER_K = Parameter(
    value=1.5,
    unit="W/K",
    basis="chosen: 0.3 m2 of case at 5 W/(m2 K), still air",
)
FAN_FACTOR = Parameter(
    value=4.0,
    unit="1",
    basis="chosen: forced air at 20 W/(m2 K); a fan must show within minutes at 0.5C",
)
EXCHANGE_W_PER_K = Parameter(
    value=5.0,
    unit="W/K",
    basis="chosen: 0.07 m2 of two faces over 2 mm of pad and case at 0.15 W/(m K)",
)
CONTACT_OHM = Parameter(
    value=0.00005,
    unit="ohm",
    basis="chosen: a sound bolted lug is 20 to 100 uohm",
)
TERMINAL_W_PER_K = Parameter(
    value=0.5,
    unit="W/K",
    basis="chosen: 500 A lifts a terminal 25 K over its cells, as a derating at 64 C needs",
)
TERMINAL_J_PER_K = Parameter(
    value=100.0,
    unit="J/K",
    basis="chosen: 0.25 kg of copper; with the conductance a time constant of 200 s",
)
HUMIDITY_PCT = Parameter(
    value=45.0,
    unit="%",
    basis="chosen: a dry room; the HE data sheet allows up to 75 %",
)
SENSOR_TOLERANCE_C = Parameter(
    value=0.2,
    unit="K",
    basis="chosen: a 1 % NTC about 25 C; each sensor keeps its own error",
)


class Sensors:
    """The cell-temperature sensors of one module, spread evenly over its cells."""

    __slots__ = ("_errors", "places")

    def __init__(self, sensors: int, cells: int, rng: random.Random) -> None:
        tolerance = SENSOR_TOLERANCE_C.value
        self._errors = [rng.uniform(-tolerance, tolerance) for _ in range(sensors)]
        # Which cell each sensor sits on.
        self.places = [k * (cells - 1) // max(sensors - 1, 1) for k in range(sensors)]

    def read(self, cells_c: list[float]) -> list[float]:
        """What each cell sensor reads, given the temperature at each of their places."""
        return [cell_c + error for cell_c, error in zip(cells_c, self._errors, strict=True)]
