"""How the battery modules' own firmware once worked."""

from bms.battery.measuring import Readings, Span


class AsItComes:
    """Before 1.17: every reading is told, whatever it is; only none is none."""

    runs = False

    def __init__(self, span: Span) -> None:
        """Of any quantity."""

    def check(self, now_us: int, readings: Readings) -> Readings:
        """All of them."""
        return readings


class EachOnItsOwn:
    """Before 1.30: with all the noise of each measurement."""

    runs = False

    def smooth(self, readings: Readings) -> Readings:
        """As measured."""
        return readings


def half_a_step_up(value: float) -> int:
    """Before 1.32: right above zero; below, what is cut off goes the other way."""
    return int(value + 0.5)
