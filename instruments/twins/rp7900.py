"""Twin of the Keysight RP7935A regenerative power system (80 V, +-250 A, +-10 kW).

Sources: the RP7900 Series Operating and Service Guide (status bits, protections, watchdog, output
subsystem); the ratings are what the numbers RP7935A and RP7945A say: 80 V, 10 kW.
What is particular about it:
- A protection disables the output but leaves its programmed state: ``OUTP?`` still answers 1, and
  ``OUTP:PROT:CLE`` brings the output back.
- Over-current has no level: it trips when the output reaches its current limit.
- Above the rated power it trips, by a built-in threshold (chosen: 110 %), and does not limit.
- Changing the priority switches the output off and resets the levels.
- A message feeds the watchdog, the front panel does not.
Unverified: values after a reset except those the guide's pages give, ``VOLT:LIM:LOW``, the sign
that ``CURR:LIM:NEG`` takes, the reset of the levels; resolutions and noise are chosen.
Delays and coupling of the output are kept, and have no effect.
"""

import math
import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import Command, Device, Dialect, Number, ScpiError
from instruments.twins import rp7900_scpi as scpi
from instruments.twins.counters import Counters
from instruments.twins.electrical import Port
from instruments.twins.kept import ALL, Kept
from instruments.twins.rp7900_scpi import CHANNELS, nr3
from instruments.twins.rp7900_status import QuestionableGroups
from instruments.twins.stage import Guard, Ratings, SupplyStage
from instruments.twins.twin import Readout, Twin

OVER_POWER_W = 1.1 * scpi.RATED_W
# It does not limit power: what set points allow at most never binds.
RATINGS = Ratings(
    voltage_v=scpi.HIGH_V,
    current_a=scpi.HIGH_A,
    power_w=scpi.HIGH_V * scpi.HIGH_A,
    sink_current_a=scpi.HIGH_A,
    sink_power_w=scpi.HIGH_V * scpi.HIGH_A,
    voltage_step_v=scpi.STEP_V,
    current_step_a=scpi.STEP_A,
    settle_s=0.005,  # chosen
)
# Below any resolution: a limit that is reached is passed.
_AT_LIMIT_A = 1e-4

QUESTIONABLE: Mapping[Trip, int] = {
    Trip.OVER_VOLTAGE: 1 << 0,
    Trip.OVER_CURRENT: 1 << 1,
    Trip.POWER_FAIL: 1 << 2,
    Trip.OVER_TEMPERATURE: 1 << 4,
    Trip.REVERSE_VOLTAGE: 1 << 6,
    Trip.INTERLOCK: 1 << 9,
    Trip.WATCHDOG: 1 << 11,
}
POWER_BIT, SINK_POWER_BIT = 1 << 3, 1 << 5
LIMIT_BIT, SINK_LIMIT_BIT, UNREGULATED_BIT = 1 << 7, 1 << 8, 1 << 10
UNDER_VOLTAGE_BIT = 1 << 6  # in the second group
CV_BIT, CC_BIT, OFF_BIT, WAITS_TO_MEASURE_BIT, WAITS_TO_STEP_BIT = 1, 2, 4, 8, 16

_VOLTAGE_PRIORITY = {
    Regulation.CV: (CV_BIT, 0),
    Regulation.CC: (0, LIMIT_BIT),
    Regulation.CC_SINK: (0, SINK_LIMIT_BIT),
}
_CURRENT_PRIORITY = {
    Regulation.CV: (0, LIMIT_BIT),
    Regulation.CC: (CC_BIT, 0),
    Regulation.CC_SINK: (CC_BIT, 0),
}
_LEVELS = ("volts", "amperes", "sourced", "sunk", "volts high", "volts low")


