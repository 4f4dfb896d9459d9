"""Safety lock: a critical limit far exceeded keeps the system in fail-safe, over power cycles.

Public: it is cleared by an unlock code alone, which the maker generates and the diagnostic tool
enters. How far is far, and how the code is made (`bms/wire/diagnostic.py`), is ours.
"""

import struct
from collections.abc import Mapping

from bms.codes import Error
from bms.data import limit
from bms.firmware import Firmware, Room
from bms.status import SafetyLockStatus, View

REGISTER = "safety_lock"
_STORED = struct.Struct("<BH")


class SafetyLock(Room):
    """Locks at a trip, or after it, while the reading is far beyond its critical level."""

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._high_v = {name: limit(f"{name.lower()}.safety_lock.high") for name in ("LFP", "NMC")}
        self._low_v = {name: limit(f"{name.lower()}.safety_lock.low") for name in ("LFP", "NMC")}
        self._high_c = limit("temperature.safety_lock.high")
        self._status = _stored(registers.get(REGISTER, b""))

    def step(self, now_us: int, view: View) -> SafetyLockStatus:
        """Whether it is locked, and what for."""
        before = self._status
        if view.diagnostics.unlocks:
            self._status = _changed(Error.NONE, before.count, unlocked=True)
        elif before.locked or (cause := self._far_exceeded(view)) is Error.NONE:
            if before.unlocked or before.writes:
                self._status = SafetyLockStatus(cause=before.cause, count=before.count)
        else:
            self._status = _changed(cause, min(before.count + 1, 0xFFFF))
        return self._status

    def _far_exceeded(self, view: View) -> Error:
        """The trip of this instant, if its reading is far beyond the critical level."""
        protection, kind = view.protection, view.registration.type
        if protection.trip is Error.NONE or kind is None:
            return Error.NONE
        far = {
            Error.OVER_VOLTAGE: protection.highest_cell_v >= self._high_v[kind.chemistry],
            Error.UNDER_VOLTAGE: protection.lowest_cell_v <= self._low_v[kind.chemistry],
            Error.OVER_TEMPERATURE: view.temperatures.highest_c >= self._high_c,
        }
        return protection.trip if far.get(protection.trip, False) else Error.NONE


def _changed(cause: Error, count: int, *, unlocked: bool = False) -> SafetyLockStatus:
    writes = {REGISTER: _STORED.pack(cause, count)}
    return SafetyLockStatus(cause=cause, count=count, unlocked=unlocked, writes=writes)


def _stored(raw: bytes) -> SafetyLockStatus:
    """What is stored; a cause that nobody knows locks as well, since something was stored."""
    if len(raw) != _STORED.size:
        return SafetyLockStatus()
    code, count = _STORED.unpack(raw)
    known = {int(error): error for error in Error}
    return SafetyLockStatus(cause=known.get(code, Error.HARDWARE), count=count)
