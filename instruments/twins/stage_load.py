"""An electronic load's power stage: a level in a mode, slew, protections, short, readings.

The same rules as for a supply's stage, see `stage.py`; current into a load is positive.
"""

import math
from collections.abc import Callable

from instruments.protocols import LoadMode, Trip
from instruments.twins.electrical import LoadDemand, OpenCircuit, Port
from instruments.twins.stage_parts import (
    CIRCUIT_SETTLES_US,
    PASSED,
    Guard,
    Guards,
    Lag,
    Ramp,
    Ratings,
    to_step,
)
from instruments.twins.twin import Readout

# chosen: what over-current and over-power of a load overlook, for its loop takes as long to bring
# the terminals to a voltage or to a short; what they hold is discharged meanwhile.
LOOP_S = 0.005


class LoadStage:
    """What every load's twin does between its level and its terminals."""

    def __init__(
        self,
        ratings: Ratings,
        *,
        now_us: Callable[[], int],
        volts: Readout,
        amperes: Readout,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """`on_change` is told whenever anything may have changed: for status registers."""
        self.ratings = ratings
        self._now_us = now_us
        self._volts, self._amperes = volts, amperes
        self.on_change = on_change
        self.demand = LoadDemand(enabled=False, mode=LoadMode.CC, level=0.0)
        self.trips: set[Trip] = set()
        # Causes from outside that stand, such as an open interlock; each trips and cannot clear.
        self.causes: set[Trip] = set()
        self.guards: Guards = {}
        # Below this voltage it trips; None: it draws whatever the voltage.
        self.under_voltage_v: float | None = None
        # It waits with drawing until this voltage is there; latched, it goes on below it.
        self.start_voltage_v = 0.0
        self.start_latches = True
        # Below this voltage it stops and waits again, latched or not.
        self.stop_voltage_v = 0.0
        self._on = False
        self._short = False
        self._mode = LoadMode.CC
        self._level = Ramp(per_s=math.inf)
        self._slew_up = self._slew_down = ratings.slew_a_per_s
        self._lag = Lag(ratings.settle_s)
        self._changed_us = -1_000_000  # long ago
        self._port: Port = OpenCircuit(self.demand)

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self._port = port

    @property
    def port(self) -> Port:
        """What the terminals are wired to."""
        return self._port

    @property
    def on(self) -> bool:
        """Whether the input is switched on; it may still wait for its start voltage."""
        return self._on

    @property
    def shorted(self) -> bool:
        """Whether the input is told to be a short."""
        return self._short

    @property
    def mode(self) -> LoadMode:
        """What is held constant."""
        return self._mode

    @property
    def level(self) -> float:
        """The programmed level, in A, V, W or ohm after the mode."""
        return self._level.target

    def program(
        self,
        *,
        level: float | None = None,
        mode: LoadMode | None = None,
        current_limit_a: float | None = None,
    ) -> None:
        """Change level, mode, or what it draws at most; a current moves at the slew."""
        self._settle_before_change()
        if mode is not None and mode is not self._mode:
            self._mode = mode
            # A level of another quantity is no place to start from.
            self._level.jump(0.0)
        self._set_rates()
        if level is not None:
            moves = self.demand.enabled and not self._short
            if moves:
                self._level.aim(self._rounded(level), self._now_us())
            else:
                self._level.jump(self._rounded(level))
        if current_limit_a is not None:
            self.demand.current_limit_a = current_limit_a
        self._demand_level()
        self.supervise()

    def _rounded(self, level: float) -> float:
        steps = {
            LoadMode.CC: self.ratings.current_step_a,
            LoadMode.CV: self.ratings.voltage_step_v,
            LoadMode.CP: self.ratings.power_step_w,
        }
        return to_step(level, steps.get(self._mode, 0.0))

    def set_slew(
        self, *, a_per_s_up: float | None = None, a_per_s_down: float | None = None
    ) -> None:
        """Change how fast a constant current moves; math.inf: at once."""
        self._slew_up = self._slew_up if a_per_s_up is None else a_per_s_up
        self._slew_down = self._slew_down if a_per_s_down is None else a_per_s_down
        self._set_rates()
        if self._level.moving:
            self._level.aim(self._level.target, self._now_us())

    def _set_rates(self) -> None:
        at_once = self._mode is not LoadMode.CC
        self._level.up = math.inf if at_once else self._slew_up
        self._level.down = math.inf if at_once else self._slew_down

    def switch(self, on: bool) -> None:
        """Switch the input; whether it may go on is for the model to know."""
        if on != self._on:
            self._settle_before_change()
            self._on = on
            if not on:
                self._short = False
                self._draw(False)
        self.supervise()

    def short(self, on: bool) -> None:
        """Short the input, or end that."""
        if on != self._short:
            self._settle_before_change()
            self._short = on
            self._level.jump(self._level.target)
            self._demand_level()
        self.supervise()

    def _draw(self, on: bool) -> None:
        if on and not self._short:
            target = self._level.target
            if self._mode is LoadMode.CC:
                self._level.value = 0.0
            self._level.aim(target, self._now_us())
        elif not on:
            self._level.jump(self._level.target)
        self.demand.enabled = on
        self._demand_level()

    def _demand_level(self) -> None:
        demand = self.demand
        demand.mode = LoadMode.CR if self._short else self._mode
        demand.level = 0.0 if self._short else self._level.value

    def _settle_before_change(self) -> None:
        port = self._port
        port.settle()
        self._changed_us = self._now_us()
        if self._lag.real:
            self._lag.step(port.voltage_v(), port.current_a(), self._changed_us)

    def settles_in_s(self) -> float:
        """How long terminals and readings still move after the last change; 0: they stand."""
        settle_us = CIRCUIT_SETTLES_US + round(self.ratings.settle_s * 1_000_000)
        return max(0, self._changed_us + settle_us - self._now_us()) / 1_000_000

    def trip(self, trip: Trip) -> None:
        """Latch a protection and switch off."""
        self.trips.add(trip)
        if self._on:
            self._settle_before_change()
            self._on = self._short = False
            self._draw(False)
        if self.on_change is not None:
            self.on_change()

    def clear_trips(self) -> frozenset[Trip]:
        """Forget those whose cause is gone; gives those that stand."""
        self._port.settle()
        self.trips &= {trip for trip, _ in self._exceeded()} | self.causes
        if self.on_change is not None:
            self.on_change()
        return frozenset(self.trips)

    def _exceeded(self) -> list[tuple[Trip, Guard]]:
        """Guards whose threshold is passed at this instant."""
        on = self.demand.enabled
        voltage_v = self._port.voltage_v()
        current_a = self._port.current_a() if on else 0.0
        return [
            (trip, guard)
            for trip, guard in self.guards.items()
            if guard.enabled
            and (on or guard.while_off)
            and PASSED[trip](guard.level, voltage_v, current_a)
        ]

    def due_us(self) -> int | None:
        """When a ramp's step or a delayed protection is due; None: nothing is."""
        dues = [
            guard.due_us(guard.since_us)
            for guard in self.guards.values()
            if guard.since_us is not None
        ]
        step_us = self._level.due_us(self._now_us()) if self._level.moving else None
        return min([*dues, step_us] if step_us is not None else dues, default=None)

    def supervise(self) -> None:
        """Take the ramp's steps, start or wait by the voltage, then see to protections."""
        now_us = self._now_us()
        if self._level.moving:
            self._settle_before_change()
            self._level.follow(now_us)
            self._demand_level()
        self._port.settle()
        self._start_or_wait()
        if self.causes:
            for cause in self.causes - self.trips:
                self.trip(cause)
        least_v = self.under_voltage_v
        if self.demand.enabled and least_v is not None and self._port.voltage_v() < least_v:
            self.trip(Trip.UNDER_VOLTAGE)
        self._check_guards(now_us)
        if self.on_change is not None:
            self.on_change()

    def _start_or_wait(self) -> None:
        if not self._on:
            return
        voltage_v = self._port.voltage_v()
        if not self.demand.enabled:
            if voltage_v >= max(self.start_voltage_v, self.stop_voltage_v):
                self._settle_before_change()
                self._draw(True)
        elif voltage_v < self.stop_voltage_v or (
            not self.start_latches and voltage_v < self.start_voltage_v
        ):
            self.wait_again()

    def wait_again(self) -> None:
        """Stop drawing until the start voltage is there."""
        if self.demand.enabled:
            self._settle_before_change()
            self._draw(False)

    def disturbed(self) -> bool:
        """Whether something is to be seen to, by the circuit as it is solved now."""
        if self._exceeded() or any(guard.since_us is not None for guard in self.guards.values()):
            return True
        if not self._on:
            return False
        voltage_v = self._port.voltage_v()
        if not self.demand.enabled:
            return voltage_v >= max(self.start_voltage_v, self.stop_voltage_v)
        least_v = max(self.stop_voltage_v, self.under_voltage_v or 0.0)
        if not self.start_latches:
            least_v = max(least_v, self.start_voltage_v)
        return voltage_v < least_v

    def _check_guards(self, now_us: int) -> None:
        exceeded = self._exceeded()
        for guard in self.guards.values():
            if guard.since_us is not None and all(guard is not g for _, g in exceeded):
                guard.since_us = None
        for trip, guard in exceeded:
            if trip in self.trips and not self._on:
                guard.since_us = None
            elif guard.lasted(now_us):
                guard.since_us = None
                self.trip(trip)

    def measure(self) -> tuple[float, float, float]:
        """Volts, amperes and watts as the instrument's meter shows them."""
        port = self._port
        on = self.demand.enabled
        true_a = port.current_a() if on else 0.0
        shown_v, shown_a = self._lag.shown(port.voltage_v(), true_a, self._now_us())
        voltage_v = self._volts.read(shown_v)
        current_a = self._amperes.read(shown_a) if on or shown_a != 0.0 else 0.0
        return voltage_v, current_a, to_step(voltage_v * current_a, self.ratings.power_step_w)
