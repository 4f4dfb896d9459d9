"""Start and stop: the state machine of register 0x0371, as a table."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.status import Error, StartStopStatus, State, View
from bms.timing import Held


class Event(StrEnum):
    """What moves the state machine."""

    BUTTON = "start/stop button"
    REGISTERED = "batteries registered"
    MEASURED = "cells measured"
    BUS_CHARGED = "system bus at battery voltage"
    CLOSED = "contactor closed"
    GIVE_UP = "no charger came"
    OPENED = "contactor open and checked"
    FAULT = "fail-safe"


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.STANDBY, Event.BUTTON): State.INITIALISING,
        (State.INITIALISING, Event.BUTTON): State.STANDBY,
        (State.INITIALISING, Event.REGISTERED): State.MEASURING,
        (State.INITIALISING, Event.FAULT): State.ERROR,
        (State.MEASURING, Event.BUTTON): State.STANDBY,
        (State.MEASURING, Event.MEASURED): State.PRE_CHARGING,
        (State.MEASURING, Event.FAULT): State.ERROR,
        (State.PRE_CHARGING, Event.BUTTON): State.STANDBY,
        (State.PRE_CHARGING, Event.BUS_CHARGED): State.GOING_TO_RUN,
        (State.PRE_CHARGING, Event.FAULT): State.ERROR,
        (State.GOING_TO_RUN, Event.BUTTON): State.SHUTTING_DOWN,
        (State.GOING_TO_RUN, Event.CLOSED): State.RUNNING,
        (State.GOING_TO_RUN, Event.FAULT): State.ERROR,
        (State.RUNNING, Event.BUTTON): State.SHUTTING_DOWN,
        (State.RUNNING, Event.GIVE_UP): State.SHUTTING_DOWN,
        (State.RUNNING, Event.FAULT): State.ERROR,
        (State.SHUTTING_DOWN, Event.OPENED): State.STANDBY,
        (State.SHUTTING_DOWN, Event.FAULT): State.ERROR,
        (State.ERROR, Event.BUTTON): State.STANDBY,
    }
)

MEASURE_TIME_US = milliseconds(500)
CLOSING_TIME_US = milliseconds(300)
# Also while it shuts down: the cell that is still low shall not turn that into a fail-safe.
RECOVERING_STATES = frozenset(
    {State.PRE_CHARGING, State.GOING_TO_RUN, State.RUNNING, State.SHUTTING_DOWN}
)
LowStart = Callable[[View], Error]


def wait_for_a_charger(view: View) -> Error:
    """A critically low cell does not stop the start: the user has time to charge (v1.09-01)."""
    return Error.NONE


class StartStop(Room):
    """One button: it starts from standby, stops what runs, and clears an error."""

    low_start = Slot[LowStart](wait_for_a_charger)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._status = StartStopStatus()
        self._pressed = Held()
        self._taken = False
        self._debounce_us = limit_us("button.debounce")
        self._begin_us = limit_us("low_start.begin")
        self._recover_us = limit_us("low_start.recover")
        self._charge_a = limit("low_start.charge_current")
        self._charging_began = False

    def step(self, now_us: int, view: View) -> StartStopStatus:
        """Move at most once; a fault goes first."""
        status = self._status
        recovering, error = status.recovering, Error.NONE
        if view.fail_safe.active and status.state is not State.ERROR:
            event: Event | None = Event.FAULT
        elif self._button(now_us, view) and not self._must_wait(view):
            event = Event.BUTTON
        elif status.state is State.MEASURING:
            event, recovering, error = self._measure(now_us, view)
        elif recovering:
            event, recovering = self._recover(now_us, view)
        else:
            event = self._progress(now_us, view)
        state = TRANSITIONS.get((status.state, event), status.state) if event else status.state
        if state is not status.state:
            stopping = state is State.SHUTTING_DOWN
            self._status = StartStopStatus(
                state=state,
                since_us=now_us,
                recovering=recovering and state in RECOVERING_STATES,
                shutdown_since_us=now_us if stopping else None,
            )
        elif recovering is not status.recovering or error is not status.error:
            self._status = StartStopStatus(
                state=state, since_us=status.since_us, recovering=recovering, error=error
            )
        return self._status

    def _button(self, now_us: int, view: View) -> bool:
        """Whether the button has just been pressed for long enough; once a press."""
        held_us = self._pressed.for_us(now_us, condition=view.inputs.start_stop_pressed)
        if held_us < 0:
            self._taken = False
        if held_us >= self._debounce_us and not self._taken:
            self._taken = True
            return True
        return False

    def _must_wait(self, view: View) -> bool:
        """In an error the contactor has its time to open: the button does not cut it short."""
        return self._status.state is State.ERROR and view.contactor.closed

    def _progress(self, now_us: int, view: View) -> Event | None:
        status = self._status
        match status.state:
            case State.INITIALISING:
                return Event.REGISTERED if view.registration.complete else None
            case State.PRE_CHARGING:
                return Event.BUS_CHARGED if view.precharge.done else None
            case State.GOING_TO_RUN:
                return Event.CLOSED if now_us - status.since_us >= CLOSING_TIME_US else None
            case State.SHUTTING_DOWN:
                return Event.OPENED if view.contactor.opened_us is not None else None
            case _:
                return None

    def _measure(self, now_us: int, view: View) -> tuple[Event | None, bool, Error]:
        levels = view.registration.levels
        low_v = view.protection.lowest_cell_v
        if now_us - self._status.since_us < MEASURE_TIME_US or levels is None or low_v != low_v:
            return None, False, Error.NONE
        if low_v > levels.under_voltage_critical_v:
            return Event.MEASURED, False, Error.NONE
        self._charging_began = False
        error = self.low_start(view)
        if error is not Error.NONE:
            return None, False, error
        return Event.MEASURED, True, error

    def _recover(self, now_us: int, view: View) -> tuple[Event | None, bool]:
        """The start with a critically low cell: charge in time, and recover in time."""
        status, levels = self._status, view.registration.levels
        if status.state is not State.RUNNING or levels is None:
            return self._progress(now_us, view), True
        elapsed_us = now_us - status.since_us
        self._charging_began = self._charging_began or view.inputs.current_a >= self._charge_a
        recovered = view.protection.lowest_cell_v > levels.under_voltage.set_v
        if self._charging_began and recovered:
            return None, False
        late = elapsed_us >= (self._recover_us if self._charging_began else self._begin_us)
        return (Event.GIVE_UP if late else None), True
