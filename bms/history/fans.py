"""How the batteries' fans were once controlled after their test."""

from bms.rooms.fans import Thresholds


def once_it_was_warm(hottest_c: float, thresholds: Thresholds) -> bool:
    """Before 1.11: the test leaves the fans running, until it has been warm enough for them."""
    return hottest_c > thresholds.on_above_c
