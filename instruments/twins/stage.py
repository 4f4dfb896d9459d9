"""A supply's power stage: set points that ramp, protections, watchdog, readings, one circuit port.

A model puts its SCPI in front of it. Rules: the port is settled before any demand changes, so that
the past was solved with the old one; nothing happens between two calls, so the owner calls
`supervise` when the circuit has moved and at `due_us`; current out of a supply is positive.
`measure` and `regulation` are as of the last `supervise`, which each message begins with.
"""

from collections.abc import Callable

from instruments.protocols import Regulation, Trip
from instruments.twins.circuit import Circuit
from instruments.twins.electrical import OpenCircuit, Port, SourceDemand
from instruments.twins.stage_load import LoadStage
from instruments.twins.stage_parts import (
    CIRCUIT_SETTLES_US,
    PASSED,
    Guard,
    Guards,
    Lag,
    Ramp,
    Ratings,
    Watchdog,
    to_step,
)
from instruments.twins.together import Together
from instruments.twins.twin import Readout

__all__ = ["Guard", "LoadStage", "Ratings", "SupplyStage", "Together", "Watchdog"]

REGULATION_TOLERANCE = 1e-6  # of the rated voltage; the circuit is solved closer than that
UNREGULATED_SHARE = 0.9  # chosen: a source below its voltage gives nearly its limit, or is stuck


