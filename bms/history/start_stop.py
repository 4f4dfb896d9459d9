"""How a start with a critically low cell ended before 1.09."""

from bms.status import Error, View


def refuse_at_once(view: View) -> Error:
    """To fail-safe, without a chance to charge."""
    return Error.UNDER_VOLTAGE
