"""Writes ASAM MDF 4.10: signals, each on a time base of its own, and events; nothing else of it.

The same content gives the same bytes. Blocks are written in the order in which they are linked
from: a block's address has to be known before what points to it, so each is laid down after the
blocks that it names. Only the header block stands at a fixed place, and is filled in last.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

VERSION = 410
PROGRAM = b"lynx-rig"
MASTER, TIME, FLOAT_LE = 2, 1, 4  # channel type, synchronisation, data type
MARKER, BY_SCRIPT = 6, 3  # event type and cause
FIXED, VALUE = 0, 0
CLASS_UTC = 1 << 1  # the times are of a clock in UTC: offsets are valid, and 0
ID = struct.Struct("<8s8s8s4sH30sHH")
HEAD = struct.Struct("<4s4xQQ")
HD = struct.Struct("<QhhBBBxdd")
FH = struct.Struct("<QhhB3x")
CG = struct.Struct("<QQHH4xII")
CN = struct.Struct("<BBBBIIIIBxH6d")
EV = struct.Struct("<BBBBB3xIHHqd")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A signal: times in microseconds since the start, values in `unit`, equally many."""

    name: str
    unit: str
    comment: str
    times_us: array[int]
    values: array[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A mark at an instant."""

    time_us: int
    name: str
    comment: str


def write_mdf4(
    path: Path,
    started: datetime,
    about: Mapping[str, str],
    channels: Sequence[Channel],
    events: Sequence[Event],
) -> None:
    """Write a measurement; `about` stands in its header as properties, by name.

    `started` is aware of its time zone. All of the file is made before any of it is written.
    """
    file = _File()
    start_ns = ((started - EPOCH) // timedelta(microseconds=1)) * 1000
    groups = [_group(file, channel) for channel in channels]
    first_group = 0
    for group in reversed(groups):
        first_group = file.block(b"DG", (first_group, *group), bytes(8))
    first_event = 0
    for event in reversed(events):
        first_event = _event(file, event, first_event)
    told = file.text(_history(), kind=b"MD")
    history = file.block(b"FH", (0, told), FH.pack(start_ns, 0, 0, CLASS_UTC))
    comment = file.text(_properties(about), kind=b"MD")
    header = HD.pack(start_ns, 0, 0, CLASS_UTC, 0, 0, 0.0, 0.0)
    links = (first_group, history, 0, 0, first_event, comment)
    path.write_bytes(file.whole(links, header))


class _File:
    """The blocks so far; a block's address is where it stands in the file."""

    def __init__(self) -> None:
        head = ID.pack(b"MDF     ", b"4.10    ", PROGRAM, b"", VERSION, b"", 0, 0)
        self._header_at = len(head)
        self._content = bytearray(head + bytes(HEAD.size + 6 * 8 + HD.size))

    def block(self, kind: bytes, links: Sequence[int], data: bytes) -> int:
        """Add a block; its address."""
        at = len(self._content)
        self._content += _block(kind, links, data)
        self._content += bytes(-len(self._content) % 8)
        return at

    def text(self, text: str, kind: bytes = b"TX") -> int:
        """Add a text, plain (TX) or as XML (MD); its address."""
        raw = text.encode() + b"\0"
        return self.block(kind, (), raw + bytes(-len(raw) % 8))

    def whole(self, links: Sequence[int], header: bytes) -> bytes:
        """The file, with its header block."""
        block = _block(b"HD", links, header)
        self._content[self._header_at : self._header_at + len(block)] = block
        return bytes(self._content)


def _block(kind: bytes, links: Sequence[int], data: bytes) -> bytes:
    addresses = struct.pack(f"<{len(links)}Q", *links)
    length = HEAD.size + len(addresses) + len(data)
    return HEAD.pack(b"##" + kind, length, len(links)) + addresses + data


def _group(file: _File, channel: Channel) -> tuple[int, int, int]:
    """A signal with its time base: the links of its data group but the first."""
    data = file.block(b"DT", (), _records(channel))
    value = _channel(file, channel.name, channel.unit, channel.comment, (VALUE, FIXED, 8))
    master = _channel(file, "t", "s", "time since the start", (MASTER, TIME, 0), after=value)
    count = len(channel.values)
    links = (0, master, file.text(channel.name), 0, 0, 0)
    group = file.block(b"CG", links, CG.pack(0, count, 0, 0, 16, 0))
    return group, data, 0


def _channel(
    file: _File, name: str, unit: str, comment: str, what: tuple[int, int, int], after: int = 0
) -> int:
    """A column of 64-bit floats: `what` is its type, its synchronisation, and where it begins."""
    kind, synchronisation, offset = what
    links = (after, 0, file.text(name), 0, 0, 0, file.text(unit), file.text(comment))
    limits = (0.0,) * 6
    data = CN.pack(kind, synchronisation, FLOAT_LE, 0, offset, 64, 0, 0, 0, 0, *limits)
    return file.block(b"CN", links, data)


def _records(channel: Channel) -> bytes:
    """Time in seconds and value, one pair after another."""
    pairs = array("d", bytes(16 * len(channel.values)))
    pairs[0::2] = array("d", (time_us / 1e6 for time_us in channel.times_us))
    pairs[1::2] = channel.values
    if sys.byteorder == "big":
        pairs.byteswap()
    return pairs.tobytes()


def _event(file: _File, event: Event, after: int) -> int:
    links = (after, 0, 0, file.text(event.name), file.text(event.comment))
    data = EV.pack(MARKER, TIME, 0, BY_SCRIPT, 0, 0, 0, 0, event.time_us, 1e-6)
    return file.block(b"EV", links, data)


def _history() -> str:
    return (
        "<FHcomment><TX>exported from a run record</TX><tool_id>hil export</tool_id>"
        "<tool_vendor>lynx-rig</tool_vendor><tool_version>1</tool_version></FHcomment>"
    )


def _properties(about: Mapping[str, str]) -> str:
    return f"<HDcomment>{''.join(_said(about))}</HDcomment>"


def _said(about: Mapping[str, str]) -> Iterator[str]:
    yield f"<TX>{escape('; '.join(f'{name}: {text}' for name, text in about.items()))}</TX>"
    yield "<common_properties>"
    for name, text in about.items():
        quoted = escape(name, {'"': "&quot;"})
        yield f'<e name="{quoted}">{escape(text)}</e>'
    yield "</common_properties>"
