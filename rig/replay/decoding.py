"""What a log says, frame by frame: signals with their courses, and events.

Rules of this file: the rig's own decoders read; which one, the identifier says, and the role of the
bus. What nobody can read is kept by its identifier. A frame that only repeats the one before is not
read again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rig.can.by_dbc import (
    DbcDecoder,
    general_decoder,
    mgreg_decoder,
    private_decoder,
    visedo_decoder,
)
from rig.can.decode import DecodedSignal
from rig.can.frame import BROADCAST, Frame, header_of
from rig.can.n2k import N2kDecoder
from rig.can.vreg import LONG_PGN, MG, SINGLE_PGN, VregDecoder, VregMessage
from rig.replay.courses import Course
from rig.replay.log import LoggedFrame, Role
from rig.replay.sides import ADDRESS_CLAIM, PRIVATE_ID, PRIVATE_MASK, PRIVATE_MASTER, Sender, Sides

EVENTS_MAX = 5000  # chosen: a reader looks at some dozen; a page must open
SIGNALS_MAX = 5000  # chosen: 50 batteries have 2000; noise shall not fill the memory
N2K_FIRST = 59392  # the lowest PGN that NMEA 2000 has
UPDATE_DATA = 0x0012  # of thousands of blocks none is an event

Key = tuple[int, str, str]
"""Bus, who it is of (an address or node, or empty), and the signal's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """Something that happened at an instant."""

    t_us: int
    lane: str
    """`state`, `alarm`, `command`, `bus`."""
    who: str
    text: str


@dataclass(slots=True)
class Tracked:
    """A signal that the log tells."""

    unit: str
    course: Course = field(default_factory=Course)
    labels: dict[float, str] = field(default_factory=dict)
    text: str = ""
    """The last, of a signal that is text."""


Reader = Callable[[LoggedFrame], bool]


