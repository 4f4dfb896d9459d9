"""Twin of the EA Elektro-Automatik PSB 10080-1000 4U (80 V, 1000 A, 30 kW), both quadrants.

Source of each behaviour: the maker's SCPI guide as public drivers of the series use it; see
``drivers/psb10000.py``, which also names what nobody here has seen on a real one.
Deviations from the standard: set commands need the remote lock, answers carry their unit, states
are words, reading the error queue acknowledges alarms whose cause is gone, and a header behind a
semicolon may begin at the root without a colon.
Not modelled: internal resistance (mode UIR is refused), the function generator, event supervision
but for under-voltage (`psb10000_events`), master-slave operation.
"""

import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import (
    Boolean,
    Command,
    Device,
    Dialect,
    Number,
    Register,
    ScpiError,
    setting,
    status_group,
)
from instruments.twins.electrical import Port
from instruments.twins.psb10000_events import Events
from instruments.twins.psb10000_menu import Menu
from instruments.twins.psb10000_tables import (
    NOMINAL_A,
    NOMINAL_V,
    NOMINAL_W,
    QUANTITIES,
    Quantity,
    show_a,
    show_v,
    show_w,
)
from instruments.twins.stage import Guard, Ratings, SupplyStage
from instruments.twins.twin import Fault, Readout, Twin

ALARM_BITS: Mapping[Trip, int] = {
    Trip.OVER_VOLTAGE: 1 << 0,
    Trip.OVER_CURRENT: 1 << 1,
    Trip.OVER_POWER: 1 << 2,
    Trip.OVER_TEMPERATURE: 1 << 3,
    Trip.UNDER_VOLTAGE: 1 << 5,
    Trip.POWER_FAIL: 1 << 13,
}
LOCAL_BIT, REMOTE_BIT, OUTPUT_BIT = 1 << 9, 1 << 10, 1 << 11
TIMEOUT_BIT, CV_BIT, CC_BIT, CP_BIT, SINK_BIT = 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 12
REGULATION_BITS: Mapping[Regulation, int] = {
    Regulation.CV: CV_BIT,
    Regulation.CC: CC_BIT,
    Regulation.CP: CP_BIT,
    Regulation.CC_SINK: CC_BIT,
    Regulation.CP_SINK: CP_BIT,
}
RATINGS = Ratings(
    voltage_v=NOMINAL_V,
    current_a=NOMINAL_A,
    power_w=NOMINAL_W,
    sink_current_a=NOMINAL_A,
    sink_power_w=NOMINAL_W,
    voltage_step_v=0.01,
    current_step_a=0.1,
    power_step_w=1.0,
)


