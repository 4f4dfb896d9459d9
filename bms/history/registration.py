"""How batteries were registered before."""

from collections.abc import Sequence
from dataclasses import replace

from bms.data import BatteryType, CellLevels, Level, cell_levels
from bms.wire import private

FIRST_WEEK_NOT_TAKEN = 1746  # stated: HQ1746 and later (v1.09-14)


def made_before_week_46_of_2017(serial: int) -> bool:
    """1.07: later batteries are as good as not there."""
    return private.week_of(serial) < FIRST_WEEK_NOT_TAKEN


def one_type(kinds: Sequence[BatteryType]) -> BatteryType | None:
    """Before 1.38: all batteries are of the same type, or they cannot share a system."""
    return kinds[0] if all(kind == kinds[0] for kind in kinds) else None


def only_the_total(count: int, series: int, configured: tuple[int, int]) -> tuple[int, int] | None:
    """Before 1.17: the number of batteries is right if it is the configured one, if there is one.

    How long the strings are is not asked: one that is too short goes unnoticed.
    """
    parallel, in_series = configured
    total = parallel * in_series
    return None if total not in {0, count} else (max(1, count // series), series)


def with_the_low_discharged_level(chemistry: str, performance: bool) -> CellLevels:
    """Before 1.30: LFP is discharged at 2800 mV (public: LFP series manual, boundary limits)."""
    levels = cell_levels(chemistry, performance=performance)
    if chemistry != "LFP":
        return levels
    return replace(levels, discharged=Level(set_v=2.800, clear_v=levels.discharged.clear_v))