class SupplyStage:
    """What every supply's twin does between its set points and its terminals."""

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
        self.demand = SourceDemand(
            enabled=False,
            voltage_v=0.0,
            current_limit_a=0.0,
            power_limit_w=ratings.power_w,
            sink_power_limit_w=ratings.sink_power_w,
        )
        self.trips: set[Trip] = set()
        # Those of them that the sink quadrant caused.
        self.sink_trips: set[Trip] = set()
        # Causes from outside that stand, such as an open interlock; each trips and cannot clear.
        self.causes: set[Trip] = set()
        self.guards: Guards = {}
        self.sink_guards: Guards = {}
        self.foldback: Regulation | None = None
        self.foldback_delay_s = 0.0
        self._folding_us: int | None = None
        self.watchdog = Watchdog(now_us, lambda: self.trip(Trip.WATCHDOG), seconds=60.0)
        self._voltage = Ramp(per_s=ratings.slew_v_per_s)
        self._current = Ramp(per_s=ratings.slew_a_per_s)
        self._sink = Ramp(per_s=ratings.slew_a_per_s)
        self._ramps = (self._voltage, self._current, self._sink)
        self._lag = Lag(ratings.settle_s)
        self._changed_us = -1_000_000  # long ago
        self._on_us = 0
        # Guards whose threshold is passed and whose delay runs.
        self._timed: list[Guard] = []
        self._seen: tuple[float, float] | None = None
        self._port: Port = OpenCircuit(self.demand)
        if ratings.output_capacitance_f > 0.0:
            circuit = Circuit(now_us=now_us, capacitance_f=ratings.output_capacitance_f)
            self._port = circuit.attach_source(self.demand)

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self._port = port
        self._seen = None

    @property
    def port(self) -> Port:
        """Where the terminals are wired, as of the last `supervise`."""
        return self._port

    @property
    def taking_in(self) -> bool:
        """Whether current flows into it, as of the last `supervise`."""
        return self._terminals()[1] < 0.0

    # Set points.

    @property
    def voltage_v(self) -> float:
        """The programmed voltage."""
        return self._voltage.target

    @property
    def current_a(self) -> float:
        """The programmed current limit."""
        return self._current.target

    @property
    def power_w(self) -> float:
        """The programmed power limit."""
        return self.demand.power_limit_w

    @property
    def sink_current_a(self) -> float:
        """The programmed current limit of the sink, a magnitude."""
        return self._sink.target

    @property
    def sink_power_w(self) -> float:
        """The programmed power limit of the sink, a magnitude."""
        return self.demand.sink_power_limit_w

    @property
    def on(self) -> bool:
        """Whether the output is on."""
        return self.demand.enabled

    def program(
        self,
        *,
        voltage_v: float | None = None,
        current_a: float | None = None,
        power_w: float | None = None,
        sink_current_a: float | None = None,
        sink_power_w: float | None = None,
    ) -> None:
        """Change set points, rounded to their resolution; the terminals follow at the slew."""
        ratings, demand = self.ratings, self.demand
        self._settle_before_change()
        self._aim(self._voltage, voltage_v, ratings.voltage_step_v)
        self._aim(self._current, current_a, ratings.current_step_a)
        self._aim(self._sink, sink_current_a, ratings.current_step_a)
        if power_w is not None:
            demand.power_limit_w = to_step(power_w, ratings.power_step_w)
        if sink_power_w is not None:
            demand.sink_power_limit_w = to_step(sink_power_w, ratings.power_step_w)
        self._demand_ramps()
        self.supervise()

    def set_slew(
        self,
        *,
        v_per_s_up: float | None = None,
        v_per_s_down: float | None = None,
        a_per_s_up: float | None = None,
        a_per_s_down: float | None = None,
    ) -> None:
        """Change how fast set points move; math.inf: at once."""
        rates = [(self._voltage, v_per_s_up, v_per_s_down)]
        rates += [(ramp, a_per_s_up, a_per_s_down) for ramp in (self._current, self._sink)]
        for ramp, up, down in rates:
            ramp.up = ramp.up if up is None else up
            ramp.down = ramp.down if down is None else down
            if ramp.moving:
                ramp.aim(ramp.target, self._now_us())

    def switch(self, on: bool) -> None:
        """Switch the output; whether it may go on is for the model to know."""
        if on != self.demand.enabled:
            self._settle_before_change()
            self._start() if on else self._stop()
        self.supervise()

    def _start(self) -> None:
        now_us = self._now_us()
        self._on_us = now_us
        voltage = self._voltage
        # The output stands at what is on the terminals already; it does not pull that down first.
        at_v = min(max(self._port.voltage_v(), 0.0), self.ratings.voltage_v)
        for ramp, start in ((voltage, at_v), (self._current, 0.0), (self._sink, 0.0)):
            ramp.value = start
            ramp.aim(ramp.target, now_us)
        self.demand.enabled = True
        self._demand_ramps()

    def _stop(self) -> None:
        self.demand.enabled = False
        for ramp in self._ramps:
            ramp.jump(ramp.target)
        self._demand_ramps()

    def _aim(self, ramp: Ramp, value: float | None, step: float) -> None:
        if value is None:
            return
        if self.demand.enabled:
            ramp.aim(to_step(value, step), self._now_us())
        else:
            ramp.jump(to_step(value, step))

    def _demand_ramps(self) -> None:
        demand = self.demand
        demand.voltage_v = self._voltage.value
        demand.current_limit_a = self._current.value
        demand.sink_current_limit_a = self._sink.value
        self._seen = None

    def _settle_before_change(self) -> None:
        port = self._port
        port.settle()
        self._seen = None
        self._changed_us = self._now_us()
        if self._lag.real:
            self._lag.step(port.voltage_v(), port.current_a(), self._changed_us)

    def settles_in_s(self) -> float:
        """How long terminals and readings still move after the last change; 0: they stand."""
        settle_us = CIRCUIT_SETTLES_US + round(self.ratings.settle_s * 1_000_000)
        return max(0, self._changed_us + settle_us - self._now_us()) / 1_000_000

    # Protections.

    def trip(self, trip: Trip, *, sink: bool = False) -> None:
        """Latch a protection and switch off."""
        self.trips.add(trip)
        if sink:
            self.sink_trips.add(trip)
        if self.demand.enabled:
            self._settle_before_change()
            self._stop()
        if self.on_change is not None:
            self.on_change()

    def clear_trips(self) -> frozenset[Trip]:
        """Forget those whose cause is gone; gives those that stand."""
        self._port.settle()
        self._seen = None
        exceeded = self._exceeded()
        standing = {trip for trip, _, sink in exceeded if not sink}
        self.sink_trips &= {trip for trip, _, sink in exceeded if sink}
        self.trips &= standing | self.causes | self.sink_trips
        if self.on_change is not None:
            self.on_change()
        return frozenset(self.trips)

    def _exceeded(self) -> list[tuple[Trip, Guard, bool]]:
        """Guards whose threshold is passed at this instant, and whether they are the sink's."""
        on = self.demand.enabled
        voltage_v, current_a = self._terminals()
        exceeded: list[tuple[Trip, Guard, bool]] = []
        for trip, guard in self.guards.items():
            looks = guard.enabled and (on or guard.while_off)
            if looks and PASSED[trip](guard.level, voltage_v, current_a) and self._awake(guard):
                exceeded.append((trip, guard, False))
        if on:
            for trip, guard in self.sink_guards.items():
                if guard.enabled and PASSED[trip](guard.level, voltage_v, -current_a):
                    exceeded.append((trip, guard, True))
        return exceeded

    def _awake(self, guard: Guard) -> bool:
        return self._now_us() - self._on_us >= guard.warm_up_s * 1_000_000

    def _terminals(self) -> tuple[float, float]:
        """Voltage and current out of it at this instant, asked from the circuit once."""
        if self._seen is None:
            port = self._port
            self._seen = port.voltage_v(), port.current_a() if self.demand.enabled else 0.0
        return self._seen

    def due_us(self) -> int | None:
        """When a ramp's step, a delayed protection or the watchdog is due; None: nothing is."""
        due_us = self.watchdog.due_us()
        for ramp in self._ramps:
            if ramp.moving:
                due_us = _earlier(due_us, ramp.due_us(self._now_us()))
        for guard in self._timed:
            due_us = _earlier(due_us, guard.due_us(guard.since_us))
        if self.demand.enabled:
            for guard in self.guards.values():
                if guard.warm_up_s > 0.0 and guard.enabled and not self._awake(guard):
                    awake_us = self._on_us + round(guard.warm_up_s * 1_000_000)
                    due_us = _earlier(due_us, awake_us)
        if self._folding_us is not None:
            folded_us = self._folding_us + round(self.foldback_delay_s * 1_000_000)
            due_us = _earlier(due_us, folded_us)
        return due_us

    def disturbed(self) -> bool:
        """Whether a protection has something to see to, by the circuit as it is solved now."""
        self._seen = None
        if self._exceeded() or self._timed:
            return True
        folds = self.foldback is not None and self.regulation() is self.foldback
        return folds is not (self._folding_us is not None)

    def supervise(self) -> None:
        """Take the ramp's steps, then see to watchdog and protections."""
        now_us = self._now_us()
        moving = [ramp for ramp in self._ramps if ramp.moving]
        if moving:
            self._settle_before_change()
            for ramp in moving:
                ramp.follow(now_us)
            self._demand_ramps()
        self._port.settle()
        self._seen = None
        self.watchdog.supervise()
        if self.causes:
            for cause in self.causes - self.trips:
                self.trip(cause)
        self._check_guards(now_us)
        if self.foldback is not None:
            self._check_foldback(now_us)
        if self.on_change is not None:
            self.on_change()

    def _check_guards(self, now_us: int) -> None:
        exceeded = self._exceeded()
        if self._timed:
            for guard in self._timed:
                if all(guard is not g for _, g, _ in exceeded):
                    guard.since_us = None
            self._timed = []
        for trip, guard, sink in exceeded:
            latched = trip in (self.sink_trips if sink else self.trips)
            if latched and not self.demand.enabled:
                guard.since_us = None
            elif guard.lasted(now_us):
                guard.since_us = None
                self.trip(trip, sink=sink)
            else:
                self._timed.append(guard)

    def _check_foldback(self, now_us: int) -> None:
        if self.regulation() is not self.foldback:
            self._folding_us = None
            return
        if self._folding_us is None:
            self._folding_us = now_us
        if now_us >= self._folding_us + round(self.foldback_delay_s * 1_000_000):
            self._folding_us = None
            self.trip(Trip.FOLDBACK)

    # What shows.

    def regulation(self) -> Regulation:
        """What is held constant at this instant."""
        demand = self.demand
        if not demand.enabled:
            return Regulation.OFF
        voltage_v, current_a = self._terminals()
        tolerance_v = REGULATION_TOLERANCE * self.ratings.voltage_v
        if voltage_v < demand.voltage_v - tolerance_v:
            limits = demand.current_limit_a, demand.power_limit_w
            reached = Regulation.CC, Regulation.CP
        elif voltage_v > demand.voltage_v + tolerance_v and demand.sink_current_limit_a > 0.0:
            limits = demand.sink_current_limit_a, demand.sink_power_limit_w
            reached = Regulation.CC_SINK, Regulation.CP_SINK
            current_a = -current_a
        else:
            return Regulation.CV
        power_limits = limits[0] * voltage_v > limits[1]
        limit_a = limits[1] / voltage_v if power_limits else limits[0]
        if current_a < UNREGULATED_SHARE * limit_a:
            return Regulation.UNREGULATED
        return reached[power_limits]

    def measure(self) -> tuple[float, float, float]:
        """Volts, amperes (taken in: negative) and watts as the instrument's meter shows them."""
        port, ratings = self._port, self.ratings
        true_a = port.current_a() if self.demand.enabled else 0.0
        shown_v, shown_a = self._lag.shown(port.voltage_v(), true_a, self._now_us())
        voltage_v = self._volts.read(shown_v)
        # Without an output there is no current, and no calibration error of one is shown.
        current_a = self._amperes.read(shown_a) if shown_a != 0.0 or self.on else 0.0
        return voltage_v, current_a, to_step(voltage_v * current_a, ratings.power_step_w)


def _earlier(one_us: int | None, other_us: int | None) -> int | None:
    if one_us is None or other_us is None:
        return other_us if one_us is None else one_us
    return min(one_us, other_us)
