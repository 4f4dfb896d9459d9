"""Twin of the Chroma 63206A-150-600 (150 V, 600 A, 6 kW), one electronic load.

The mode names a quantity and a range (``CCH``); each quantity keeps its own level L1.
Range ends and protection thresholds are chosen: see ``drivers/chroma_63206a.py``.
"""

import random

from instruments.protocols import LoadMode, Trip
from instruments.scpi import Boolean, Choice, Command, Device, Dialect, Number, ScpiError, setting
from instruments.twins.electrical import LoadDemand, OpenCircuit, Port
from instruments.twins.twin import Readout, Twin

MAXIMUM_V, MAXIMUM_A, MAXIMUM_W, MAXIMUM_OHM = 150.0, 600.0, 6000.0, 1000.0
# Chosen: protections a little above the ratings.
OVER_V, OVER_A, OVER_W = 1.05 * MAXIMUM_V, 1.05 * MAXIMUM_A, 1.05 * MAXIMUM_W
PROTECTION_BITS = {
    Trip.OVER_CURRENT: 1,
    Trip.OVER_VOLTAGE: 2,
    Trip.OVER_POWER: 4,
    Trip.REVERSE_VOLTAGE: 8,
}
MODES = tuple(f"{mode}{span}" for mode in ("CC", "CR", "CV", "CP") for span in "LMH")
# Upper ends of the current ranges; the other quantities have one end for all, chosen.
RANGE_END_A = {"L": 60.0, "M": 300.0, "H": MAXIMUM_A}


class Chroma63206ATwin(Twin):
    """The load's SCPI in front of one load demand."""

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        latency_s: float = 0.005,  # Chosen: an embedded Ethernet stack's few milliseconds.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.demand = LoadDemand(enabled=False, mode=LoadMode.CC, level=0.0)
        self._port: Port = OpenCircuit(self.demand)
        # Half of the driver's claim for what calibration leaves, chosen like the noise.
        self._volts = Readout(dice, offset_max=0.015, noise=0.001, decimals=4)
        self._amperes = Readout(dice, offset_max=0.1, noise=0.01, decimals=4)
        self._mode = "CCL"
        self._levels = _initial_levels()
        self._current_limit_a = MAXIMUM_A
        self.trips: set[Trip] = set()
        self.device = Device(
            [*self._sets(), *self._states(), *self._measurements()],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(),
        )

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self._port = port

    def identity(self) -> str:
        """Four fields, without spaces."""
        return f"CHROMA,63206A-150-600,{self.serial},1.50"

    def before_message(self) -> None:
        """See to the protections before obeying."""
        self.check_protections()

    def check_protections(self) -> None:
        """Trip what the terminals exceed; the input then stays off until cleared."""
        port = self._port
        port.settle()
        voltage_v = port.voltage_v()
        if voltage_v > OVER_V:
            self._trip(Trip.OVER_VOLTAGE)
        if voltage_v < -1.0:
            self._trip(Trip.REVERSE_VOLTAGE)
        if self.demand.enabled:
            current_a = port.current_a()
            if current_a > OVER_A:
                self._trip(Trip.OVER_CURRENT)
            if voltage_v * current_a > OVER_W:
                self._trip(Trip.OVER_POWER)

    def _trip(self, trip: Trip) -> None:
        self.trips.add(trip)
        self.demand.enabled = False
        self.device.status.questionable.update(self._protection())

    def _protection(self) -> int:
        return sum(PROTECTION_BITS[trip] for trip in self.trips)

    def _sets(self) -> list[Command]:
        return [
            Command("MODE", set=self._choose, params=(Choice(of=MODES),), query=lambda: self._mode),
            self._level("CURRent:STATic:L1", LoadMode.CC, "A", 0.0, MAXIMUM_A),
            self._level("VOLTage:STATic:L1", LoadMode.CV, "V", 0.0, MAXIMUM_V),
            self._level("POWer:STATic:L1", LoadMode.CP, "W", 0.0, MAXIMUM_W),
            self._level("RESistance:STATic:L1", LoadMode.CR, "OHM", 0.001, MAXIMUM_OHM),
            setting(
                "VOLTage:STATic:ILIMit",
                Number(unit="A", low=0.0, high=MAXIMUM_A, default=MAXIMUM_A),
                self._limit_current,
                lambda: self._current_limit_a,
                _number,
            ),
        ]

    def _level(self, header: str, mode: LoadMode, unit: str, low: float, high: float) -> Command:
        return setting(
            header,
            Number(unit=unit, low=low, high=high),
            lambda value: self._set_level(mode, value),
            lambda: self._levels[mode],
            _number,
        )

    def _states(self) -> list[Command]:
        return [
            Command(
                "LOAD[:STATe]",
                set=self._switch,
                params=(Boolean(),),
                query=lambda: "ON" if self.demand.enabled else "OFF",
            ),
            Command("LOAD:PROTection[:STATus]", query=lambda: str(self._protection())),
            Command("LOAD:PROTection:CLEar", set=self._clear_protection),
        ]

    def _measurements(self) -> list[Command]:
        return [
            command
            for root in ("MEASure", "FETCh")
            for command in (
                Command(f"{root}:VOLTage", query=lambda: _number(self._read_v())),
                Command(f"{root}:CURRent", query=lambda: _number(self._read_a())),
                Command(f"{root}:POWer", query=lambda: _number(self._read_v() * self._read_a())),
            )
        ]

    def _read_v(self) -> float:
        # before_message has settled the port for this instant.
        return self._volts.read(self._port.voltage_v())

    def _read_a(self) -> float:
        return self._amperes.read(self._port.current_a()) if self.demand.enabled else 0.0

    def _choose(self, mode: str) -> None:
        self._port.settle()
        self._mode = mode
        self.demand.mode = LoadMode(mode[:2])
        self.demand.level = self._levels[self.demand.mode]
        self.check_protections()

    def _set_level(self, mode: LoadMode, value: float) -> None:
        if mode is LoadMode.CC and self._mode[:2] == "CC" and value > RANGE_END_A[self._mode[2]]:
            raise ScpiError(-222)
        value = round(value, 3)
        self._levels[mode] = value
        if self.demand.mode is mode:
            self._port.settle()
            self.demand.level = value
            self.check_protections()

    def _limit_current(self, value: float) -> None:
        # Kept and answered only: a demand has no second limit.
        self._current_limit_a = value

    def _switch(self, on: bool) -> None:
        if on and self.trips:
            raise ScpiError(-221)
        self._port.settle()
        self.demand.enabled = on
        self.check_protections()

    def _clear_protection(self) -> None:
        self.trips.clear()
        self.check_protections()
        self.device.status.questionable.update(self._protection())

    def _reset(self) -> None:
        self._port.settle()
        self.demand.enabled = False
        self.demand.mode, self.demand.level = LoadMode.CC, 0.0
        self._mode = "CCL"
        self._levels = _initial_levels()
        self.trips.clear()


def _initial_levels() -> dict[LoadMode, float]:
    return {
        LoadMode.CC: 0.0,
        LoadMode.CV: MAXIMUM_V,
        LoadMode.CP: 0.0,
        LoadMode.CR: MAXIMUM_OHM,
    }


def _number(value: float) -> str:
    return f"{value:.4f}"
