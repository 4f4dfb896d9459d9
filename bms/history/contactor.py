"""How the main contactor's opening was checked before 1.15."""

from bms.firmware import seconds

OPEN_FROM_V = 1.0  # chosen: a closed contactor drops millivolts


class DifferenceAfterOneSecond:
    """1.07 to 1.13: one look, one second after the coil went off.

    A link that decays slowly still stands near the batteries' voltage by then, and a healthy
    contactor is taken for a welded one.
    """

    look_us = seconds(1)

    def start(self, difference_v: float) -> None:
        """Where the difference stood was not asked."""

    def step(self, elapsed_us: int, difference_v: float, aux_closed: bool) -> bool | None:
        """One look at the difference, at its time."""
        return None if elapsed_us < self.look_us else difference_v >= OPEN_FROM_V


class DifferenceAfterFiveSeconds(DifferenceAfterOneSecond):
    """1.14: the same look, later. A link that decays more slowly still is still mistaken."""

    look_us = seconds(5)
