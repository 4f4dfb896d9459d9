"""How the lowest and the highest reading were once found."""

from collections.abc import Iterable
from math import nan


def compared_with_the_first(readings: Iterable[float]) -> tuple[float, float]:
    """Before 1.09: all others are compared with the first one, valid or not.

    Nothing is lower or higher than what is no number: an invalid one stays.
    """
    all_of_them = tuple(readings)
    return min(all_of_them, default=nan), max(all_of_them, default=nan)
