"""Events: what happened, with its number and its time, kept over a power cycle."""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

from bms.codes import Error, Notice
from bms.firmware import Firmware, Room, Slot, TableSlot
from bms.port_status import EventsStatus
from bms.status import View

REGISTER = "events"
MOST = 32  # chosen: what fits a page of the tool
_ENTRY = struct.Struct("<BQ")
LAST_ERRORS = 4  # public: register 0x2110 holds four
FIRST_NOTICE = min(Notice)

Fact = Callable[[View], bool]
NOTICES: Mapping[int, Fact] = MappingProxyType(
    {
        # No fail-safe, but of the last errors (v1.21-01).
        Error.UNDER_CHARGE_STANDBY: lambda view: view.idle.over,
        Notice.CHARGER_DETECTED: lambda view: view.charger.detected,
        Notice.FUSE_BROKEN: lambda view: view.precharge.fuse_broken or view.warnings.fuse_broken,
        Notice.CELL_VOLTAGE_DEVIATION: lambda view: view.warnings.cell_voltage_deviation,
        Notice.CELL_TEMPERATURE_DEVIATION: lambda view: view.warnings.cell_temperature_deviation,
        Notice.SERVICE: lambda view: view.warnings.service,
        Notice.SYSTEM_VOLTAGE: lambda view: view.warnings.system_voltage,
        Notice.MEASUREMENTS_INVALID: lambda view: view.warnings.measurements_invalid,
        Notice.HOT_INSIDE: lambda view: view.warnings.hot_inside,
        Notice.BATTERY_CURRENT: lambda view: view.warnings.battery_current,
        Notice.BALANCER: lambda view: view.warnings.balancer,
        Notice.HUMIDITY: lambda view: view.warnings.humidity,
        Notice.BATTERY_COUNT: lambda view: view.registration.unsupported_count,
        Notice.LEAKAGE: lambda view: view.warnings.leakage,
        Notice.OVERLOAD: lambda view: view.protection.overload,
        Notice.SELF_TEST_FAILED: lambda view: view.warnings.self_test_failed,
        Notice.PRIVATE_BUS_OFF: lambda view: view.battery_bus.bus_off,
    }
)


class Events(Room):
    """An error's event has its number (register 0x2101); time is since power-on, in us.

    What is no error is a notice, logged when its fact becomes true.
    """

    notices = TableSlot[int, Fact](NOTICES)
    reports_watchdog = Slot(True)  # a restart by it

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        raw = registers.get(REGISTER, b"")
        whole = raw[: len(raw) // _ENTRY.size * _ENTRY.size]
        self._log = [(number, time_us) for number, time_us in _ENTRY.iter_unpack(whole)]
        self._error = 0
        self._noticed: frozenset[int] = frozenset()
        self._status = self._make_status({})

    def _make_status(self, writes: Mapping[str, bytes]) -> EventsStatus:
        newest_first = [number for number, _ in reversed(self._log) if number < FIRST_NOTICE]
        return EventsStatus(
            log=tuple(self._log), last_errors=tuple(newest_first[:LAST_ERRORS]), writes=writes
        )

    def step(self, now_us: int, view: View) -> EventsStatus:
        """Log an error when it is latched, and a notice when it begins."""
        error = int(view.fail_safe.error)
        noticed = frozenset(number for number, fact in self.notices.items() if fact(view))
        new = sorted(noticed - self._noticed)
        if error and error != self._error:
            new.append(error)
        if view.inputs.reset_by_watchdog and self.reports_watchdog:
            new.append(Error.WATCHDOG)
        if new:
            self._log = [*self._log, *((number, now_us) for number in new)][-MOST:]
            stored = b"".join(_ENTRY.pack(*entry) for entry in self._log)
            self._status = self._make_status({REGISTER: stored})
        elif self._status.writes:
            self._status = self._make_status({})
        self._error, self._noticed = error, noticed
        return self._status
