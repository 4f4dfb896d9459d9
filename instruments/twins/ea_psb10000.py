"""Twin of the EA Elektro-Automatik PSB 10080-1000 4U (80 V, 1000 A, 30 kW), source quadrant.

Source of each behaviour: the maker's SCPI guide as the driver of this model quotes it; see
``drivers/ea_psb10000.py``, which also names what nobody here has seen on a real one.
Deviations from the standard: set commands need the remote lock, answers carry their unit, states
are words, and reading the error queue acknowledges alarms whose cause is gone.
"""

import random
from collections.abc import Callable

from instruments.protocols import Trip
from instruments.scpi import Boolean, Command, Device, Dialect, Number, ScpiError, setting
from instruments.twins.electrical import OpenCircuit, Port, SourceDemand
from instruments.twins.twin import Readout, Twin

NOMINAL_V, NOMINAL_A, NOMINAL_W = 80.0, 1000.0, 30_000.0
ALARM_BITS = {Trip.OVER_VOLTAGE: 1, Trip.OVER_CURRENT: 2, Trip.OVER_POWER: 4}
REMOTE_BIT, OUTPUT_BIT = 1 << 10, 1 << 11
CV_BIT, CC_BIT, CP_BIT = 1 << 8, 1 << 9, 1 << 10


