"""Twin of the ITECH IT6010C-80-300 bidirectional supply (80 V, +-300 A, +-10 kW).

Sources: the IT6000C programming guide as public drivers of the series quote it (headers, ranges,
status bits), and a user's record of an IT6054C-800-225 on the bench (identity, number format,
which limit can be set in which priority, what mirrors what).
What is particular about it:
- In voltage priority ``CURR?`` is ``CURR:LIM?``, in current priority ``VOLT?`` is ``VOLT:LIM?``;
  a change of priority hands the active levels over.
- Limits of the sink are negative numbers. One over-current and one over-power threshold guard both
  directions.
- Slew rates are in V/ms and A/ms. Delays of protections are 60 s after a reset.
Unverified, chosen here: -221 for a limit of the other priority, for a change of priority and for
switching on while a protection stands; ``OUTP?`` answers 0 after a trip and clearing does not bring
the output back; the watchdog's bit (4096, for which sources have two names); levels of noise; that
all protections are off after a reset. Lists, battery tests and the like are refused; delays of the
output are kept, and have no effect.
"""

import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import Boolean, Command, Device, Dialect, Number, ScpiError
from instruments.twins import it6000c_scpi as scpi
from instruments.twins.counters import Counters
from instruments.twins.electrical import Port
from instruments.twins.it6000c_scpi import general
from instruments.twins.kept import ALL, Kept
from instruments.twins.stage import Guard, Ratings, SupplyStage
from instruments.twins.twin import Readout, Twin

RATINGS = Ratings(
    voltage_v=scpi.HIGH_V,
    current_a=scpi.HIGH_A,
    power_w=scpi.HIGH_W,
    sink_current_a=scpi.HIGH_A,
    sink_power_w=scpi.HIGH_W,
    voltage_step_v=scpi.STEP_V,
    current_step_a=scpi.STEP_A,
    settle_s=0.01,  # chosen
)
# The bit of the delivering side and of the side that takes in.
QUESTIONABLE: Mapping[Trip, tuple[int, int]] = {
    Trip.OVER_VOLTAGE: (1, 1),
    Trip.OVER_CURRENT: (2, 4),
    Trip.OVER_POWER: (8, 16),
    Trip.UNDER_VOLTAGE: (32, 32),
    Trip.OVER_TEMPERATURE: (64, 64),
    Trip.UNDER_CURRENT: (128, 128),
    Trip.SENSE: (256, 256),
    Trip.REVERSE_VOLTAGE: (1024, 1024),
    Trip.INTERLOCK: (2048, 2048),
    Trip.WATCHDOG: (4096, 4096),
    Trip.POWER_FAIL: (4096, 4096),
}
OPERATION: Mapping[Regulation, int] = {
    Regulation.OFF: 64,
    Regulation.CC: 128,
    Regulation.CV: 256,
    Regulation.CP: 512,
    Regulation.CC_SINK: 2048,
    Regulation.CP_SINK: 4096,
}
_PRIORITIES = {"VOLT": "VOLTage", "CURR": "CURRent"}


