"""Events: what happened, with its number and its time, kept over a power cycle."""

import struct
from collections.abc import Mapping

from bms.firmware import Firmware, Room
from bms.status import EventsStatus, View

REGISTER = "events"
MOST = 32  # chosen: what fits a page of the tool
_ENTRY = struct.Struct("<BQ")
LAST_ERRORS = 4  # public: register 0x2110 holds four


class Events(Room):
    """An event has the number of its error (register 0x2101); time is since power-on, in us."""

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        raw = registers.get(REGISTER, b"")
        whole = raw[: len(raw) // _ENTRY.size * _ENTRY.size]
        self._log = [(number, time_us) for number, time_us in _ENTRY.iter_unpack(whole)]
        self._error = 0
        self._status = self._make_status({})

    def _make_status(self, writes: Mapping[str, bytes]) -> EventsStatus:
        newest_first = [number for number, _ in reversed(self._log)]
        return EventsStatus(
            log=tuple(self._log), last_errors=tuple(newest_first[:LAST_ERRORS]), writes=writes
        )

    def step(self, now_us: int, view: View) -> EventsStatus:
        """Log an error when it is latched."""
        error = int(view.fail_safe.error)
        if error and error != self._error:
            self._log = [*self._log, (error, now_us)][-MOST:]
            stored = b"".join(_ENTRY.pack(*entry) for entry in self._log)
            self._status = self._make_status({REGISTER: stored})
        elif self._status.writes:
            self._status = self._make_status({})
        self._error = error
        return self._status
