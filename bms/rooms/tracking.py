"""Tracking: what has ever been, and what was today, kept over a power cut.

Stored every quarter of an hour, when the system is turned off, and when a fail-safe triggers. A
day is 24 h of the master's own clock, which stands still while it has no supply: the log has no
calendar. The layout is the project's own.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from bms.codes import State, Today, Tracked
from bms.firmware import Firmware, Room, Slot, TableSlot, seconds
from bms.port_status import TrackingStatus
from bms.status import NAN, View

REGISTER = "tracking"
SAVE_PERIOD_US = seconds(900)  # chosen: a flash memory of 100 000 writes lasts for three years
DAY_US = seconds(86_400)
DAYS = 8  # chosen: today, and a week
_HEAD, _CHECK = struct.Struct("<QB"), struct.Struct("<I")
_ENTRY = struct.Struct("<Bdd")

Kept = tuple[float, float]  # a value, and what it weighs
# Of what was kept before, a reading, and the seconds since the last; the same if nothing is new.
Fold = Callable[[Kept | None, float, float], Kept]


class Moment(NamedTuple):
    """What a value is read from: the view, and what has moved since the last step."""

    view: View
    discharged_ah: float
    discharged_kwh: float
    charged_kwh: float
    failed: bool  # a fail-safe has begun in it


@dataclass(frozen=True, slots=True)
class Entry:
    """A tracked value: what is read of a moment, NaN for nothing, and how it is taken in."""

    reads: Callable[[Moment], float]
    fold: Fold
    tells: str = ""  # what it is, where the fold does not say it all

    def __str__(self) -> str:
        return self.tells or self.fold.__name__.replace("_", " ")


def added(before: Kept | None, reading: float, elapsed_s: float) -> Kept:
    """The sum of all readings."""
    if before is None:
        return reading, 0.0
    return (before[0] + reading, 0.0) if reading else before


def highest(before: Kept | None, reading: float, elapsed_s: float) -> Kept:
    """The greatest reading."""
    return (reading, 0.0) if before is None or reading > before[0] else before


def lowest(before: Kept | None, reading: float, elapsed_s: float) -> Kept:
    """The least reading."""
    return (reading, 0.0) if before is None or reading < before[0] else before


def mean_by_time(before: Kept | None, reading: float, elapsed_s: float) -> Kept:
    """The mean, each reading by the time that it lasted (v1.11-04)."""
    mean, weight_s = before or (reading, 0.0)
    total_s = weight_s + elapsed_s
    return mean + (reading - mean) * (elapsed_s / total_s if total_s else 0.0), total_s


def _while_closed(read: Callable[[View], float]) -> Callable[[Moment], float]:
    # By its auxiliary contact: with the coil on it still takes some time to close.
    return lambda moment: read(moment.view) if moment.view.inputs.aux_contact_closed else NAN


def _drawn_ah(view: View) -> float:
    return view.soc.remaining_ah - (view.registration.capacity_ah or NAN)


def _middle_c(view: View) -> float:
    return (view.temperatures.lowest_c + view.temperatures.highest_c) / 2


DISCHARGED = Entry(lambda moment: moment.discharged_kwh, added, "power added up")
CHARGED = Entry(lambda moment: moment.charged_kwh, added)
EVER: Mapping[Tracked, Entry] = MappingProxyType(
    {
        Tracked.DEEPEST_DISCHARGE_AH: Entry(_while_closed(_drawn_ah), lowest),
        Tracked.CHARGE_DRAWN_AH: Entry(lambda moment: moment.discharged_ah, added),
        Tracked.VOLTAGE_V_MIN: Entry(_while_closed(lambda v: v.inputs.battery_voltage_v), lowest),
        Tracked.VOLTAGE_V_MAX: Entry(_while_closed(lambda v: v.inputs.battery_voltage_v), highest),
        Tracked.DISCHARGED_KWH: DISCHARGED,
        Tracked.CHARGED_KWH: CHARGED,
        Tracked.TEMPERATURE_C_MAX: Entry(lambda m: m.view.temperatures.highest_c, highest),
        Tracked.TEMPERATURE_C_MIN: Entry(lambda m: m.view.temperatures.lowest_c, lowest),
        Tracked.CELL_VOLTAGE_V_MIN: Entry(lambda m: m.view.protection.lowest_cell_v, lowest),
        Tracked.CELL_VOLTAGE_V_MAX: Entry(lambda m: m.view.protection.highest_cell_v, highest),
        Tracked.CURRENT_A_MAX: Entry(_while_closed(lambda v: v.inputs.current_a), highest),
        Tracked.CURRENT_A_MIN: Entry(_while_closed(lambda v: v.inputs.current_a), lowest),
        Tracked.ERROR_SHUTDOWNS: Entry(lambda moment: float(moment.failed), added),
    }
)
SUMMARY: Mapping[Today, Entry] = MappingProxyType(
    {
        Today.TEMPERATURE_C_MEAN: Entry(lambda m: _middle_c(m.view), mean_by_time),
        Today.DISCHARGED_KWH: DISCHARGED,
        Today.CHARGED_KWH: CHARGED,
        Today.CHARGE_CURRENT_A_MAX: Entry(
            _while_closed(lambda v: max(v.inputs.current_a, 0.0)), highest
        ),
        Today.DISCHARGE_CURRENT_A_MAX: Entry(
            _while_closed(lambda v: max(-v.inputs.current_a, 0.0)), highest
        ),
        Today.SYSTEM_VOLTAGE_V_MAX: Entry(
            _while_closed(lambda v: v.inputs.system_voltage_v), highest
        ),
        Today.SYSTEM_VOLTAGE_V_MIN: Entry(
            _while_closed(lambda v: v.inputs.system_voltage_v), lowest
        ),
    }
)


class Tracking(Room):
    """Keeps the values that a release has, all of them or a day's."""

    ever = TableSlot[Tracked, Entry](EVER)
    summary = TableSlot[Today, Entry](SUMMARY)
    saves_at_fail_safe = Slot(True)

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._clock_us, kept = _read(registers.get(REGISTER, b""))
        ever, *days = kept or [{}]
        self._ever = _Table(ever)
        self._days = [_Table(day) for day in days] or [_Table({})]
        self._stepped_us: int | None = None
        self._saved_us: int | None = None
        self._moved = (0.0, 0.0, 0.0)
        self._was_off, self._had_failed = True, False

    def step(self, now_us: int, view: View) -> TrackingStatus:
        """Take the moment in; what is to be stored, if it is time."""
        elapsed_us = now_us - (now_us if self._stepped_us is None else self._stepped_us)
        self._stepped_us = now_us
        if self._saved_us is None:
            self._saved_us = now_us
        soc = view.soc
        before_ah, before_kwh, before_charged_kwh = self._moved
        self._moved = soc.discharged_ah, soc.discharged_kwh, soc.charged_kwh
        failed = view.fail_safe.active and not self._had_failed
        self._had_failed = view.fail_safe.active
        moment = Moment(
            view,
            soc.discharged_ah - before_ah,
            soc.discharged_kwh - before_kwh,
            soc.charged_kwh - before_charged_kwh,
            failed,
        )
        is_new_day = self._clock(elapsed_us)
        self._ever.take(self.ever, moment, elapsed_us / 1e6)
        self._days[0].take(self.summary, moment, elapsed_us / 1e6)
        is_off = view.start_stop.state is State.STANDBY
        stops = is_off and not self._was_off
        self._was_off = is_off
        due = now_us - self._saved_us >= SAVE_PERIOD_US and not is_off
        writes = {}
        if due or stops or is_new_day or (failed and self.saves_at_fail_safe):
            self._saved_us = now_us
            tables = [self._ever, *self._days]
            writes[REGISTER] = _stored(self._clock_us, [table.kept for table in tables])
        return TrackingStatus(
            ever=self._ever.values, days=tuple(day.values for day in self._days), writes=writes
        )

    def _clock(self, elapsed_us: int) -> bool:
        """Let the clock go on; whether a new day has begun."""
        before, self._clock_us = self._clock_us, self._clock_us + elapsed_us
        begins = before // DAY_US != self._clock_us // DAY_US
        if begins:
            self._days = [_Table({}), *self._days][:DAYS]
        return begins


