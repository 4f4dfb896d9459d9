"""Start and stop: the state machine of register 0x0371, as a table."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from bms.codes import Ending, Error, State
from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.status import StartStopStatus, View
from bms.timing import Held


class Event(StrEnum):
    """What moves the state machine."""

    BUTTON = "start/stop button"
    CHARGER = "charger detected"
    START, STOP = "start command", "stop command"
    REGISTERED = "batteries registered"
    MEASURED = "cells measured"
    BUS_CHARGED = "system bus at battery voltage"
    CLOSED = "contactor closed"
    GIVE_UP = "no charger came"
    IDLE = "almost discharged, and no energy flows"
    OPENED = "contactor open and checked"
    FAULT = "fail-safe"
    UNLOCKED = "safety lock opened"
    UPDATE, UPDATED = "battery update begun", "batteries updated"
    THRICE = "start/stop button, the third time in a row"


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.STANDBY, Event.BUTTON): State.INITIALISING,
        (State.STANDBY, Event.CHARGER): State.INITIALISING,
        (State.STANDBY, Event.START): State.INITIALISING,
        (State.STANDBY, Event.FAULT): State.ERROR,  # it was locked when it was switched on
        (State.STANDBY, Event.UPDATE): State.UPDATING_BATTERY,
        (State.UPDATING_BATTERY, Event.UPDATED): State.STANDBY,
        (State.UPDATING_BATTERY, Event.FAULT): State.ERROR,
        (State.INITIALISING, Event.BUTTON): State.STANDBY,
        (State.INITIALISING, Event.STOP): State.STANDBY,
        (State.INITIALISING, Event.REGISTERED): State.MEASURING,
        (State.INITIALISING, Event.FAULT): State.ERROR,
        (State.MEASURING, Event.BUTTON): State.STANDBY,
        (State.MEASURING, Event.STOP): State.STANDBY,
        (State.MEASURING, Event.MEASURED): State.PRE_CHARGING,
        (State.MEASURING, Event.FAULT): State.ERROR,
        (State.PRE_CHARGING, Event.BUTTON): State.STANDBY,
        (State.PRE_CHARGING, Event.STOP): State.STANDBY,
        (State.PRE_CHARGING, Event.BUS_CHARGED): State.GOING_TO_RUN,
        (State.PRE_CHARGING, Event.FAULT): State.ERROR,
        (State.GOING_TO_RUN, Event.BUTTON): State.SHUTTING_DOWN,
        (State.GOING_TO_RUN, Event.STOP): State.SHUTTING_DOWN,
        (State.GOING_TO_RUN, Event.CLOSED): State.RUNNING,
        (State.GOING_TO_RUN, Event.FAULT): State.ERROR,
        (State.RUNNING, Event.BUTTON): State.SHUTTING_DOWN,
        (State.RUNNING, Event.STOP): State.SHUTTING_DOWN,
        (State.RUNNING, Event.GIVE_UP): State.SHUTTING_DOWN,
        (State.RUNNING, Event.IDLE): State.SHUTTING_DOWN,
        (State.RUNNING, Event.FAULT): State.ERROR,
        (State.SHUTTING_DOWN, Event.OPENED): State.STANDBY,
        (State.SHUTTING_DOWN, Event.THRICE): State.RUNNING,
        (State.SHUTTING_DOWN, Event.FAULT): State.ERROR,
        (State.ERROR, Event.BUTTON): State.STANDBY,
        (State.ERROR, Event.UNLOCKED): State.STANDBY,
    }
)

ENDINGS = {Event.BUTTON: Ending.BUTTON, Event.STOP: Ending.COMMAND}
ENDED = {State.SHUTTING_DOWN, State.STANDBY}
MEASURE_TIME_US = milliseconds(500)
CLOSING_TIME_US = milliseconds(300)
ROW_US = seconds(3)  # chosen: presses are in a row if they are in this time
# Also while it shuts down: the cell that is still low shall not turn that into a fail-safe.
RECOVERING_STATES = frozenset(
    {State.PRE_CHARGING, State.GOING_TO_RUN, State.RUNNING, State.SHUTTING_DOWN}
)
LowStart = Callable[[View], Error]


def wait_for_a_charger(view: View) -> Error:
    """A low battery does not stop the start: the user has time to charge (v1.09-01, v1.23-05)."""
    return Error.NONE


class Button(Protocol):
    """How a press of the start/stop button reaches the firmware."""

    def hears(self, pressed_us: int, state: State) -> bool:
        """Whether a press that began at ``pressed_us`` is taken."""
        ...


class EveryPress:
    """An input that is read again and again misses no press of a finger."""

    def hears(self, pressed_us: int, state: State) -> bool:
        """Each is taken."""
        return True


class StartStop(Room):
    """One button: it starts from standby, stops what runs, and clears an error."""

    low_start = Slot[LowStart](wait_for_a_charger)
    low_pack_start = Slot[LowStart](wait_for_a_charger)
    button = Slot[type[Button]](EveryPress)
    in_a_row = Slot[int | None](3)  # presses that are no stop request; None: each is one

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._status = StartStopStatus()
        self._pressed = Held()
        self._hears = self.button()
        self._taken = False
        self._restarts = False
        self._presses = 0  # in a row
        self._row_us = self._ran_us = 0
        self._debounce_us = limit_us("button.debounce")
        self._begin_us = limit_us("low_start.begin")
        self._recover_us = limit_us("low_start.recover")
        self._charge_a = limit("low_start.charge_current")
        self._start_v = {name: limit(f"{name.lower()}.start.minimum") for name in ("LFP", "NMC")}
        self._charging_began = False

    def waits(self) -> bool:
        """On its way from one state to another, and while it gives a low battery its time."""
        status = self._status
        moves = status.state is not State.STANDBY and status.state is not State.RUNNING
        return moves or status.recovering or self._pressed.runs

    def step(self, now_us: int, view: View) -> StartStopStatus:
        """Move at most once; a fault goes first."""
        status = self._status
        recovering, error = status.recovering, Error.NONE
        if view.fail_safe.active and status.state is not State.ERROR:
            event: Event | None = Event.FAULT
        elif view.safety_lock.unlocked:
            event = Event.UNLOCKED
        elif self._button(now_us, view) and not self._must_wait(view):
            event = self._count(now_us, view)
        elif view.ve_can.runs is not None:
            event = Event.START if view.ve_can.runs else Event.STOP
        elif self._restarts_now(view):
            event = Event.STOP if status.state is State.RUNNING else Event.START
        elif status.state is State.MEASURING:
            event, recovering, error = self._measure(now_us, view)
        elif recovering:
            event, recovering = self._recover(now_us, view)
        else:
            event = self._progress(now_us, view)
        state = TRANSITIONS.get((status.state, event), status.state) if event else status.state
        if state is not status.state:
            stopping = state is State.SHUTTING_DOWN
            if state is State.SHUTTING_DOWN:
                self._ran_us = status.since_us
            self._status = StartStopStatus(
                state=state,
                since_us=self._ran_us if event is Event.THRICE else now_us,
                thrice_us=now_us if event is Event.THRICE else status.thrice_us,
                recovering=recovering and state in RECOVERING_STATES,
                shutdown_since_us=now_us if stopping else None,
                ended_by=self._ended_by(state, event),
            )
        elif recovering is not status.recovering or error is not status.error:
            self._status = replace(
                status, recovering=recovering, error=error, ended_by=Ending.NOBODY
            )
        return self._status

    def _count(self, now_us: int, view: View) -> Event:
        """A press: the third in a row takes back the stop that the first has requested.

        Until then the contactor stays closed: its time to open is longer than a row.
        """
        running = self._status.state is State.RUNNING
        if running or now_us - self._row_us > ROW_US:
            self._presses, self._row_us = 0, now_us
        counts = running or self._status.state is State.SHUTTING_DOWN
        self._presses += counts and view.bluetooth.present
        return Event.THRICE if self._presses == self.in_a_row else Event.BUTTON

    def _ended_by(self, state: State, event: Event | None) -> Ending:
        """What has stopped it, while it is off or on the way there."""
        if state not in ENDED or event is None:
            return Ending.NOBODY
        before = self._status.ended_by if event is Event.OPENED else Ending.NOBODY
        return ENDINGS.get(event, before)

    def _button(self, now_us: int, view: View) -> bool:
        """Whether the button has just been pressed for long enough; once a press."""
        held_us = self._pressed.for_us(now_us, condition=view.inputs.start_stop_pressed)
        if held_us < 0:
            self._taken = False
        if held_us >= self._debounce_us and not self._taken:
            self._taken = True
            return self._hears.hears(now_us - held_us, self._status.state)
        return False

    def _restarts_now(self, view: View) -> bool:
        """A restart that was asked for is a stop, and a start once the system is off."""
        state = self._status.state
        if view.ve_can.restarts and state is State.RUNNING:
            self._restarts = True
            return True
        due = self._restarts and state is State.STANDBY
        if state is not State.SHUTTING_DOWN:
            self._restarts = False
        return due

    def _must_wait(self, view: View) -> bool:
        """In an error the contactor has its time to open, and a lock needs more than a button."""
        held = view.contactor.closed or view.safety_lock.locked
        return self._status.state is State.ERROR and held

    def _progress(self, now_us: int, view: View) -> Event | None:
        status = self._status
        match status.state:
            case State.INITIALISING:
                return Event.REGISTERED if view.registration.complete else None
            case State.PRE_CHARGING:
                return Event.BUS_CHARGED if view.precharge.done else None
            case State.UPDATING_BATTERY:
                return None if view.battery_update.active else Event.UPDATED
            case State.STANDBY if view.battery_update.active:
                return Event.UPDATE
            case State.STANDBY:
                return Event.CHARGER if view.charger.detected else None
            case State.GOING_TO_RUN:
                settled = now_us - status.since_us >= CLOSING_TIME_US
                return Event.CLOSED if settled and view.inputs.aux_contact_closed else None
            case State.RUNNING:
                return Event.IDLE if view.idle.over else None
            case State.SHUTTING_DOWN:
                return Event.OPENED if view.contactor.opened_us is not None else None
            case _:
                return None

    def _measure(self, now_us: int, view: View) -> tuple[Event | None, bool, Error]:
        levels = view.registration.levels
        low_v = view.protection.lowest_cell_v
        if now_us - self._status.since_us < MEASURE_TIME_US or levels is None or low_v != low_v:
            return None, False, Error.NONE
        critical = low_v <= levels.under_voltage_critical_v
        if not critical and not self._is_low(view):
            return Event.MEASURED, False, Error.NONE
        self._charging_began = False
        error = self.low_start(view) if critical else self.low_pack_start(view)
        if error is not Error.NONE:
            return None, False, error
        return Event.MEASURED, True, error

    def _is_low(self, view: View) -> bool:
        """Whether the pack is below its start-up minimum, be its cells as they may."""
        system = view.registration
        if system.type is None:
            return False
        cells = system.series * system.type.cells
        return view.inputs.battery_voltage_v < cells * self._start_v[system.type.chemistry]

    def _recover(self, now_us: int, view: View) -> tuple[Event | None, bool]:
        """The start with a low battery: charge in time, and recover in time."""
        status, levels = self._status, view.registration.levels
        if status.state is not State.RUNNING or levels is None:
            return self._progress(now_us, view), True
        elapsed_us = now_us - status.since_us
        self._charging_began = self._charging_began or view.inputs.current_a >= self._charge_a
        lowest_v = view.protection.lowest_cell_v
        recovered = lowest_v > levels.under_voltage.set_v and not self._is_low(view)
        if self._charging_began and recovered:
            return None, False
        late = elapsed_us >= (self._recover_us if self._charging_began else self._begin_us)
        return (Event.GIVE_UP if late else None), True
