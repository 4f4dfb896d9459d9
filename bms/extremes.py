"""The lowest and the highest of many readings, as two rooms take them."""

from collections.abc import Callable, Iterable
from math import nan

# Of readings, the invalid ones (NaN) among them, to the lowest and highest; NaN if there is none.
Extremes = Callable[[Iterable[float]], tuple[float, float]]


def of_the_valid(readings: Iterable[float]) -> tuple[float, float]:
    """What is not valid is neither (v1.09-11)."""
    valid = [reading for reading in readings if reading == reading]
    return min(valid, default=nan), max(valid, default=nan)
