"""A log as it is shown: who is who, what is wrong, signals and events; by two passes over it.

Rules of this file: the first pass finds out who is who, the second reads with that knowledge.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rig.can.by_dbc import DbcDecoder
from rig.can.frame import header_of
from rig.replay.decoding import Decoding, LogEvent, Tracked
from rig.replay.log import Log, Role, Summary
from rig.replay.sides import Sender, Sides, Who

PROGRESS_FRAMES = 100_000
Progress = Callable[[str, int, int], None]
"""What is going on, frames done, frames in all (0: not yet known)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSignal:
    """A signal of a log; `times_us` and `values` are decimated, NaN is not available."""

    bus: str
    who: str
    name: str
    unit: str
    samples: int
    """Values that differ from the one before."""
    low: float
    high: float
    last: float
    text: str
    """The last, of a signal that is text."""
    labels: dict[float, str]
    decimated: bool
    times_us: array[int]
    values: array[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownIdentifier:
    """An identifier that nobody here can read."""

    bus: str
    can_id: int
    extended: bool
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """All that is shown of a log."""

    summary: Summary
    sides: Sides
    signals: tuple[ShownSignal, ...]
    events: tuple[LogEvent, ...]
    events_left_out: int
    unknown: tuple[UnknownIdentifier, ...]
    unreadable_messages: int
    """NMEA 2000 messages that its decoder refused."""


def view_log(
    log: Log, dbcs: Sequence[DbcDecoder] = (), progress: Progress | None = None
) -> LogView:
    """Read a log twice and tell what it says. Raises LogError where it cannot be read."""
    who, reading = Who(), log.read()
    done = 0
    for done, frame in enumerate(reading.frames(), 1):
        who.push(frame)
        if progress is not None and done % PROGRESS_FRAMES == 0:
            progress("reading", done, 0)
    summary = reading.told
    sides = who.sides(summary.meta.buses, log.roles_given)
    decoding = Decoding(sides, summary.meta.buses, dbcs)
    for count, frame in enumerate(log.frames(), 1):
        decoding.push(frame)
        if progress is not None and count % PROGRESS_FRAMES == 0:
            progress("decoding", count, done)
    decoding.finish()
    names = summary.meta.buses
    return LogView(
        summary=summary,
        sides=sides,
        signals=tuple(
            _shown(names[bus], who, name, tracked)
            for (bus, who, name), tracked in sorted(decoding.signals.items())
        ),
        events=tuple(decoding.events),
        events_left_out=decoding.events_left_out,
        unknown=tuple(
            UnknownIdentifier(bus=names[bus], can_id=can_id, extended=extended, frames=frames)
            for (bus, can_id, extended), frames in sorted(decoding.unknown.items())
        ),
        unreadable_messages=decoding.unreadable,
    )


def _shown(bus: str, who: str, name: str, tracked: Tracked) -> ShownSignal:
    course = tracked.course
    low, high = course.extremes()
    times_us, values = course.points()
    return ShownSignal(
        bus=bus,
        who=who,
        name=name,
        unit=tracked.unit,
        samples=course.samples,
        low=low,
        high=high,
        last=course.last,
        text=tracked.text,
        labels=tracked.labels,
        decimated=course.decimated,
        times_us=times_us,
        values=values,
    )


def identifier_text(can_id: int, *, extended: bool) -> str:
    """An identifier as it is read aloud: with its PGN and sender, if it has 29 bits."""
    if not extended:
        return f"0x{can_id:03X}"
    header = header_of(can_id)
    return f"0x{can_id:08X} (PGN {header.pgn} from 0x{header.source:02X})"


def as_json(view: LogView) -> str:
    """For a machine: everything but the courses."""
    summary, sides = view.summary, view.sides
    content = {
        "files": [str(path) for path in summary.meta.files],
        "formats": list(summary.meta.formats),
        "start_utc_us": summary.meta.start_utc_us,
        "duration_us": summary.duration_us,
        "notes": list(summary.meta.notes),
        "release": None if sides.release is None else str(sides.release),
        "releases": [
            {"t_us": each.t_us, "version": str(each.version), "by": each.by}
            for each in sides.releases
        ],
        "buses": [
            {
                "name": bus.name,
                "role": sides.roles[index],
                "frames": bus.frames,
                "error_frames": bus.errors,
                "first_us": bus.first_us,
                "last_us": bus.last_us,
            }
            for index, bus in enumerate(summary.buses)
        ],
        "devices": [
            {
                "bus": summary.meta.buses[each.bus],
                "address": each.address,
                "is": each.sender,
                "frames": each.frames,
                "from_us": each.from_us,
                "name": None if each.name is None else each.name.hex(),
                "model": each.model,
            }
            for each in sides.devices
        ],
        "problems": {
            kind: {
                "count": found.count,
                "total_us": found.total_us,
                "first": [
                    {"t_us": place.t_us, "where": place.where, "note": place.note}
                    for place in found.first
                ],
            }
            for kind, found in summary.problems.findings.items()
        },
        "signals": [_signal_json(each) for each in view.signals],
        "events": [
            {"t_us": each.t_us, "lane": each.lane, "who": each.who, "text": each.text}
            for each in view.events
        ],
        "events_left_out": view.events_left_out,
        "unknown": [
            {
                "bus": each.bus,
                "identifier": each.can_id,
                "extended": each.extended,
                "frames": each.frames,
            }
            for each in view.unknown
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _signal_json(each: ShownSignal) -> dict[str, object]:
    def number(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "bus": each.bus,
        "who": each.who,
        "name": each.name,
        "unit": each.unit,
        "samples": each.samples,
        "low": number(each.low),
        "high": number(each.high),
        "last": each.text or number(each.last),
    }


def as_lines(view: LogView) -> list[str]:
    """For a reader: what the log is, who is in it, what is wrong with it."""
    summary, sides = view.summary, view.sides
    lines = [
        f"{summary.frames} frames in {summary.duration_us / 1e6:.3f} s, "
        f"{', '.join(summary.meta.formats)}"
    ]
    for index, bus in enumerate(summary.buses):
        errors = f", {bus.errors} error frames" if bus.errors else ""
        role = sides.roles[index]
        told = "nothing that the rig knows" if role is Role.UNKNOWN else role
        lines.append(f"bus {bus.name}: {told}, {bus.frames} frames{errors}")
    duts = [each for each in sides.devices if each.sender is Sender.DUT]
    lines += [
        f"DUT: address 0x{each.address:02X} of bus {summary.meta.buses[each.bus]}"
        f"{f', {each.model}' if each.model else ''}"
        for each in duts
    ]
    if sides.releases:
        last = sides.releases[-1]
        lines.append(f"release: {last.version} by {last.by}")
    else:
        lines.append("release: not told in this log")
    lines += [f"note: {note}" for note in summary.meta.notes]
    lines += [f"problem: {line}" for line in summary.problems.lines()]
    if view.unknown:
        frames = sum(each.frames for each in view.unknown)
        lines.append(f"not known: {len(view.unknown)} identifiers, {frames} frames")
    lines.append(f"{len(view.signals)} signals, {len(view.events)} events")
    return lines
