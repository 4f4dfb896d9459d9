"""A module's temperatures: one lump for the cells, one node a terminal, and the sensors' places.

Heat flows from the cells to the ambient, from a terminal's contact to the cells. Both are exact
exponentials for constant heat. The numbers are chosen: no public data on fans or terminals exists.
"""

from __future__ import annotations

import math
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
SENSOR_TOLERANCE_C = Parameter(
    value=0.2,
    unit="K",
    basis="chosen: a 1 % NTC about 25 C; each sensor keeps its own error",
)


class ModuleThermal:
    """The temperatures of one module."""

    __slots__ = (
        "_capacity",
        "_decay",
        "_dt_s",
        "_errors",
        "_fixed",
        "_fixed_terminals",
        "_terminal_decay",
        "_terminals",
        "ambient_c",
        "conductance_w_per_k",
        "temperature_c",
    )

    def __init__(
        self,
        heat_capacity_j_per_k: float,
        temperature_c: float,
        sensors: int,
        rng: random.Random,
    ) -> None:
        tolerance = SENSOR_TOLERANCE_C.value
        self._capacity = heat_capacity_j_per_k
        self._errors = [rng.uniform(-tolerance, tolerance) for _ in range(sensors)]
        self._fixed: list[float | None] = [None] * sensors
        self._fixed_terminals: list[float | None] = [None, None]
        self._terminals = temperature_c
        self._dt_s = -1.0
        self._decay = 1.0
        self._terminal_decay = 1.0
        self.ambient_c = temperature_c
        self.temperature_c = temperature_c
        self.conductance_w_per_k = AMBIENT_W_PER_K.value

    def step(self, dt_s: float, heat_w: float, current_a: float) -> None:
        """Move on by `dt_s` at this heat in the cells and this current through the terminals."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._decay = math.exp(-dt_s * self.conductance_w_per_k / self._capacity)
            ratio = TERMINAL_W_PER_K.value / TERMINAL_J_PER_K.value
            self._terminal_decay = math.exp(-dt_s * ratio)
        contact_w = current_a * current_a * CONTACT_OHM.value
        final_c = self.ambient_c + heat_w / self.conductance_w_per_k
        final_terminals_c = self.temperature_c + contact_w / TERMINAL_W_PER_K.value
        self._terminals = final_terminals_c + (
            (self._terminals - final_terminals_c) * self._terminal_decay
        )
        self.temperature_c = final_c + (self.temperature_c - final_c) * self._decay

    def set_temperature(self, temperature_c: float) -> None:
        """Bring cells and terminals to this temperature at once."""
        self.temperature_c = temperature_c
        self._terminals = temperature_c

    def set_fan(self, *, on: bool) -> None:
        """Move air, or not."""
        factor = FAN_FACTOR.value if on else 1.0
        self.conductance_w_per_k = AMBIENT_W_PER_K.value * factor
        self._dt_s = -1.0

    def fix_sensor(self, index: int, temperature_c: float | None) -> None:
        """Make a cell sensor report this whatever the cells do; None lets it measure again."""
        self._fixed[index] = temperature_c

    def fix_terminals(self, positive_c: float | None, negative_c: float | None) -> None:
        """Make the terminal sensors report this; None lets each measure again."""
        self._fixed_terminals[:] = [positive_c, negative_c]

    def cell_sensors(self) -> list[float]:
        """What each cell-temperature sensor reads."""
        now = self.temperature_c
        return [
            now + error if fixed is None else fixed
            for error, fixed in zip(self._errors, self._fixed, strict=True)
        ]

    def terminal_sensors(self) -> tuple[float, float]:
        """What the sensors at the positive and at the negative terminal read."""
        positive, negative = self._fixed_terminals
        return (
            self._terminals if positive is None else positive,
            self._terminals if negative is None else negative,
        )
