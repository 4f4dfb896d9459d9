"""How batteries once got their firmware."""

from collections.abc import Mapping


def of_the_first(serial: int, processors: Mapping[int, int]) -> int:
    """All get the image for the processor of the one that announced itself first."""
    return next(iter(processors.values()))