class Rp7900Twin(Twin):
    """The RP7935A's SCPI in front of one two-quadrant stage."""

    default_port = 5025

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.003,  # Chosen: an embedded Ethernet stack's few milliseconds.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self._now_us = now_us
        self.stage = stage = SupplyStage(
            RATINGS,
            now_us=now_us,
            # Chosen, like the resolution: below the driver's uncertainty.
            volts=Readout(dice, offset_max=0.01, noise=0.001, decimals=4),
            amperes=Readout(dice, offset_max=0.06, noise=0.005, decimals=3),
            on_change=self._look,
        )
        self.supervised = stage
        self.watchdog = stage.watchdog
        self._counters = Counters(now_us())
        self._over = Guard(level=scpi.HIGH_OVP_V)
        self._under = Guard(level=0.0, enabled=False)
        self._sourced = Guard(level=math.inf, enabled=False)
        self._sunk = Guard(level=math.inf, enabled=False)
        stage.guards = {
            Trip.OVER_VOLTAGE: self._over,
            Trip.UNDER_VOLTAGE: self._under,
            Trip.OVER_CURRENT: self._sourced,
            Trip.OVER_POWER: Guard(level=OVER_POWER_W),
        }
        stage.sink_guards = {
            Trip.OVER_CURRENT: self._sunk,
            Trip.OVER_POWER: Guard(level=OVER_POWER_W),
        }
        self.programmed_on = False
        self._priority = "VOLT"
        self._inhibited = False
        self._reached = False
        self._armed: set[str] = set()
        self._reading: tuple[float, float, float] | None = None
        self._groups = QuestionableGroups(lambda: self.device)
        self.kept = Kept(self._apply, show=nr3, tail=CHANNELS)
        self.device = Device(
            [
                *self._actions(),
                *self._triggers(),
                *self._readings(),
                *self._groups.commands(),
                *scpi.level_commands(self.kept),
                *scpi.protection_commands(self.kept),
                *scpi.output_commands(self.kept),
                *scpi.measurement_settings(self.kept),
                *scpi.transient_settings(self.kept),
            ],
            identity=self.who,
            reset=self._reset,
            # Chosen: both limits.
            dialect=Dialect(queue_length=20, input_limit=1024),
        )
        self._reset()

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def inhibit(self, active: bool) -> None:
        """Drive the inhibit wire of the digital connector; it acts if pin 3 is set up for it."""
        self._inhibited = active
        self._see_inhibit()

    def identity(self) -> str:
        """Four fields; the firmware is one that the guide names for this model."""
        return f"Keysight Technologies,RP7935A,{self.serial},B.03.02.1232"

    # What settings do.

    def _apply(self, name: str) -> None:
        kept, stage = self.kept, self.stage
        if name == "priority" and kept.word("priority") != self._priority:
            self.programmed_on = False
            stage.switch(False)
            kept.to_reset(*_LEVELS)
        self._priority = kept.word("priority")
        # A rate that is set ends the state of being at its maximum, and the other way round.
        for quantity in ("volts", "amperes"):
            if name == f"{quantity} slew":
                kept.put(f"{quantity} slew maximum", kept.number(name) >= scpi.INFINITE)
        if name == ALL or " slew" in name:
            self._set_slews()
        self._set_guards()
        volts, sourced, sunk = self._levels()
        # A target that stands is not aimed at again: its ramp goes on.
        stage.program(
            voltage_v=None if volts == stage.voltage_v else volts,
            current_a=None if sourced == stage.current_a else sourced,
            sink_current_a=None if sunk == stage.sink_current_a else sunk,
        )
        stage.watchdog.seconds = kept.number("watchdog")
        stage.watchdog.armed = kept.flag("watchdog on")
        self._see_inhibit()

    def _levels(self) -> tuple[float, float, float]:
        """Voltage and the limits of both directions, as magnitudes, after the priority."""
        number = self.kept.number
        if self._priority == "VOLT":
            return number("volts"), number("sourced"), -number("sunk") + 0.0
        amperes = number("amperes")
        if amperes >= 0.0:
            return number("volts high"), amperes, 0.0
        return number("volts low"), 0.0, -amperes

    def _set_slews(self) -> None:
        rates = []
        for quantity in ("volts", "amperes"):
            at_once = self.kept.flag(f"{quantity} slew maximum")
            rate = self.kept.number(f"{quantity} slew")
            rates.append(math.inf if at_once or rate >= scpi.INFINITE else rate)
        volts, amperes = rates
        self.stage.set_slew(
            v_per_s_up=volts, v_per_s_down=volts, a_per_s_up=amperes, a_per_s_down=amperes
        )

    def _set_guards(self) -> None:
        kept = self.kept
        self._over.level = kept.number("ovp")
        self._under.level = kept.number("uvp")
        self._under.delay_s = kept.number("uvp delay")
        _, sourced, sunk = self._levels()
        for guard, limit_a in ((self._sourced, sourced), (self._sunk, sunk)):
            # In current priority the current is the set point and no limit.
            guard.enabled = kept.flag("ocp on") and self._priority == "VOLT" and limit_a > 0.0
            guard.level = limit_a - _AT_LIMIT_A
            guard.delay_s = kept.number("ocp delay")

    def _see_inhibit(self) -> None:
        stage, mode = self.stage, self.kept.word("inhibit mode")
        if self._inhibited and mode != "OFF" and self.kept.word("pin 3") == "INH":
            stage.causes.add(Trip.INTERLOCK)
            stage.supervise()
            return
        stage.causes.discard(Trip.INTERLOCK)
        if mode == "LIVE" and Trip.INTERLOCK in stage.trips:
            stage.trips.discard(Trip.INTERLOCK)
            self._switch()

    def _reset(self) -> None:
        self.programmed_on = False
        self.stage.switch(False)
        self._armed.clear()
        self.kept.reset()

    def _output(self, on: bool, *_: object) -> None:
        self.programmed_on = on
        self._switch()

    def _switch(self) -> None:
        self.stage.switch(self.programmed_on and not self.stage.trips)

    def _clear(self) -> None:
        stage = self.stage
        port = stage.port
        port.settle()
        outside = port.voltage_v() > self._over.level
        if outside and Trip.OVER_VOLTAGE in stage.trips:
            stage.causes.add(Trip.OVER_VOLTAGE)
        stage.clear_trips()
        stage.causes.discard(Trip.OVER_VOLTAGE)
        self._switch()

    def _look(self) -> None:
        """Count charge, arm the under-voltage protection, and bring the status up to date."""
        stage = self.stage
        port = stage.port
        current_a = port.current_a() if stage.on else None
        self._counters.note(self._now_us(), port.voltage_v(), current_a)
        regulation = stage.regulation()
        # In voltage priority it waits until the output has once reached its voltage.
        holds = regulation in {Regulation.CV, Regulation.CC_SINK} or self._priority == "CURR"
        self._reached = stage.on and (self._reached or holds)
        self._under.enabled = self._reached and self.kept.flag("uvp on")
        table = _VOLTAGE_PRIORITY if self._priority == "VOLT" else _CURRENT_PRIORITY
        operation, limits = table.get(regulation, (0, 0))
        if regulation is Regulation.UNREGULATED:
            limits = UNREGULATED_BIT
        if not self.programmed_on:
            operation |= OFF_BIT
        operation |= WAITS_TO_MEASURE_BIT * ("acquire" in self._armed)
        operation |= WAITS_TO_STEP_BIT * ("transient" in self._armed)
        tripped = sum(bit for trip, bit in QUESTIONABLE.items() if trip in stage.trips)
        if Trip.OVER_POWER in stage.trips:
            tripped |= SINK_POWER_BIT if Trip.OVER_POWER in stage.sink_trips else POWER_BIT
        status = self.device.status
        status.questionable.update(tripped | limits)
        status.operation.update(operation)
        self._groups.second.update(UNDER_VOLTAGE_BIT * (Trip.UNDER_VOLTAGE in stage.trips))

    # Commands.

    def _actions(self) -> list[Command]:
        store = Number(low=0.0, high=9.0)
        return [
            Command(
                "OUTPut[:STATe]",
                set=self._output,
                params=(scpi.SWITCH, *CHANNELS),
                query=lambda *_: str(int(self.programmed_on)),
                query_params=CHANNELS,
            ),
            Command("OUTPut:PROTection:CLEar", set=lambda *_: self._clear(), params=CHANNELS),
            self.kept.keep_choice("[SOURce:]FUNCtion", "priority", ("VOLTage", "CURRent")),
            Command("*SAV", set=lambda number: self.kept.save(round(number)), params=(store,)),
            Command("*RCL", set=self._recall, params=(store,)),
            Command("*TRG", set=self._trigger_both),
            Command("SYSTem:ERRor[:NEXT]", query=self._next_error),
            Command("DIGital:INPut:DATA", query=lambda *_: str(4 * self._inhibited)),
        ]

    def _recall(self, number: float) -> None:
        # For safety the output is off after a recall.
        self.programmed_on = False
        self.stage.switch(False)
        self.kept.recall(round(number))

    def _next_error(self) -> str:
        error = self.device.errors.pop()
        return f'{error.code:+d},"{error.text}"'

    def _triggers(self) -> list[Command]:
        commands: list[Command] = []
        for system, header, act in (
            ("acquire", "ACQuire", self._acquire),
            ("transient", "TRANsient", self._step),
        ):
            commands += [
                Command(f"INITiate[:IMMediate]:{header}", set=self._arm(system), params=CHANNELS),
                Command(f"ABORt:{header}", set=self._disarm(system), params=CHANNELS),
                Command(f"TRIGger:{header}[:IMMediate]", set=act, params=CHANNELS),
            ]
        return commands

    def _arm(self, system: str) -> Callable[..., None]:
        def arm(*_: object) -> None:
            self._armed.add(system)
            self._look()

        return arm

    def _disarm(self, system: str) -> Callable[..., None]:
        def disarm(*_: object) -> None:
            self._armed.discard(system)
            self._look()

        return disarm

    def _fire(self, system: str) -> None:
        if system not in self._armed:
            raise ScpiError(-211, "Trigger ignored")
        self._armed.discard(system)

    def _acquire(self, *_: object) -> None:
        self._fire("acquire")
        self._reading = self.stage.measure()
        self._look()

    def _step(self, *_: object) -> None:
        self._fire("transient")
        kept = self.kept
        for quantity in ("volts", "amperes"):
            if kept.word(f"{quantity} mode") == "STEP":
                kept.put(quantity, kept.number(f"{quantity} step"))
        if kept.flag("transient continuous"):
            self._armed.add("transient")
        self._apply("step")

    def _trigger_both(self) -> None:
        for system, act in (("acquire", self._acquire), ("transient", self._step)):
            if system in self._armed and self.kept.word(f"{system} source") == "BUS":
                act()

    def _readings(self) -> list[Command]:
        commands: list[Command] = []
        for root, fresh in (("MEASure", True), ("FETCh", False)):
            scalar = f"{root}[:SCALar]"
            for index, name in enumerate(("VOLTage", "CURRent", "POWer")):
                kinds = ["[:DC]", ":MAXimum", ":MINimum"]
                # Direct current: effective value, top and base are the mean.
                kinds += [":ACDC", ":HIGH", ":LOW"] if index < 2 else []
                query = self._shown(index, fresh=fresh)
                for kind in kinds:
                    header = f"{scalar}:{name}{kind}"
                    commands.append(Command(header, query=query, query_params=CHANNELS))
                header = f"{root}:ARRay:{name}[:DC]"
                query = self._samples(index, fresh=fresh)
                commands.append(Command(header, query=query, query_params=CHANNELS))
        counters = self._counters
        return [
            *commands,
            Command("FETCh[:SCALar]:AHOur", query=lambda *_: nr3(counters.charge_ah)),
            Command("FETCh[:SCALar]:WHOur", query=lambda *_: nr3(counters.energy_wh)),
            Command("SENSe:AHOur:RESet", set=lambda *_: setattr(counters, "charge_ah", 0.0)),
            Command("SENSe:WHOur:RESet", set=lambda *_: setattr(counters, "energy_wh", 0.0)),
        ]

    def _read(self, *, fresh: bool) -> tuple[float, float, float]:
        if fresh or self._reading is None:
            self._reading = self.stage.measure()
        return self._reading

    def _shown(self, index: int, *, fresh: bool) -> Callable[..., str]:
        return lambda *_: nr3(self._read(fresh=fresh)[index])

    def _samples(self, index: int, *, fresh: bool) -> Callable[..., str]:
        def samples(*_: object) -> str:
            first = self._read(fresh=fresh)[index]
            points = round(self.kept.number("points"))
            rest = [self.stage.measure()[index] for _ in range(points - 1)]
            return ",".join(nr3(value) for value in (first, *rest))

        return samples