class It6000cTwin(Twin):
    """The IT6010C-80-300's SCPI in front of one two-quadrant stage."""

    default_port = 30000

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.01,  # Chosen: users of the series leave 20 ms between messages.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self._now_us = now_us
        self.stage = stage = SupplyStage(
            RATINGS,
            now_us=now_us,
            # Chosen: below the driver's uncertainty.
            volts=Readout(dice, offset_max=0.012, noise=0.002, decimals=6),
            amperes=Readout(dice, offset_max=0.15, noise=0.01, decimals=6),
            on_change=self._look,
        )
        self.supervised = stage
        self.watchdog = stage.watchdog
        self._counters = Counters(now_us())
        self._guards = {
            name: Guard(level=0.0, enabled=False) for name in ("ovp", "ocp", "opp", "uvp", "ucp")
        }
        self._sink_guards = {name: Guard(level=0.0, enabled=False) for name in ("ocp", "opp")}
        self._wire_guards()
        self._priority = "VOLT"
        self._inhibited = False
        self._wanted_on = False
        self.remote = False
        self._reading: tuple[float, float, float] | None = None
        self.kept = Kept(self._apply, show=general)
        self.device = Device(
            [
                *self._levels(),
                *scpi.slew_commands(self.kept),
                *scpi.protection_commands(self.kept),
                *scpi.other_commands(self.kept),
                *self._actions(),
                *self._readings(),
            ],
            identity=self.who,
            reset=self._reset,
            # A unit of the series answers so to SYST:VERS?. Chosen: the limit of a message.
            dialect=Dialect(scpi_version="IT60xxSrc-v1.3.7.xx", input_limit=1024),
        )
        self._reset()

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def inhibit(self, active: bool) -> None:
        """Drive the inhibit wire of the digital connector."""
        self._inhibited = active
        stage = self.stage
        if active:
            stage.causes.add(Trip.INTERLOCK)
            stage.supervise()
            return
        stage.causes.discard(Trip.INTERLOCK)
        if self.kept.word("inhibit mode") == "LIVE" and Trip.INTERLOCK in stage.trips:
            stage.trips.discard(Trip.INTERLOCK)
            stage.switch(self._wanted_on and not stage.trips)

    def identity(self) -> str:
        """Six fields: the last three are firmware versions."""
        return f"ITECH Electronics,IT6010C-80-300,{self.serial},000.006.101,640.R,132.R"

    def _wire_guards(self) -> None:
        stage, guards, sink = self.stage, self._guards, self._sink_guards
        stage.guards = {
            Trip.OVER_VOLTAGE: guards["ovp"],
            Trip.OVER_CURRENT: guards["ocp"],
            Trip.OVER_POWER: guards["opp"],
            Trip.UNDER_VOLTAGE: guards["uvp"],
            Trip.UNDER_CURRENT: guards["ucp"],
        }
        stage.sink_guards = {Trip.OVER_CURRENT: sink["ocp"], Trip.OVER_POWER: sink["opp"]}

    # What settings do.

    def _apply(self, name: str) -> None:
        kept, stage = self.kept, self.stage
        if name == "priority":
            self._hand_over()
        self._priority = kept.word("priority")
        self._set_guards()
        if name == ALL or name.endswith((" up", " down")):
            stage.set_slew(
                v_per_s_up=1000.0 * kept.number("volts up"),
                v_per_s_down=1000.0 * kept.number("volts down"),
                a_per_s_up=1000.0 * kept.number("amperes up"),
                a_per_s_down=1000.0 * kept.number("amperes down"),
            )
        volts, sourced, sunk = self._targets()
        # A target that stands is not aimed at again: its ramp goes on.
        stage.program(
            voltage_v=None if volts == stage.voltage_v else volts,
            current_a=None if sourced == stage.current_a else sourced,
            sink_current_a=None if sunk == stage.sink_current_a else sunk,
            power_w=kept.number("watts"),
            sink_power_w=-kept.number("watts sunk"),
        )
        stage.watchdog.seconds = kept.number("watchdog")
        stage.watchdog.armed = kept.flag("watchdog on")

    def _hand_over(self) -> None:
        kept = self.kept
        if kept.word("priority") == self._priority:
            return
        if self._priority == "VOLT":
            kept.put("volts high", kept.number("volts"))
            kept.put("amperes", kept.number("sourced"))
        else:
            kept.put("volts", kept.number("volts high"))
            kept.put("sourced", max(kept.number("amperes"), 0.0))

    def _targets(self) -> tuple[float, float, float]:
        """Voltage and the limits of both directions, as magnitudes, after the priority."""
        number = self.kept.number
        if self._priority == "VOLT":
            return number("volts"), number("sourced"), -number("sunk") + 0.0
        amperes = number("amperes")
        if amperes >= 0.0:
            return number("volts high"), amperes, 0.0
        return number("volts low"), 0.0, -amperes

    def _set_guards(self) -> None:
        kept = self.kept
        for guards in (self._guards, self._sink_guards):
            for name, guard in guards.items():
                level = kept.number(name)
                guard.level = abs(level) if name in {"ocp", "opp"} else level
                guard.delay_s = kept.number(f"{name} delay")
                guard.enabled = kept.flag(f"{name} on")
        for name in ("uvp", "ucp"):
            self._guards[name].warm_up_s = kept.number(f"{name} warm-up")

    def _look(self) -> None:
        """Count charge and bring the status up to date."""
        stage = self.stage
        port = stage.port
        current_a = port.current_a() if stage.on else None
        self._counters.note(self._now_us(), port.voltage_v(), current_a)
        tripped = 0
        for trip in stage.trips:
            tripped |= QUESTIONABLE.get(trip, (0, 0))[trip in stage.sink_trips]
        status = self.device.status
        status.questionable.update(tripped)
        status.operation.update(OPERATION.get(stage.regulation(), 0))

    def _reset(self) -> None:
        self._output(False)
        self.kept.reset()

    def _output(self, on: bool) -> None:
        if on and self.stage.trips:
            raise ScpiError(-221)
        self._wanted_on = on
        self.stage.switch(on)

    def _clear(self) -> None:
        stage = self.stage
        port = stage.port
        port.settle()
        over = self._guards["ovp"]
        if over.enabled and port.voltage_v() > over.level and Trip.OVER_VOLTAGE in stage.trips:
            stage.causes.add(Trip.OVER_VOLTAGE)
        stage.clear_trips()
        stage.causes.discard(Trip.OVER_VOLTAGE)
        self._wanted_on = stage.on

    # Commands.

    def _in_voltage_priority(self, _: float) -> None:
        if self._priority != "VOLT":
            raise ScpiError(-221)

    def _in_current_priority(self, _: float) -> None:
        if self._priority != "CURR":
            raise ScpiError(-221)

    def _levels(self) -> list[Command]:
        levels = scpi.level_commands(
            self.kept,
            in_voltage_priority=self._in_voltage_priority,
            in_current_priority=self._in_current_priority,
        )
        return [
            *levels.values(),
            *scpi.aliases(levels),
            self._mirrored(levels["volts"], levels["volts high"], "CURR"),
            self._mirrored(levels["amperes"], levels["sourced"], "VOLT"),
        ]

    def _mirrored(self, level: Command, limit: Command, priority: str) -> Command:
        """A set point whose header stands for the limit while the other priority rules."""

        def acting() -> Command:
            return limit if self._priority == priority else level

        def store(value: float) -> None:
            number = acting().params[0]
            assert isinstance(number, Number)  # So are all levels.
            if not number.low <= value <= number.high:
                raise ScpiError(-222)
            setter = acting().set
            assert setter is not None
            setter(value)

        def query(bound: float | None) -> str:
            ask = acting().query
            assert ask is not None
            return ask(bound)

        return Command(
            level.header,
            set=store,
            query=query,
            params=level.params,
            query_params=level.query_params,
        )

    def _actions(self) -> list[Command]:
        store = (Number(low=0.0, high=9.0),)
        return [
            self.kept.keep_choice(
                "[SOURce:]FUNCtion",
                "priority",
                ("VOLTage", "CURRent"),
                show=_PRIORITIES.__getitem__,
                permit=self._permit_priority,
            ),
            Command(
                "OUTPut[:STATe]",
                set=self._output,
                params=(Boolean(),),
                query=lambda: str(int(self.stage.on)),
            ),
            Command("OUTPut:PROTection:CLEar", set=self._clear),
            Command("SYSTem:REMote", set=lambda: self._set_remote(True)),
            Command("SYSTem:RWLock", set=lambda: self._set_remote(True)),
            Command("SYSTem:LOCal", set=lambda: self._set_remote(False)),
            Command("SYSTem:CLEar", set=self._forget_errors),
            Command("*TRG", set=lambda: None),
            Command("*SAV", set=lambda number: self.kept.save(round(number)), params=store),
            Command("*RCL", set=self._recall, params=store),
        ]

    def _permit_priority(self, priority: str) -> None:
        if self.stage.on and priority != self._priority:
            raise ScpiError(-221)

    def _forget_errors(self) -> None:
        self.device.errors.clear()

    def _set_remote(self, remote: bool) -> None:
        self.remote = remote

    def _recall(self, number: float) -> None:
        self._output(False)
        self.kept.recall(round(number))

    def _readings(self) -> list[Command]:
        commands: list[Command] = []
        for root, fresh in (("MEASure", True), ("FETCh", False)):
            scalar = f"{root}[:SCALar]"
            for index, name in enumerate(("VOLTage", "CURRent", "POWer")):
                # Direct current: the extremes and the pulse's levels are the mean.
                kinds = ["[:DC]", ":MAXimum", ":MINimum"] + [":HIGH", ":LOW"] * (index < 2)
                commands += [
                    Command(f"{scalar}:{name}{kind}", query=self._shown(index, fresh=fresh))
                    for kind in kinds
                ]
            volts = self._shown(0, fresh=fresh)
            commands += [
                # No lead drops voltage here.
                Command(f"{scalar}:LOCAl:VOLTage[:DC]", query=volts),
                Command(f"{scalar}:REMOte:VOLTage[:DC]", query=volts),
                Command(f"{scalar}:AHOur", query=lambda: general(self._counters.charge_ah)),
                Command(f"{scalar}:WHOur", query=lambda: general(self._counters.energy_wh)),
                Command(scalar, query=self._all(fresh=fresh)),
            ]
        counters = self._counters
        return [
            *commands,
            Command("SENSe:AHOur:RESet", set=lambda: setattr(counters, "charge_ah", 0.0)),
            Command("SENSe:WHOur:RESet", set=lambda: setattr(counters, "energy_wh", 0.0)),
        ]

    def _read(self, *, fresh: bool) -> tuple[float, float, float]:
        if fresh or self._reading is None:
            self._reading = self.stage.measure()
        return self._reading

    def _shown(self, index: int, *, fresh: bool) -> Callable[[], str]:
        return lambda: general(self._read(fresh=fresh)[index])

    def _all(self, *, fresh: bool) -> Callable[[], str]:
        def everything() -> str:
            counters = self._counters
            values = (*self._read(fresh=fresh), counters.charge_ah, counters.energy_wh)
            return ",".join(general(value) for value in values)

        return everything