class EaPsb10000Twin(Twin):
    """The supply's SCPI in front of one source demand."""

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.005,  # Chosen: an embedded Ethernet stack's few milliseconds.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.demand = SourceDemand(
            enabled=False, voltage_v=0.0, current_limit_a=0.0, power_limit_w=NOMINAL_W
        )
        self._port: Port = OpenCircuit(self.demand)
        self._now_us = now_us
        # Half of the data sheet's figure for what calibration leaves, chosen like the noise.
        self._volts = Readout(dice, offset_max=0.02, noise=0.0025, decimals=2)
        self._amperes = Readout(dice, offset_max=0.5, noise=0.025, decimals=1)
        self.ovp_v, self.ocp_a, self.opp_w = 1.1 * NOMINAL_V, 1.1 * NOMINAL_A, 1.1 * NOMINAL_W
        self.remote = False
        self.trips: set[Trip] = set()
        self._watchdog_s = 5.0
        self._watchdog_armed = False
        self._fed_us = now_us()
        self.device = Device(
            [*self._sets(), *self._states(), *self._measurements()],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(input_limit=512),
        )

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self._port = port

    def identity(self) -> str:
        """Five fields: the last is the user's text, empty from the factory."""
        return (
            "EA Elektro-Automatik GmbH & Co. KG, PSB 10080-1000 4U, "
            f"{self.serial}, V2.01 V3.02 V1.05, "
        )

    # Supervision: what the instrument does without being asked.

    def before_message(self) -> None:
        """See to the watchdog and the protections; any message then feeds the watchdog."""
        self.check_watchdog()
        self.check_protections()
        self._fed_us = self._now_us()

    def watchdog_due_us(self) -> int | None:
        """When the interface watchdog would expire, for the owner to call check_watchdog then."""
        if not self._watchdog_armed or not self.remote:
            return None
        return self._fed_us + round(self._watchdog_s * 1_000_000)

    def check_watchdog(self) -> None:
        """On expiry leave remote, and switch off: the state after remote is set to OFF."""
        due_us = self.watchdog_due_us()
        if due_us is not None and self._now_us() >= due_us:
            self._leave_remote()

    def check_protections(self) -> None:
        """Trip what the terminals exceed; thresholds are always active and have no delay."""
        port, demand = self._port, self.demand
        port.settle()
        voltage_v = port.voltage_v()
        # A voltage from outside trips too, even with the output off.
        if voltage_v > self.ovp_v:
            self._trip(Trip.OVER_VOLTAGE)
        if demand.enabled:
            current_a = port.current_a()
            if current_a > self.ocp_a:
                self._trip(Trip.OVER_CURRENT)
            if voltage_v * current_a > self.opp_w:
                self._trip(Trip.OVER_POWER)
        self._refresh_status()

    def _trip(self, trip: Trip) -> None:
        self.trips.add(trip)
        self.demand.enabled = False

    def _refresh_status(self) -> None:
        demand, status = self.demand, self.device.status
        alarms = sum(ALARM_BITS[trip] for trip in self.trips)
        status.questionable.update(alarms | REMOTE_BIT * self.remote | OUTPUT_BIT * demand.enabled)
        operation = 0
        if demand.enabled:
            voltage_v, current_a = self._port.voltage_v(), self._port.current_a()
            if current_a >= 0.999 * demand.current_limit_a:
                operation = CC_BIT
            elif voltage_v * current_a >= 0.999 * demand.power_limit_w:
                operation = CP_BIT
            else:
                operation = CV_BIT
        status.operation.update(operation)

    # Commands.

    def _sets(self) -> list[Command]:
        demand = self.demand
        volts = Number(unit="V", low=0.0, high=1.02 * NOMINAL_V, default=0.0)
        amperes = Number(unit="A", low=0.0, high=1.02 * NOMINAL_A, default=0.0)
        watts = Number(unit="W", low=0.0, high=1.02 * NOMINAL_W, default=NOMINAL_W)
        return [
            setting(
                "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]",
                volts,
                lambda value: self._set_demand("voltage_v", round(value, 2)),
                lambda: demand.voltage_v,
                _volts,
            ),
            setting(
                "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]",
                amperes,
                lambda value: self._set_demand("current_limit_a", round(value, 1)),
                lambda: demand.current_limit_a,
                _amperes,
            ),
            setting(
                "[SOURce:]POWer[:LEVel][:IMMediate][:AMPLitude]",
                watts,
                lambda value: self._set_demand("power_limit_w", float(round(value))),
                lambda: demand.power_limit_w,
                _watts,
            ),
            setting(
                "[SOURce:]VOLTage:PROTection[:LEVel]",
                Number(unit="V", low=0.0, high=1.1 * NOMINAL_V, default=1.1 * NOMINAL_V),
                lambda value: self._set_threshold("ovp_v", round(value, 2)),
                lambda: self.ovp_v,
                _volts,
            ),
            setting(
                "[SOURce:]CURRent:PROTection[:LEVel]",
                Number(unit="A", low=0.0, high=1.1 * NOMINAL_A, default=1.1 * NOMINAL_A),
                lambda value: self._set_threshold("ocp_a", round(value, 1)),
                lambda: self.ocp_a,
                _amperes,
            ),
            setting(
                "[SOURce:]POWer:PROTection[:LEVel]",
                Number(unit="W", low=0.0, high=1.1 * NOMINAL_W, default=1.1 * NOMINAL_W),
                lambda value: self._set_threshold("opp_w", float(round(value))),
                lambda: self.opp_w,
                _watts,
            ),
        ]

    def _states(self) -> list[Command]:
        switch = (Boolean(),)
        seconds = Number(unit="S", low=1.0, high=36_000.0, default=5.0)
        return [
            Command("SYSTem:LOCK", set=self._lock, params=switch),
            Command("SYSTem:LOCK:OWNer", query=lambda: "REMOTE" if self.remote else "NONE"),
            Command(
                "OUTPut[:STATe]",
                set=self._output,
                params=switch,
                query=lambda: "ON" if self.demand.enabled else "OFF",
            ),
            Command("SYSTem:ERRor[:NEXT]", query=self._next_error),
            setting(
                "SYSTem:COMMunicate:MONitoring:TIMe",
                seconds,
                lambda value: self._set_watchdog("_watchdog_s", value),
                lambda: self._watchdog_s,
                lambda value: f"{value:.0f}",
            ),
            Command(
                "SYSTem:COMMunicate:MONitoring:ACTion",
                set=lambda state: self._set_watchdog("_watchdog_armed", state),
                params=switch,
                query=lambda: "ON" if self._watchdog_armed else "OFF",
            ),
            Command("SYSTem:NOMinal:VOLTage", query=lambda: _volts(NOMINAL_V)),
            Command("SYSTem:NOMinal:CURRent", query=lambda: _amperes(NOMINAL_A)),
            Command("SYSTem:NOMinal:POWer", query=lambda: _watts(NOMINAL_W)),
        ]

    def _measurements(self) -> list[Command]:
        return [
            Command("MEASure[:SCALar]:VOLTage[:DC]", query=lambda: _volts(self._read()[0])),
            Command("MEASure[:SCALar]:CURRent[:DC]", query=lambda: _amperes(self._read()[1])),
            Command("MEASure[:SCALar]:POWer[:DC]", query=lambda: _watts(self._read()[2])),
            Command("MEASure[:SCALar]:ARRay", query=self._read_array),
        ]

    def _read(self) -> tuple[float, float, float]:
        # before_message has settled the port for this instant.
        voltage_v = self._volts.read(self._port.voltage_v())
        current_a = self._amperes.read(self._port.current_a()) if self.demand.enabled else 0.0
        return voltage_v, current_a, voltage_v * current_a

    def _read_array(self) -> str:
        voltage_v, current_a, power_w = self._read()
        return f"{_volts(voltage_v)}, {_amperes(current_a)}, {_watts(power_w)}"

    def _require_remote(self) -> None:
        if not self.remote:
            raise ScpiError(-221)

    def _set_demand(self, name: str, value: float) -> None:
        self._require_remote()
        self._port.settle()
        setattr(self.demand, name, value)
        self.check_protections()

    def _set_threshold(self, name: str, value: float) -> None:
        self._require_remote()
        setattr(self, name, value)
        self.check_protections()

    def _set_watchdog(self, name: str, value: float) -> None:
        self._require_remote()
        setattr(self, name, value)

    def _lock(self, on: bool) -> None:
        if on:
            self.remote = True
            self._refresh_status()
        else:
            self._leave_remote()

    def _leave_remote(self) -> None:
        self._port.settle()
        self.demand.enabled = False
        self.remote = False
        self._refresh_status()

    def _output(self, on: bool) -> None:
        self._require_remote()
        if on and self.trips:
            raise ScpiError(-221)
        self._port.settle()
        self.demand.enabled = on
        self.check_protections()

    def _next_error(self) -> str:
        # Over-current and over-power end with the output; over-voltage may come from outside.
        still_there = {Trip.OVER_VOLTAGE} if self._port.voltage_v() > self.ovp_v else set()
        self.trips &= still_there
        self._refresh_status()
        return str(self.device.errors.pop())

    def _reset(self) -> None:
        self._port.settle()
        demand = self.demand
        demand.enabled = False
        demand.voltage_v, demand.current_limit_a, demand.power_limit_w = 0.0, 0.0, NOMINAL_W
        self.ovp_v, self.ocp_a, self.opp_w = 1.1 * NOMINAL_V, 1.1 * NOMINAL_A, 1.1 * NOMINAL_W
        self.trips.clear()
        self._watchdog_armed = False
        self._refresh_status()


def _volts(value: float) -> str:
    return f"{value:.2f} V"


def _amperes(value: float) -> str:
    return f"{value:.1f} A"


def _watts(value: float) -> str:
    return f"{value:.0f} W"
