"""How batteries were balanced: bleeds that do not end, one cell at a time, charge to and fro."""

from collections.abc import Sequence

from bms.rooms.balancing import each_that_is_too_high, mask_of


def bleeds_for_ever(over_v: Sequence[float], target_v: float, bleeding: int) -> int:
    """The bleed of a cell, once it has begun, is never released."""
    return bleeding or the_highest_first(over_v, target_v, bleeding)


def the_highest_first(over_v: Sequence[float], target_v: float, bleeding: int) -> int:
    """1.07: one cell at a time, until it is there; the highest is the next."""
    wanted = each_that_is_too_high(over_v, target_v, bleeding)
    if wanted & bleeding:
        return bleeding
    return wanted & 1 << max(range(len(over_v)), key=lambda k: over_v[k])


def from_the_highest_to_the_lowest(cells_v: Sequence[float], moving: bool) -> tuple[int, int]:
    """Before 1.13: one cell gives and one takes, whatever is left between them."""
    order = sorted(range(len(cells_v)), key=lambda k: cells_v[k])
    return 1 << order[-1], 1 << order[0]


def past_the_mean_without_end(cells_v: Sequence[float], moving: bool) -> tuple[int, int]:
    """1.13: many cells give and take at once, and go on past the target, to and fro."""
    mean_v = sum(cells_v) / len(cells_v)
    above = mask_of([v > mean_v for v in cells_v])
    return above, ~above & (1 << len(cells_v)) - 1
