"""How the state of charge was once synchronised."""

from bms.codes import Reason
from bms.status import View


class OnEveryEntry:
    """Before 1.32: each time that the charged level is reached, however little was discharged."""

    def __init__(self) -> None:
        self._was_reached = False

    def is_due(self, view: View) -> bool:
        """At the first step above the level."""
        is_reached = view.permissions.charge_reason is Reason.REACHED
        due = is_reached and not self._was_reached
        self._was_reached = is_reached
        return due
