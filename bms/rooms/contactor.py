"""The main contactor: when its coil is on, and whether it opened when it was told to."""

from typing import Protocol

from bms.codes import State
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.status import ContactorStatus, View
from bms.timing import Held

CLOSED_STATES = {State.GOING_TO_RUN, State.RUNNING}
FALL_V = 0.2  # chosen: ten times what resting batteries move within the check's time
CLOSED_WITHIN_US = milliseconds(500)  # chosen: twenty times what a contactor takes
CHECK_TIME_US = seconds(10)  # chosen: a link of 100 mF and 2 kohm falls by more than FALL_V


class OpeningCheck(Protocol):
    """Decides, step by step after the coil went off, whether the contacts really opened."""

    def start(self, difference_v: float) -> None:
        """The coil went off; ``difference_v`` is battery less system voltage."""
        ...

    def step(self, elapsed_us: int, difference_v: float, aux_closed: bool) -> bool | None:
        """True: open. False: it failed. None: not known yet."""
        ...


class FallOfTheSystemVoltage:
    """An open contactor lets the system voltage fall away from the batteries', however slowly.

    A charger can hold it up; then the auxiliary contact has to tell (chosen: the second witness).
    """

    def __init__(self) -> None:
        self._before_v = 0.0

    def start(self, difference_v: float) -> None:
        """Remember where the difference stood."""
        self._before_v = difference_v

    def step(self, elapsed_us: int, difference_v: float, aux_closed: bool) -> bool | None:
        """Open as soon as the system voltage has fallen; else what the auxiliary contact says."""
        if difference_v - self._before_v >= FALL_V:
            return True
        return None if elapsed_us < CHECK_TIME_US else not aux_closed


class Contactor(Room):
    """Closes on the way to running; opens after the delay of what asks for it."""

    opening_delay_us = Slot(seconds(5))
    shutdown_time_us = Slot(seconds(8))
    opening_check = Slot[type[OpeningCheck]](FallOfTheSystemVoltage)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._closed = False
        self._opened_us = 0
        self._open_at_us: int | None = None
        self._check: OpeningCheck | None = None
        self._verified_us: int | None = None
        self._failure = False
        self._unclosed = Held()

    def waits(self) -> bool:
        """While it is to open or to close, or looks whether it has."""
        moves = self._check is not None or self._open_at_us is not None
        return moves or self._unclosed.runs

    def step(self, now_us: int, view: View) -> ContactorStatus:
        """The coil, and the outcome of the check after the last opening."""
        wanted = self._wanted(now_us, view)
        difference_v = view.inputs.battery_voltage_v - view.inputs.system_voltage_v
        if wanted and not self._closed:
            self._verified_us, self._check, self._failure = None, None, False
        elif self._closed and not wanted:
            self._opened_us = now_us
            self._check = self.opening_check()
            self._check.start(difference_v)
        self._closed = wanted
        if view.start_stop.state is State.STANDBY:
            self._failure = False  # the user has seen it and turned the system off
        if self._check is not None:
            aux_closed = view.inputs.aux_contact_closed
            outcome = self._check.step(now_us - self._opened_us, difference_v, aux_closed)
            if outcome is not None:
                self._check, self._failure = None, not outcome
                self._verified_us = now_us if outcome else None
        elif not wanted and self._verified_us is None and not self._failure:
            self._verified_us = now_us
        unclosed = wanted and not view.inputs.aux_contact_closed
        return ContactorStatus(
            closed=wanted,
            opened_us=self._verified_us,
            failure=self._failure,
            does_not_close=self._unclosed.for_us(now_us, condition=unclosed) >= CLOSED_WITHIN_US,
        )

    def _wanted(self, now_us: int, view: View) -> bool:
        """Closed on the way to running; each request to open has its time, the first one counts."""
        fail_safe, start_stop = view.fail_safe, view.start_stop
        open_at_us = None
        if view.protection.interlock_broken or view.protection.emergency_stop:
            open_at_us = now_us  # they do not wait (v1.09-02)
        elif fail_safe.active:
            open_at_us = fail_safe.since_us + self.opening_delay_us
        elif start_stop.state is State.SHUTTING_DOWN:
            open_at_us = start_stop.since_us + self.shutdown_time_us
        if open_at_us is None:
            self._open_at_us = None
            return start_stop.state in CLOSED_STATES
        self._open_at_us = min(open_at_us, self._open_at_us or open_at_us)
        return self._closed and now_us < self._open_at_us