class Decoding:
    """Takes the frames of a log in order."""

    def __init__(self, sides: Sides, buses: Sequence[str], dbcs: Sequence[DbcDecoder] = ()) -> None:
        self._sides, self._buses = sides, tuple(buses)
        self.signals: dict[Key, Tracked] = {}
        self.events: list[LogEvent] = []
        self.events_left_out = 0
        self.unknown: dict[tuple[int, int, bool], int] = {}
        self.unreadable = 0
        self._readers: dict[tuple[int, int, bool], Reader | None] = {}
        self._last: dict[tuple[int, int, bool], bytes] = {}
        self._heard_us: dict[tuple[int, int, bool], int] = {}
        self._own: dict[tuple[int, int, bool], dict[str, Tracked]] = {}
        self._standard = (general_decoder(), visedo_decoder(), *dbcs)
        self._private, self._mgreg, self._given = private_decoder(), mgreg_decoder(), tuple(dbcs)
        self._n2k: dict[int, N2kDecoder] = {}
        self._vreg: dict[int, VregDecoder] = {}
        self._set_bits: dict[tuple[int, int, int], frozenset[str]] = {}
        self._error_from: dict[int, tuple[int, int, int]] = {}

    def push(self, frame: LoggedFrame) -> None:
        """The next frame."""
        if frame.error:
            self._error(frame)
            return
        key = frame.bus, frame.can_id, frame.extended
        if key not in self._readers:
            self._readers[key] = self._reader(frame)
        reader = self._readers[key]
        if reader is None or not reader(frame):
            self.unknown[key] = self.unknown.get(key, 0) + 1

    def finish(self) -> None:
        """The log is at its end."""
        for bus in tuple(self._error_from):
            self._end_errors(bus)
        for key, t_us in self._heard_us.items():
            for tracked in self._own.get(key, {}).values():
                tracked.course.last_us = max(tracked.course.last_us, t_us)
        self.events.sort(key=lambda event: event.t_us)

    def _event(self, t_us: int, lane: str, who: str, text: str) -> None:
        if len(self.events) < EVENTS_MAX:
            self.events.append(LogEvent(t_us=t_us, lane=lane, who=who, text=text))
        else:
            self.events_left_out += 1

    def _error(self, frame: LoggedFrame) -> None:
        """Error frames within a second of each other are one event."""
        begun = self._error_from.get(frame.bus)
        if begun is not None and frame.t_us - begun[1] > 1_000_000:
            self._end_errors(frame.bus)
            begun = None
        first_us, _, count = begun or (frame.t_us, 0, 0)
        self._error_from[frame.bus] = first_us, frame.t_us, count + 1

    def _end_errors(self, bus: int) -> None:
        first_us, last_us, count = self._error_from.pop(bus)
        lasted_s = (last_us - first_us) / 1e6
        text = f"bus {self._buses[bus]}: {count} error frames in {lasted_s:g} s"
        self._event(first_us, "bus", "", text)

    def _reader(self, frame: LoggedFrame) -> Reader | None:
        """How frames of this identifier are read; None if by nobody."""
        as_frame = Frame(frame.can_id, frame.data, frame.extended)
        given = next((dbc for dbc in self._given if dbc.names(as_frame)), None)
        if given is not None:
            return self._by_dbc(given)
        if not frame.extended:
            dbc = next((dbc for dbc in self._standard if dbc.names(as_frame)), None)
            return None if dbc is None else self._by_dbc(dbc)
        if frame.can_id & PRIVATE_MASK == PRIVATE_ID and (
            self._sides.roles[frame.bus] in {Role.PRIVATE, Role.UNKNOWN}
        ):
            return self._by_dbc(self._private) if self._private.names(as_frame) else None
        pgn = header_of(frame.can_id).pgn
        if pgn in {SINGLE_PGN, LONG_PGN}:
            return self._by_vreg
        if pgn == ADDRESS_CLAIM:
            return self._claim
        return self._by_n2k if pgn >= N2K_FIRST else None

    def _by_dbc(self, dbc: DbcDecoder) -> Reader:
        def read(frame: LoggedFrame) -> bool:
            key = frame.bus, frame.can_id, frame.extended
            self._heard_us[key] = frame.t_us
            before, data = self._last.get(key), frame.data
            if before == data:
                return True
            self._last[key] = data
            as_frame = Frame(frame.can_id, data, frame.extended)
            if before is None:
                signals = dbc.signals(frame.t_us, as_frame)
            else:
                signals = dbc.changed(frame.t_us, as_frame, before)
            self._put(frame, signals)
            return before is not None or bool(signals)

        return read

    def _by_n2k(self, frame: LoggedFrame) -> bool:
        decoder = self._n2k.get(frame.bus)
        if decoder is None:
            decoder = self._n2k[frame.bus] = N2kDecoder()
            # It warns of every PGN that it does not know, on the terminal of who waits.
            logging.getLogger("nmea2000").setLevel(logging.ERROR)
        try:
            signals = decoder.signals(frame.t_us, Frame(frame.can_id, frame.data))
        except Exception:  # noqa: BLE001
            # The library raises whatever it likes on what no device should send; a log has it all.
            self.unreadable += 1
            return False
        self._put(frame, signals)
        # A fast packet's frames say nothing each: only where never anything came is it unknown.
        return bool(signals) or len(frame.data) == 8

    def _by_vreg(self, frame: LoggedFrame) -> bool:
        decoder = self._vreg.get(frame.bus)
        if decoder is None:
            decoder = self._vreg[frame.bus] = VregDecoder()
        message = decoder.decode(Frame(frame.can_id, frame.data))
        if message is None:
            return self._by_n2k(frame)
        if message.manufacturer == MG:
            # MG's own registers; with a name of the same number nothing has to do with Victron's.
            own = self._mgreg.signals(frame.t_us, Frame(frame.can_id, frame.data))
            self._put(frame, own)
            return bool(own)
        written = message.destination != BROADCAST
        sender = self._sides.sender(frame)
        if message.kind == "data" and (not written or sender is Sender.DUT):
            self._put(frame, decoder.told(frame.t_us, message))
            self._flags(frame, message)
        elif message.kind == "data" and message.register != UPDATE_DATA:
            self._event(frame.t_us, "command", sender, f"writes {_register(message)}")
        elif message.kind == "ack" and message.code:
            said = message.texts.get("code", "")
            self._event(frame.t_us, "command", sender, f"refuses {_register(message)}: {said}")
        return True

    def _flags(self, frame: LoggedFrame, message: VregMessage) -> None:
        """What has been set or cleared since the register was told last."""
        key = frame.bus, message.source, message.register
        before = self._set_bits.get(key)
        self._set_bits[key] = message.set_bits
        who = self._who(frame, message.source)
        if before is None:
            before = frozenset()
            if not message.set_bits:
                return
        for name in sorted(message.set_bits - before):
            self._event(frame.t_us, _lane(name), who, f"{name}: set")
        for name in sorted(before - message.set_bits):
            self._event(frame.t_us, _lane(name), who, f"{name}: cleared")

    def _claim(self, frame: LoggedFrame) -> bool:
        key = frame.bus, frame.can_id, frame.extended
        if self._last.get(key) != frame.data:
            self._last[key] = frame.data
            who = self._who(frame, frame.can_id & 0xFF)
            self._event(frame.t_us, "bus", who, f"claims address 0x{frame.can_id & 0xFF:02X}")
        return True

    def _who(self, frame: LoggedFrame, source: int | None) -> str:
        if source is None or not frame.extended:
            return ""
        if self._sides.roles[frame.bus] is Role.PRIVATE:
            told = frame.can_id >> 8 & 0xFF
            return f"node {source}" if source or told not in PRIVATE_MASTER else "master"
        return f"0x{source:02X}"

    def _put(self, frame: LoggedFrame, signals: Iterable[DecodedSignal]) -> None:
        own = self._own.setdefault((frame.bus, frame.can_id, frame.extended), {})
        for each in signals:
            known = own.get(each.name)
            if known is None:
                who = self._who(frame, each.source)
                known = self._tracked((frame.bus, who, each.name), each.unit)
                if known is None:
                    continue
                own[each.name] = known
            value = each.value
            if isinstance(value, str):
                if value != known.text:
                    if known.text:
                        who = self._who(frame, each.source)
                        self._event(frame.t_us, "state", who, f"{each.name}: {value}")
                    known.text = value
                continue
            number = math.nan if value is None else float(value)
            if each.label:
                self._labelled(frame, each, known, number)
            known.course.put(frame.t_us, number)

    def _tracked(self, key: Key, unit: str) -> Tracked | None:
        known = self.signals.get(key)
        if known is None and len(self.signals) < SIGNALS_MAX:
            known = self.signals[key] = Tracked(unit=unit)
        return known

    def _labelled(
        self, frame: LoggedFrame, each: DecodedSignal, known: Tracked, value: float
    ) -> None:
        """A code with a name: its change is an event."""
        known.labels[value] = each.label
        before = known.course.last
        if value == before or not known.course.samples:
            return
        if each.name.startswith("n2k."):
            return  # VREGs tell the same in the BMS's own words
        was, who = known.labels.get(before, "?"), self._who(frame, each.source)
        self._event(frame.t_us, _lane(each.name), who, f"{each.name}: {was} -> {each.label}")


def _register(message: VregMessage) -> str:
    name = message.name or "register"
    values = [*message.texts.values()] or [
        f"{v:g}" for v in message.values.values() if v is not None
    ]
    return f"{name} (0x{message.register:04X}) = {', '.join(values) or message.raw.hex()}"


def _lane(name: str) -> str:
    return "alarm" if any(word in name for word in ("alarm", "warning", "error")) else "state"
