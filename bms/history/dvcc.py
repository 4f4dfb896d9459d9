"""How charging was once led while the highest cell neared the charged level."""

import math

from bms.rooms.dvcc import HEADROOM_V, SlowReturn, SteadyVoltage, full_voltage, taper, without_sag
from bms.status import View

COARSE = 0.05  # chosen: of the system's greatest current; 30 A where it is 600 A
EXACT = 1e-9  # a whole number of steps, but for the last bits


def in_coarse_steps(current_a: float, most_a: float) -> float:
    """Before 1.32: in twentieths of the greatest current; what is less than one is nothing."""
    if most_a <= 0:
        return 0.0
    return math.floor(current_a / most_a / COARSE + EXACT) * COARSE * most_a


class FullOrNothing:
    """1.08: the limits are fixed; only allow-to-charge and allow-to-discharge take them away."""

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """All of it."""
        return 1.0, full_voltage(view)

    def told(self, current_a: float, most_a: float) -> float:
        """In coarse steps."""
        return in_coarse_steps(current_a, most_a)

    def moves(self) -> bool:
        """Never."""
        return False


class EveryStep:
    """1.09: both limits follow the highest cell at every step."""

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """While a cell is near the charged level the voltage is that of almost charged ones."""
        levels = view.registration.levels
        assert levels is not None
        highest_v, voltage_v = view.protection.highest_cell_v, full_voltage(view)
        if highest_v >= (levels.almost_charged.set_v + levels.charged.set_v) / 2:
            voltage_v *= levels.almost_charged.set_v / levels.charged.set_v
        return taper(highest_v, levels), voltage_v

    def told(self, current_a: float, most_a: float) -> float:
        """In coarse steps."""
        return in_coarse_steps(current_a, most_a)

    def moves(self) -> bool:
        """Never: what it follows does."""
        return False


class VoltageWithoutHaste:
    """1.13: the voltage is steady; the current follows the highest cell at every step."""

    def __init__(self) -> None:
        self._voltage = SteadyVoltage()

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """The share falls with the highest cell, sag or not."""
        levels = view.registration.levels
        assert levels is not None
        share = taper(view.protection.highest_cell_v, levels)
        return share, self._voltage.follow(now_us, view)

    def told(self, current_a: float, most_a: float) -> float:
        """In coarse steps."""
        return in_coarse_steps(current_a, most_a)

    def moves(self) -> bool:
        """While the voltage is on its way."""
        return self._voltage.moves


class SagTakenOut:
    """1.15: the current follows the highest cell less its sag, so that it stays longer."""

    def __init__(self) -> None:
        self._voltage = SteadyVoltage()

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """The share falls with the highest cell, less its sag, to beyond charged."""
        levels = view.registration.levels
        assert levels is not None
        return taper(without_sag(view), levels, HEADROOM_V), self._voltage.follow(now_us, view)

    def told(self, current_a: float, most_a: float) -> float:
        """In coarse steps."""
        return in_coarse_steps(current_a, most_a)

    def moves(self) -> bool:
        """While the voltage is on its way."""
        return self._voltage.moves


class SteadyInCoarseSteps:
    """1.30: without haste as today, in coarse steps."""

    def __init__(self) -> None:
        self._voltage, self._share = SteadyVoltage(), SlowReturn()

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """As today."""
        levels = view.registration.levels
        assert levels is not None
        share = self._share.follow(now_us, taper(without_sag(view), levels, HEADROOM_V))
        return share, self._voltage.follow(now_us, view)

    def told(self, current_a: float, most_a: float) -> float:
        """In coarse steps."""
        return in_coarse_steps(current_a, most_a)

    def moves(self) -> bool:
        """While either is on its way."""
        return self._voltage.moves or self._share.moves
