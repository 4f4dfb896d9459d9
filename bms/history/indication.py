"""How LEDs once were."""

from bms.status import View


def dark_while_off(view: View, same_v: float) -> int | None:
    """Before 1.25: what a system that is off waits for does not show."""
    return None
