"""How charging and discharging were once allowed."""

from bms.codes import Reason
from bms.rooms.permissions import too_high_for_its_current
from bms.status import View


class ChargeByOneThreshold:
    """1.07: not at or above the charged level, whatever flows; again as soon as it is below."""

    def reason(self, now_us: int, view: View) -> Reason:
        """By the voltage of this instant alone."""
        levels = view.registration.levels
        if levels is None or view.protection.highest_cell_v < levels.charged.set_v:
            return Reason.ALLOWED
        return Reason.REACHED

    def waits(self) -> bool:
        """Never."""
        return False


class ChargeByCurrent:
    """1.08: the level depends on the current; again at the charged level, without delay."""

    def __init__(self) -> None:
        self._reached = False

    def reason(self, now_us: int, view: View) -> Reason:
        """Withdrawn beyond what the current leaves, given back below the charged level."""
        levels = view.registration.levels
        if too_high_for_its_current(view):
            self._reached = True
        elif levels is None or view.protection.highest_cell_v < levels.charged.set_v:
            self._reached = False
        return Reason.REACHED if self._reached else Reason.ALLOWED

    def waits(self) -> bool:
        """Never."""
        return False


class DischargeByOneThreshold:
    """1.07: not at or below the discharged level; again as soon as it is above."""

    def reason(self, now_us: int, view: View) -> Reason:
        """By the voltage of this instant alone."""
        levels = view.registration.levels
        if levels is None or view.protection.lowest_cell_v > levels.discharged.set_v:
            return Reason.ALLOWED
        return Reason.REACHED

    def waits(self) -> bool:
        """Never."""
        return False