class _Table:
    """What is kept of some values; ``values`` follows it, so that nobody has to copy it."""

    def __init__(self, kept: dict[int, Kept]) -> None:
        self.kept = kept
        self._values = {number: value for number, (value, _) in kept.items()}
        self.values: Mapping[int, float] = MappingProxyType(self._values)

    def take(
        self,
        table: Mapping[Tracked, Entry] | Mapping[Today, Entry],
        moment: Moment,
        elapsed_s: float,
    ) -> None:
        """Take a moment in."""
        kept = self.kept
        for number, entry in table.items():
            reading = entry.reads(moment)
            if reading == reading:
                before = kept.get(number)
                after = entry.fold(before, reading, elapsed_s)
                if after is not before:
                    kept[number] = after
                    self._values[number] = after[0]


def _stored(clock_us: int, tables: list[dict[int, Kept]]) -> bytes:
    body = _HEAD.pack(clock_us, len(tables))
    for table in tables:
        body += bytes((len(table),))
        body += b"".join(_ENTRY.pack(number, *kept) for number, kept in table.items())
    return _CHECK.pack(zlib.crc32(body)) + body


def _read(raw: bytes) -> tuple[int, list[dict[int, Kept]]]:
    """The clock, and the tables; damaged memory has none."""
    body = raw[_CHECK.size :]
    if len(body) < _HEAD.size or _CHECK.unpack_from(raw) != (zlib.crc32(body),):
        return 0, []
    clock_us, count = _HEAD.unpack_from(body)
    at, tables = _HEAD.size, []
    for _ in range(count):
        end = at + 1 + body[at] * _ENTRY.size
        entries = _ENTRY.iter_unpack(body[at + 1 : end])
        tables.append({number: (value, weight) for number, value, weight in entries})
        at = end
    return clock_us, tables
