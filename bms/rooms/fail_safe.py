"""Fail-safe: the error that is latched until the user turns the system off."""

from bms.codes import Error, State
from bms.firmware import Firmware, Room, Slot
from bms.status import FailSafeStatus, View


class FailSafe(Room):
    """Latches the first error; what follows from it does not overwrite it."""

    watches_precharging = Slot(True)
    unclosed_contactor = Slot(Error.CONTACTOR)
    shows_the_lock = Slot(True)  # False: what it was locked for

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._status = FailSafeStatus()

    def step(self, now_us: int, view: View) -> FailSafeStatus:
        """The latched error, since when."""
        lock = view.safety_lock
        if lock.locked:
            self._hold(now_us, Error.SAFETY_LOCK if self.shows_the_lock else lock.cause)
        elif view.start_stop.state is State.STANDBY:
            if self._status.active:
                self._status = FailSafeStatus()
        elif not self._status.active:
            error = self._demanded(view)
            if error is not Error.NONE:
                self._status = FailSafeStatus(error=error, since_us=now_us)
        return self._status

    def _hold(self, now_us: int, error: Error) -> None:
        """Be in fail-safe for this error, since whenever; the system being off ends it not."""
        if self._status.error is not error:
            since_us = self._status.since_us if self._status.active else now_us
            self._status = FailSafeStatus(error=error, since_us=since_us)

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
        if view.start_stop.state is State.UPDATING_BATTERY:
            return view.battery_update.error
        return view.start_stop.error or view.registration.error
