"""How LEDs once were."""

from bms.status import IndicationStatus, View


def dark_while_off(view: View, same_v: float) -> int | None:
    """Before 1.25: what a system that is off waits for does not show."""
    return None


def both_at_once(first_half: bool) -> IndicationStatus:
    """Before 1.12: green and red together, while a battery is updated."""
    return IndicationStatus(green=first_half, red=first_half)
