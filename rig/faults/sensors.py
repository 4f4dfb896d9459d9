"""What stands between a true value and what a battery's electronics read of it.

A fixed value takes the place of the true one, as a resistor decade or a cell emulator does; faults
work on what is then there, in the order in which they came. NaN is no valid reading.
"""

import math
from collections.abc import Callable
from enum import StrEnum

Disturbance = Callable[[float, int], float]
"""What is there, and the time in us, to what is read."""

SHORT_VOLTAGE_V = 0.0
# chosen: the hot end of the range; an NTC of 0 ohm cannot be told from a very hot one.
SHORT_TEMPERATURE_C = 125.0


class Quantity(StrEnum):
    """What a battery's electronics measure."""

    CELL_VOLTAGE = "cell voltage"
    CELL_TEMPERATURE = "cell temperature"
    TERMINAL_TEMPERATURE = "terminal temperature"  # index 0: positive, 1: negative


class Sensors:
    """All sensors of one battery."""

    __slots__ = ("_faults", "_fixed", "_moving", "_quiet", "_touch")

    def __init__(self, touch: Callable[[], None] = lambda: None) -> None:
        """``touch`` is called before anything changes: what was put off is due then."""
        self._touch = touch
        self._fixed: dict[Quantity, dict[int, float]] = {q: {} for q in Quantity}
        self._faults: dict[Quantity, list[tuple[int, Disturbance]]] = {q: [] for q in Quantity}
        self._moving = 0
        self._quiet = True

    def fix(self, quantity: Quantity, index: int, value: float | None) -> None:
        """Put this in place of the true value; None: nothing."""
        self._touch()
        self._quiet = False
        if value is None:
            self._fixed[quantity].pop(index, None)
        else:
            self._fixed[quantity][index] = value

    def insert(
        self, quantity: Quantity, index: int, disturbance: Disturbance, *, moves: bool = False
    ) -> Callable[[], None]:
        """Let a fault work on a sensor; what undoes it is returned.

        ``moves``: it reads something else at another time, or when asked again.
        """
        self._touch()
        fault = index, disturbance
        self._faults[quantity].append(fault)
        self._moving += moves
        self._quiet = False

        def undo() -> None:
            self._touch()
            self._faults[quantity].remove(fault)
            self._moving -= moves
            self._quiet = False

        return undo

    def stir(self) -> None:
        """Something that is measured besides has changed though the plant stands still."""
        self._touch()
        self._quiet = False

    @property
    def disturbed(self) -> bool:
        """Whether a reading can differ from the last one though the plant stands still."""
        changed = not self._quiet
        self._quiet = True
        return changed or self._moving > 0

    def read(self, quantity: Quantity, values: list[float], now_us: int) -> list[float]:
        """What is read of these true values, in place."""
        for index, value in self._fixed[quantity].items():
            values[index] = value
        for index, disturbance in self._faults[quantity]:
            values[index] = disturbance(values[index], now_us)
        return values


def always(reading: float) -> Disturbance:
    """The same reading whatever is there."""
    return lambda _value, _now_us: reading


def offset(by: float) -> Disturbance:
    """An error that stays the same."""
    return lambda value, _now_us: value + by


def drift(by_per_h: float, since_us: int) -> Disturbance:
    """An error that grows with time."""
    return lambda value, now_us: value + by_per_h * (now_us - since_us) / 3.6e9


def noisy(gauss: Callable[[float, float], float], deviation: float) -> Disturbance:
    """An error drawn anew at each measurement."""
    return lambda value, _now_us: value + gauss(0.0, deviation)


OPEN = always(math.nan)
