"""One pass over a log: its files side by side in the order of time, and what is wrong with it.

Rules of this file: nothing is mended silently. Each file comes with its own clock in order (see
`clock`); here they are laid side by side, duplicates are left out, silent times are told.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

from rig.replay.clock import FileClock
from rig.replay.formats.raw import Notes, Source
from rig.replay.log import BusCount, LogError, LoggedFrame, LogMeta, LogProblems, Problem, Summary

GAP_US = 5_000_000  # chosen: on each bus the system is heard oftener than that while it runs
BUSES_MAX = 64  # chosen: no recorder has more channels; a damaged text has any number
IDENTIFIERS_MAX = 100_000  # chosen: a system has some hundred; noise shall not fill the memory
TWINS = 4  # chosen: how many frames back a duplicate is looked for
# Bits of a data frame without its data, 11 and 29 bit identifier, at the 1 Mbit/s of the fastest
# bus: closer than that two frames cannot be on one wire.
SHORTEST_US = (47, 67)
LONGEST_TWIN_US = 67 + 64

_time_of = attrgetter("t_us")


@dataclass(slots=True)
class _Bus:
    """What is known of a bus until now."""

    name: str
    first_us: int = -1
    last_us: int = -1
    errors: int = 0
    identifiers: dict[tuple[int, bool], int] = field(default_factory=dict)
    others: int = 0
    recent: deque[LoggedFrame] = field(default_factory=lambda: deque(maxlen=TWINS))


class Pass:
    """One reading of a log from its beginning; it can be iterated once."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._notes = [Notes(file=source.path.name) for source in sources]
        self._own = Notes(file="")
        self._buses: list[_Bus] = []
        self._start_utc_us: int | None = None
        self._end_us = 0
        self._remarks: list[str] = []

    def frames(self) -> Iterator[LoggedFrame]:
        """All frames in the order of time. Raises LogError where a file cannot be read."""
        buses = self._buses
        twin_us = LONGEST_TWIN_US
        if any(notes.resolution_us > SHORTEST_US[0] for notes in self._notes):
            twin_us = 0
        for frame in self._side_by_side():
            bus, t_us = buses[frame.bus], frame.t_us
            since_us = t_us - bus.last_us
            if bus.last_us < 0:
                self._begin(bus, t_us)
            elif since_us < twin_us:
                if self._is_twin(frame, bus):
                    continue
            elif since_us > GAP_US:
                self._gap(bus, bus.last_us, t_us)
            bus.last_us = t_us
            bus.recent.append(frame)
            if frame.error:
                bus.errors += 1
            else:
                key = frame.can_id, frame.extended
                seen = bus.identifiers.get(key, 0)
                if seen or len(bus.identifiers) < IDENTIFIERS_MAX:
                    bus.identifiers[key] = seen + 1
                else:
                    bus.others += 1
            yield frame
            self._end_us = t_us
        for bus in buses:
            if self._end_us - bus.last_us > GAP_US:
                self._gap(bus, bus.last_us, self._end_us)

    def summary(self) -> Summary:
        """What the whole log tells; reads it first."""
        for _ in self.frames():
            pass
        return self.told

    @property
    def told(self) -> Summary:
        """What was told until now; all of it once `frames` has come to its end."""
        findings = self._own.findings()
        for notes in self._notes:
            for kind, found in notes.findings().items():
                findings[kind] = found if kind not in findings else findings[kind].and_also(found)
        return Summary(
            meta=LogMeta(
                files=tuple(source.path for source in self._sources),
                formats=tuple(each.format for each in self._notes),
                start_utc_us=self._start_utc_us,
                buses=tuple(bus.name for bus in self._buses),
                notes=(*self._remarks, *(r for each in self._notes for r in each.remarks)),
            ),
            problems=LogProblems(findings={k: findings[k] for k in Problem if k in findings}),
            buses=tuple(
                BusCount(
                    name=bus.name,
                    frames=sum(bus.identifiers.values()) + bus.others,
                    errors=bus.errors,
                    first_us=max(bus.first_us, 0),
                    last_us=max(bus.last_us, 0),
                    identifiers=dict(bus.identifiers),
                )
                for bus in self._buses
            ),
            duration_us=self._end_us,
        )

    def _side_by_side(self) -> Iterator[LoggedFrame]:
        """The files merged, with time 0 at the first frame of all."""
        begun = []
        for source, notes in zip(self._sources, self._notes, strict=True):
            lists = self._lists(source, notes)
            first = next(lists, None)
            if first is not None:
                begun.append((notes, first, lists))
        origins_us = self._origins([(notes, first[0].t_us) for notes, first, _ in begun])
        shifted = [
            _flat(chain((first,), lists), origin_us)
            for (_, first, lists), origin_us in zip(begun, origins_us, strict=True)
        ]
        yield from shifted[0] if len(shifted) == 1 else heapq.merge(*shifted, key=_time_of)

    def _origins(self, firsts: list[tuple[Notes, int]]) -> list[int]:
        """Each file's own time that is time 0 of the log, from the times of their first frames."""
        epochs_us = [notes.epoch_us for notes, _ in firsts if notes.epoch_us is not None]
        if not firsts:
            return []
        if len(epochs_us) == len(firsts):
            begins_us = [e + t for e, (_, t) in zip(epochs_us, firsts, strict=True)]
            self._start_utc_us = min(begins_us)
            return [self._start_utc_us - epoch_us for epoch_us in epochs_us]
        if len(firsts) > 1:
            self._remarks.append(
                "not every file says when it began; they lie side by side as if begun together"
            )
        if epochs_us:
            return [t_us for _, t_us in firsts]
        return [min(t_us for _, t_us in firsts)] * len(firsts)

    def _lists(self, source: Source, notes: Notes) -> Iterator[list[LoggedFrame]]:
        """A file's frames in order, on the buses of the log."""
        bus_of: dict[int, int] = {}
        for frames in FileClock(notes).in_order(source.open(notes)):
            for frame in frames:
                own = frame.bus
                if own not in bus_of:
                    bus_of[own] = self._new_bus(notes, own)
                frame.bus = bus_of[own]
            yield frames

    def _new_bus(self, notes: Notes, own: int) -> int:
        if len(self._buses) >= BUSES_MAX:
            raise LogError(f"{notes.file}: more than {BUSES_MAX} buses; allowed: up to {BUSES_MAX}")
        name = next((name for name, each in notes.channels.items() if each == own), "?")
        if any(bus.name == name for bus in self._buses):
            name = f"{notes.file}:{name}"
        self._buses.append(_Bus(name=name))
        return len(self._buses) - 1

    def _begin(self, bus: _Bus, t_us: int) -> None:
        bus.first_us = t_us
        if t_us > GAP_US:
            self._gap(bus, 0, t_us)

    def _gap(self, bus: _Bus, from_us: int, to_us: int) -> None:
        length_us = to_us - from_us
        where = f"bus {bus.name}"
        self._own.add(
            Problem.GAP, where, f"{length_us / 1e6:.3f} s", t_us=from_us, length_us=length_us
        )

    def _is_twin(self, frame: LoggedFrame, bus: _Bus) -> bool:
        """Whether the recorder wrote this frame already."""
        if frame.error:
            return False
        closest_us = SHORTEST_US[frame.extended] + 8 * len(frame.data)
        for other in bus.recent:
            if (
                other.can_id == frame.can_id
                and other.data == frame.data
                and other.extended == frame.extended
                and not other.error
                and frame.t_us - other.t_us < closest_us
            ):
                note = f"{frame.can_id:X}#{frame.data.hex().upper()}"
                self._own.add(Problem.DUPLICATE, f"bus {bus.name}", note, t_us=frame.t_us)
                return True
        return False


def _flat(lists: Iterable[list[LoggedFrame]], origin_us: int) -> Iterator[LoggedFrame]:
    for frames in lists:
        for frame in frames:
            frame.t_us -= origin_us
            yield frame
