"""Fail-safe: the error that is latched until the user turns the system off."""

from bms.firmware import Firmware, Room, Slot
from bms.status import Error, FailSafeStatus, State, View


class FailSafe(Room):
    """Latches the first error; what follows from it does not overwrite it."""

    watches_precharging = Slot(True)
    unclosed_contactor = Slot(Error.CONTACTOR)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._status = FailSafeStatus()

    def step(self, now_us: int, view: View) -> FailSafeStatus:
        """The latched error, since when."""
        if view.start_stop.state is State.STANDBY:
            if self._status.active:
                self._status = FailSafeStatus()
        elif not self._status.active:
            error = self._demanded(view)
            if error is not Error.NONE:
                self._status = FailSafeStatus(error=error, since_us=now_us)
        return self._status

    def _demanded(self, view: View) -> Error:
        precharging = view.start_stop.state is State.PRE_CHARGING
        watched = self.watches_precharging or not precharging
        if watched and view.protection.trip is not Error.NONE:
            return view.protection.trip
        if view.precharge.failed:
            return Error.HARDWARE if view.precharge.fuse_broken else Error.PRE_CHARGE
        if view.contactor.does_not_close:
            return self.unclosed_contactor
        if view.contactor.failure:
            return Error.CONTACTOR
        return view.start_stop.error or view.registration.error
