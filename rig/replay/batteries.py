"""What a log shows of the batteries: who they are, and what they read, change by change.

From the private bus where it was recorded; else from the extremes that the device tells on VE.Can.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from rig.can.frame import header_of
from rig.replay.excerpt import Entry, Excerpt
from rig.replay.observe import PRIVATE, VE_CAN
from rig.replay.stimulus import Kind, Step

# Of the private bus: rig/can/dbc/private.dbc.
BEACON, ANNOUNCE, ASSIGN, STATUS = 0x18F000, 0x18F0FE, 0x18F010, 0x18F040
CELLS = {0x18F020: 0, 0x18F021: 4, 0x18F022: 8, 0x18F023: 12}
SENSORS = {0x18F030: 0, 0x18F031: 4}
NO_VOLTAGE, NO_TEMPERATURE, NO_HUMIDITY = 0xFFFF, 0x7FFF, 0xFF
FAULTS = {2: "leakage to chassis", 3: "battery self-test failed", 4: "balancer failed"}
LEAK_KOHM = 40.0  # chosen: less than half of what a sound battery has at the very least
HUMID_PCT = 75.0  # chosen: what a healthy battery does not reach
SENSORS_MOST = 4  # of every type of battery
MOVES_V, MOVES_C = 0.001, 0.25  # chosen: finer than what a level is set and cleared by
# Chosen: what a battery repeats itself in is 0.9 s, and a recorder may have missed one report.
SILENT_US = 2_200_000
RUNNING = 9  # public: register 0x0371; a beacon has it, too
BEACONS = 3  # of the device in a silence: it, and the recorder, were there
CELL_RANGE, SENSOR_RANGE, VREG = 0x0385, 0x0386, 61184
KELVIN = 273.15
Reading = tuple[Kind, int, str, float | None]  # kind, index, terminal, value


@dataclass(slots=True)
class _One:
    """What is known of one battery."""

    first: dict[tuple[Kind, int, str], float | None] = field(default_factory=dict)
    """What it read to begin with."""
    now: dict[tuple[Kind, int, str], float | None] = field(default_factory=dict)
    heard_us: int = -1
    beacons: int = 0


@dataclass(slots=True)
class Batteries:
    """The batteries of an excerpt."""

    cells: int = 0
    type_code: int = -1
    temperature_c: float | None = None
    serials: list[str] = field(default_factory=list)
    changes: list[tuple[int, Step]] = field(default_factory=list)
    """In the log's time."""
    _nodes: list[int] = field(default_factory=list)
    _serial_of: dict[int, int] = field(default_factory=dict)
    _announced: dict[int, int] = field(default_factory=dict)
    _one: dict[int, _One] = field(default_factory=dict)
    _by_ve_can: bool = False

    @classmethod
    def of(cls, excerpt: Excerpt, begin_us: int, end_us: int) -> Self:
        """What an excerpt shows of them until `end_us`; changes from `begin_us` on."""
        found = cls()
        everything = (*excerpt.earlier, *excerpt.entries)
        found._identify(everything)
        found._by_ve_can = not found._nodes
        for entry in everything:
            if entry.t_us >= end_us:
                break
            found._take(entry, excerpt.address, changed=entry.t_us >= begin_us)
        found._see_silence(end_us, begin_us)
        found._measure()
        return found

    @property
    def count(self) -> int:
        """How many were seen."""
        return len(self._nodes)

    def is_stranger(self, entry: Entry) -> bool:
        """Whether a frame is of a battery that announced itself and was never taken."""
        if entry.can_id >> 8 != ANNOUNCE or len(entry.data) < 8 or not self._serial_of:
            return False
        return struct.unpack_from("<I", entry.data)[0] not in self._serial_of.values()

    def _identify(self, entries: tuple[Entry, ...]) -> None:
        """Their nodes, types and serial numbers."""
        nodes = set()
        for entry in entries:
            if entry.bus != PRIVATE or len(entry.data) < 8:
                continue
            kind, node = entry.can_id >> 8, entry.can_id & 0xFF
            if kind in CELLS:
                nodes.add(node)
                raw = struct.unpack("<4H", entry.data)
                valid = [index for index, each in enumerate(raw) if each != NO_VOLTAGE]
                self.cells = max([self.cells, *(CELLS[kind] + index + 1 for index in valid)])
            elif kind == ANNOUNCE:
                serial, code = struct.unpack_from("<IH", entry.data)
                self._announced[serial] = code
            elif kind == ASSIGN:
                self._serial_of[node] = struct.unpack_from("<I", entry.data)[0]
        self._nodes = sorted(nodes)
        taken = [self._serial_of[node] for node in self._nodes if node in self._serial_of]
        if not self._nodes:  # refused at once, or never heard of again
            taken = sorted(self._announced)
            self._nodes = list(range(len(taken)))
        self.serials = [f"HQ{serial:08d}" for serial in taken]
        codes = {self._announced[serial] for serial in taken if serial in self._announced}
        if len(codes) == 1:
            self.type_code = codes.pop()

    def _take(self, entry: Entry, address: int, *, changed: bool) -> None:
        kind, node = entry.can_id >> 8, entry.can_id & 0xFF
        if entry.bus == PRIVATE and len(entry.data) == 8:
            if kind == BEACON:
                # While it starts, batteries have to announce themselves first.
                for one in self._one.values():
                    one.beacons += entry.data[0] == RUNNING
            elif node in self._nodes and (kind in CELLS or kind in SENSORS or kind == STATUS):
                index = self._nodes.index(node)
                self._hear(entry.t_us, index, changed=changed)
                for reading in _readings(kind, entry.data):
                    self._note(entry.t_us, index, reading, changed=changed)
        elif self._by_ve_can and entry.bus == VE_CAN and entry.can_id & 0xFF == address:
            told = _extremes(entry.data) if header_of(entry.can_id).pgn == VREG else ()
            for reading in told:
                self._note(entry.t_us, 0, reading, changed=changed)

    def _hear(self, t_us: int, index: int, *, changed: bool) -> None:
        """It spoke; if it had been silent for long while the device was on, that was no pause."""
        one = self._one.setdefault(index, _One())
        silent_us = t_us - one.heard_us
        if one.heard_us >= 0 and silent_us > SILENT_US and one.beacons >= BEACONS and changed:
            self._tell_silence(one.heard_us, index, silent=True)
            self._tell_silence(t_us, index, silent=False)
        one.heard_us, one.beacons = t_us, 0

    def _see_silence(self, end_us: int, begin_us: int) -> None:
        """Who is silent to the end."""
        for index, one in self._one.items():
            silent_us = end_us - one.heard_us
            if silent_us > SILENT_US and one.beacons >= BEACONS and one.heard_us >= begin_us:
                self._tell_silence(one.heard_us, index, silent=True)

    def _tell_silence(self, t_us: int, index: int, *, silent: bool) -> None:
        arguments = ("battery", index), ("silent", silent)
        at_us = t_us + 10_000 if silent else t_us - 10_000
        self.changes.append((at_us, Step(0, Kind.SILENT, arguments)))

    def _note(self, t_us: int, index: int, reading: Reading, *, changed: bool) -> None:
        kind, number, name, value = reading
        most = {Kind.CELL: self.cells or 2, Kind.TEMPERATURE: SENSORS_MOST}.get(kind)
        if most is not None and number >= most:
            return  # a place in a message that has no cell or sensor
        one = self._one.setdefault(index, _One(heard_us=t_us))
        key = kind, number, name
        if key not in one.now:
            one.first[key] = value
        elif _same(kind, one.now[key], value):
            return
        elif changed:
            self.changes.append((t_us, _step(index, reading)))
        else:
            one.first[key] = value
        one.now[key] = value

    def _measure(self) -> None:
        """The temperature that they start with."""
        known = [
            value
            for one in self._one.values()
            for (kind, _, _), value in one.first.items()
            if kind is Kind.TEMPERATURE and value is not None
        ]
        if known:
            self.temperature_c = round(sorted(known)[len(known) // 2], 1)

    def steps(self, begin_us: int) -> tuple[list[Step], list[Step]]:
        """What they read to begin with, and what changes then."""
        first = [
            _step(index, (kind, number, terminal, value))
            for index, one in sorted(self._one.items())
            for (kind, number, terminal), value in one.first.items()
            if kind is not Kind.FAULT or value
        ]
        later = [
            Step(max(0, t_us - begin_us), each.kind, each.arguments) for t_us, each in self.changes
        ]
        return first, later


def _same(kind: Kind, before: float | None, value: float | None) -> bool:
    if before is None or value is None:
        return before is value
    moves = {Kind.CELL: MOVES_V, Kind.FAULT: 0.5}.get(kind, MOVES_C)
    return abs(before - value) < moves


def _step(battery: int, reading: Reading) -> Step:
    """A reading as a step."""
    kind, number, name, value = reading
    match kind:
        case Kind.CELL:
            return Step(0, kind, (("battery", battery), ("cell", number), ("voltage_v", value)))
        case Kind.TEMPERATURE:
            where = ("battery", battery), ("sensor", number)
            return Step(0, kind, (*where, ("temperature_c", value)))
        case Kind.TERMINAL:
            there = ("battery", battery), ("terminal", name)
            return Step(0, kind, (*there, ("temperature_c", value)))
        case _:
            fault = ("name", name), ("battery", battery)
            if not value:
                return Step(0, Kind.CLEAR, fault)
            extra = {
                "leakage to chassis": (("leakage_kohm", LEAK_KOHM),),
                "humid battery": (("humidity_pct", value),),
            }.get(name, ())
            return Step(0, Kind.FAULT, (*fault, *extra))


def _readings(kind: int, data: bytes) -> Iterator[Reading]:
    """What a report of the private bus reads; None is an invalid reading."""
    if kind in CELLS:
        for index, raw in enumerate(struct.unpack("<4H", data)):
            value = None if raw == NO_VOLTAGE else raw / 10_000
            yield Kind.CELL, CELLS[kind] + index, "", value
    elif kind in SENSORS:
        for index, raw in enumerate(struct.unpack("<4h", data)):
            value = None if raw == NO_TEMPERATURE else raw / 10
            yield Kind.TEMPERATURE, SENSORS[kind] + index, "", value
    else:
        positive, negative, flags, humidity = struct.unpack_from("<hhBB", data)
        for name, raw in (("positive", positive), ("negative", negative)):
            if raw != NO_TEMPERATURE:
                yield Kind.TERMINAL, 0, name, raw / 10
        for bit, name in FAULTS.items():
            yield Kind.FAULT, bit, name, float(flags >> bit & 1)
        humid = humidity != NO_HUMIDITY and humidity > HUMID_PCT
        yield Kind.FAULT, 8, "humid battery", float(humidity) if humid else 0.0


def _extremes(data: bytes) -> Iterator[Reading]:
    """The lowest and the highest that the device tells: as one cell, or sensor, each."""
    if data[:2] != b"\x66\x99" or len(data) < 8:
        return
    register, low, high = struct.unpack("<HHH", data[2:8])
    for index, raw in enumerate((low, high)):
        if raw == 0xFFFF:
            continue
        if register == CELL_RANGE:
            yield Kind.CELL, index, "", raw / 100
        elif register == SENSOR_RANGE:
            yield Kind.TEMPERATURE, index, "", round(raw / 100 - KELVIN, 2)
