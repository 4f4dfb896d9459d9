"""Events: what happened, with its number and its time, kept over a power cycle."""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

from bms.firmware import Firmware, Room, TableSlot
from bms.status import EventsStatus, Notice, View

REGISTER = "events"
MOST = 32  # chosen: what fits a page of the tool
_ENTRY = struct.Struct("<BQ")
LAST_ERRORS = 4  # public: register 0x2110 holds four
FIRST_NOTICE = min(Notice)

Fact = Callable[[View], bool]
NOTICES: Mapping[int, Fact] = MappingProxyType(
    {
        Notice.CHARGER_DETECTED: lambda view: view.charger.detected,
        Notice.FUSE_BROKEN: lambda view: view.precharge.fuse_broken,
        Notice.OVERLOAD: lambda view: view.protection.overload,
        Notice.SELF_TEST_FAILED: lambda view: view.warnings.self_test_failed,
    }
)


class Events(Room):
    """An error's event has its number (register 0x2101); time is since power-on, in us.

    What is no error is a notice, logged when its fact becomes true.
    """

    notices = TableSlot[int, Fact](NOTICES)

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
        if new:
            self._log = [*self._log, *((number, now_us) for number in new)][-MOST:]
            stored = b"".join(_ENTRY.pack(*entry) for entry in self._log)
            self._status = self._make_status({REGISTER: stored})
        elif self._status.writes:
            self._status = self._make_status({})
        self._error, self._noticed = error, noticed
        return self._status