class EaPsb10000Twin(Twin):
    """The supply's SCPI in front of one power stage."""

    lockable = True

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.005,  # Chosen: an embedded Ethernet stack's few milliseconds.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        # Half of the data sheet's figure for what calibration leaves, chosen like the noise.
        volts = Readout(dice, offset_max=0.02, noise=0.0025, decimals=2)
        amperes = Readout(dice, offset_max=0.5, noise=0.025, decimals=1)
        self.stage = SupplyStage(RATINGS, now_us=now_us, volts=volts, amperes=amperes)
        self.supervised = self.stage
        self.demand = self.stage.demand
        self.watchdog = self.stage.watchdog
        self.watchdog.seconds = 5.0
        self.watchdog.on_expiry = self._time_out
        self.remote = False
        self._menu = Menu(self._require_remote)
        under_voltage = self.stage.guards[Trip.UNDER_VOLTAGE] = Guard(level=0.0, enabled=False)
        self._events = Events(self._require_remote, under_voltage)
        self._watchdog_wanted = False
        self._timed_out = False
        self._limits = {q: [0.0, 1.02 * q.nominal] for q in QUANTITIES}
        self._alarm_counts: dict[tuple[Trip, bool], int] = {}
        self._known: set[tuple[Trip, bool]] = set()
        self._alarm_bits = 0
        self._second = Register()
        self._set_guards()
        self.device = Device(
            [
                *(command for quantity in QUANTITIES for command in self._sets(quantity)),
                *self._states(),
                *self._menu.commands(),
                *self._events.commands(),
                *self._alarms(),
                *self._measurements(),
            ],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(input_limit=512, root_without_colon=True),
        )
        self.device.status.others.append(self._second)
        self.stage.on_change = self._refresh_status

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def identity(self) -> str:
        """Five fields: the last is the user's text, empty from the factory."""
        return (
            "EA Elektro-Automatik GmbH & Co. KG, PSB 10080-1000 4U, "
            f"{self.serial}, V2.01 V3.02 V1.05, {self._menu.user_text}"
        )

    @property
    def state_after_remote(self) -> str:
        """OFF, or AUTO: the output stays as it is when remote control ends."""
        return self._menu.state_after_remote

    @state_after_remote.setter
    def state_after_remote(self, state: str) -> None:
        self._menu.state_after_remote = state

    @property
    def trips(self) -> set[Trip]:
        """Alarms that stand or wait to be acknowledged."""
        return self.stage.trips

    def before_message(self) -> None:
        """See to what is due; a front panel that has taken over ends remote control."""
        super().before_message()
        if self.fault is Fault.LOCK_LOST and self.remote:
            self._leave_remote()

    # Alarms and remote control.

    def _set_guards(self) -> None:
        stage = self.stage
        for quantity in QUANTITIES:
            guards = stage.sink_guards if quantity.sink else stage.guards
            # A voltage from outside trips too, even with the output off.
            guards[quantity.trip] = Guard(
                level=1.1 * quantity.nominal, while_off=quantity.trip is Trip.OVER_VOLTAGE
            )

    def _time_out(self) -> None:
        # The interface watchdog does no more than end remote control.
        self._timed_out = True
        self._leave_remote()

    def _leave_remote(self) -> None:
        self.remote = False
        self._arm_watchdog()
        if self.state_after_remote == "OFF":
            self.stage.switch(False)
        self._refresh_status()

    def _arm_watchdog(self) -> None:
        self.stage.watchdog.armed = self._watchdog_wanted and self.remote

    def _require_remote(self) -> None:
        if not self.remote:
            raise ScpiError(-221)

    def _refresh_status(self) -> None:
        stage, status = self.stage, self.device.status
        if stage.trips or self._known:
            self._count_alarms()
        status.questionable.update(
            self._alarm_bits
            | LOCAL_BIT * (self.fault is Fault.LOCK_LOST)
            | REMOTE_BIT * self.remote
            | OUTPUT_BIT * stage.on
        )
        operation = TIMEOUT_BIT * self._timed_out
        if stage.on:
            operation |= REGULATION_BITS.get(stage.regulation(), 0) | SINK_BIT * stage.taking_in
        status.operation.update(operation)

    def _count_alarms(self) -> None:
        stage = self.stage
        standing = {(trip, False) for trip in stage.trips - stage.sink_trips}
        standing |= {(trip, True) for trip in stage.sink_trips}
        for alarm in standing - self._known:
            self._alarm_counts[alarm] = self._alarm_counts.get(alarm, 0) + 1
        self._known = standing
        self._alarm_bits = sum(ALARM_BITS.get(trip, 0) for trip in stage.trips)
        self._second.update(1 if stage.sink_trips else 0)

    def _lock(self, on: bool) -> None:
        if not on:
            self._leave_remote()
            return
        if self.fault is Fault.LOCK_LOST:
            raise ScpiError(-221)
        self.remote = True
        self._timed_out = False
        self._arm_watchdog()
        self._refresh_status()

    def _owner(self) -> str:
        if self.fault is Fault.LOCK_LOST:
            return "LOCAL"
        return "REMOTE" if self.remote else "NONE"

    def _output(self, on: bool) -> None:
        self._require_remote()
        if on and self.stage.trips:
            raise ScpiError(-221)
        self.stage.switch(on)

    def _next_error(self) -> str:
        self.stage.clear_trips()
        return self.device.next_error()

    def _all_errors(self) -> str:
        answers = [self._next_error()]
        while len(self.device.errors) > 0:
            answers.append(self.device.next_error())
        return ",".join(answers)

    def _reset(self) -> None:
        """Remote control, output off, alarms forgotten, set values as from the factory."""
        stage = self.stage
        stage.switch(False)
        self._set_guards()
        self._limits = {q: [0.0, 1.02 * q.nominal] for q in QUANTITIES}
        stage.program(
            voltage_v=0.0,
            current_a=0.0,
            power_w=NOMINAL_W,
            sink_current_a=0.0,
            sink_power_w=NOMINAL_W,
        )
        stage.clear_trips()
        self._watchdog_wanted = False
        self.remote = self.fault is not Fault.LOCK_LOST
        self._arm_watchdog()
        self._refresh_status()

    # Commands.

    def _sets(self, q: Quantity) -> list[Command]:
        """Set value, protection and adjustment limits of one quantity."""
        guards = self.stage.sink_guards if q.sink else self.stage.guards
        value = Number(unit=q.unit, low=0.0, high=1.02 * q.nominal, default=q.default)
        threshold = Number(unit=q.unit, low=0.0, high=1.1 * q.nominal, default=1.1 * q.nominal)
        limit = Number(unit=q.unit, low=0.0, high=1.02 * q.nominal)

        def protect(level: float) -> None:
            self._require_remote()
            guards[q.trip].level = round(level, q.decimals)
            self.stage.supervise()

        commands = [
            setting(
                f"{q.header}[:LEVel][:IMMediate][:AMPLitude]",
                value,
                lambda level: self._program(q, level),
                lambda: getattr(self.stage, q.set_point),
                q.show,
            ),
            setting(
                f"{q.header}:PROTection[:LEVel]",
                threshold,
                protect,
                lambda: guards[q.trip].level,
                q.show,
            ),
        ]
        for end, index in (("LOW", 0), ("HIGH", 1)):
            if index == 0 and q.trip is Trip.OVER_POWER:
                continue  # A power has no lower limit of adjustment.
            commands.append(self._limit(q, end, index, limit))
        return commands

    def _limit(self, q: Quantity, end: str, index: int, number: Number) -> Command:
        def store(level: float) -> None:
            self._require_remote()
            level = round(level, q.decimals)
            set_value = getattr(self.stage, q.set_point)
            low, high = (level, self._limits[q][1]) if index == 0 else (self._limits[q][0], level)
            # A limit does not cut a set value off: that has to move first.
            if not low <= set_value <= high:
                raise ScpiError(-221)
            self._limits[q][index] = level

        return setting(
            f"{q.header}:LIMit:{end}", number, store, lambda: self._limits[q][index], q.show
        )

    def _program(self, q: Quantity, level: float) -> None:
        self._require_remote()
        low, high = self._limits[q]
        if not low <= round(level, q.decimals) <= high:
            raise ScpiError(-222)
        self.stage.program(**{q.set_point: level})

    def _states(self) -> list[Command]:
        switch = (Boolean(),)
        stage = self.stage
        return [
            Command("SYSTem:LOCK[:STATe]", set=self._lock, params=switch),
            Command("SYSTem:LOCK:OWNer", query=self._owner),
            Command(
                "OUTPut[:STATe]",
                set=self._output,
                params=switch,
                query=lambda: "ON" if stage.on else "OFF",
            ),
            Command("SYSTem:ERRor[:NEXT]", query=self._next_error),
            Command("SYSTem:ERRor:ALL", query=self._all_errors),
            *status_group("STATus:SECond:QUEStionable", self._second),
            *(
                setting(
                    f"SYSTem:COMMunicate:MONitoring:{spelling}",
                    Number(unit="S", low=1.0, high=36_000.0, default=5.0),
                    self._set_timeout,
                    lambda: stage.watchdog.seconds,
                    lambda value: f"{value:.0f}",
                )
                # Both are in use; the guide's older issues print the longer one.
                for spelling in ("TIMeout", "TIME")
            ),
            Command(
                "SYSTem:COMMunicate:MONitoring:ACTion",
                set=self._watch,
                params=switch,
                query=lambda: "ON" if self._watchdog_wanted else "OFF",
            ),
        ]

    def _set_timeout(self, seconds: float) -> None:
        self._require_remote()
        self.stage.watchdog.seconds = float(round(seconds))

    def _watch(self, on: bool) -> None:
        self._require_remote()
        self._watchdog_wanted = on
        self._arm_watchdog()

    def _alarms(self) -> list[Command]:
        names = {
            Trip.OVER_VOLTAGE: ("OVOLtage",),
            Trip.OVER_TEMPERATURE: ("OTEMperature",),
            Trip.OVER_POWER: ("OPOWer",),
            # Clients of the series send either.
            Trip.OVER_CURRENT: ("OCURrent", "OCURRent"),
            Trip.POWER_FAIL: ("PFAil", "PFail"),
        }
        commands = [Command("SYSTem:ALARm:COUNt:SHAREbusfail", query=lambda: "0")]
        for trip, spellings in names.items():
            for spelling in spellings:
                commands.append(self._count(f"SYSTem:ALARm:COUNt:{spelling}", trip, sink=False))
                if trip in {Trip.OVER_POWER, Trip.OVER_CURRENT}:
                    header = f"SYSTem:SINK:ALARm:COUNt:{spelling}"
                    commands.append(self._count(header, trip, sink=True))
        return commands

    def _count(self, header: str, trip: Trip, *, sink: bool) -> Command:
        return Command(header, query=lambda: str(self._alarm_counts.get((trip, sink), 0)))

    def _measurements(self) -> list[Command]:
        measure = self.stage.measure

        def array() -> str:
            voltage_v, current_a, power_w = measure()
            return f"{show_v(voltage_v)}, {show_a(current_a)}, {show_w(power_w)}"

        return [
            Command("MEASure[:SCALar]:VOLTage[:DC]", query=lambda: show_v(measure()[0])),
            Command("MEASure[:SCALar]:CURRent[:DC]", query=lambda: show_a(measure()[1])),
            Command("MEASure[:SCALar]:POWer[:DC]", query=lambda: show_w(measure()[2])),
            Command("MEASure[:SCALar]:ARRay", query=array),
        ]
