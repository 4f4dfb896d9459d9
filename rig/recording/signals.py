"""signals.bin: what was measured over time, column by column, with a min/max pyramid.

A file is a magic followed by frames; a frame is a tag, the length of its payload, and a CRC-32 of
tag and payload, so that a kill costs the segments not yet flushed and nothing before.

    DECL  JSON {"number","name","unit","kind"}: a signal
    SEGM  number, count, zlib(count int64 time steps in us, count float64 values): the first step is
          the segment's first time
    PYRA  number, count, zlib(times of minima, minima, times of maxima, maxima) over all levels,
          finest first: the finest has a block per 64 samples, each next a block per 8 blocks
    INDX  JSON: for each signal where its frames are, its levels and its ends; written by close()
    the last 16 bytes of a closed file: where INDX begins, and the magic again

All numbers little-endian. A file without INDX is read from the front up to its first damaged frame.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import sub
from pathlib import Path
from typing import Literal, Self

from rig.recording.fields import RecordError
from rig.recording.pyramid import BLOCKS_A_BLOCK, Block, blocks_of, merged

Kind = Literal["analog", "digital"]

MAGIC = b"LYNXSIG1"
# Samples over all signals that wait for a flush: about 40 s of 20 signals at 10 Hz.
SAMPLES_PENDING = 8192

_FRAME = struct.Struct("<4sII")
_COLUMN = struct.Struct("<HI")
_TRAILER = struct.Struct("<Q8s")


@dataclass(slots=True)
class _Pending:
    """A signal of a file that is being written."""

    number: int
    name: str
    unit: str
    kind: Kind
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    blocks: list[Block] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    samples: int = 0
    ends: list[tuple[int, float]] = field(default_factory=list)


class SignalWriter:
    """Writes signals.bin as the samples come; a signal's times must not go back."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(MAGIC)
        self._file.flush()
        self._columns: dict[str, _Pending] = {}
        self._waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def declare(self, name: str, unit: str, kind: Kind = "analog") -> None:
        """Make a signal known; again with the same unit and kind is no harm."""
        known = self._columns.get(name)
        if known is not None:
            if (known.unit, known.kind) != (unit, kind):
                raise RecordError(f"signal {name}: declared twice, as {known.unit} and as {unit}")
            return
        column = _Pending(number=len(self._columns), name=name, unit=unit, kind=kind)
        self._columns[name] = column
        about = {"number": column.number, "name": name, "unit": unit, "kind": kind}
        self._write(b"DECL", json.dumps(about).encode())

    def add(self, name: str, time_us: int, value: float) -> None:
        """One sample of a declared signal."""
        try:
            column = self._columns[name]
        except KeyError:
            raise RecordError(f"signal {name}: declare it before adding to it") from None
        column.times.append(time_us)
        column.values.append(value)
        self._waiting += 1
        if self._waiting >= SAMPLES_PENDING:
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the operating system: a kill of this process cannot lose it."""
        for column in self._columns.values():
            if column.times:
                self._write_segment(column)
        self._waiting = 0
        self._file.flush()

    def close(self) -> None:
        """Write pyramid and index; nothing more can be added."""
        if self._file.closed:
            return
        self.flush()
        index = [self._finish(column) for column in self._columns.values()]
        where = self._write(b"INDX", json.dumps(index).encode())
        self._file.write(_TRAILER.pack(where, MAGIC))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _write_segment(self, column: _Pending) -> None:
        times, values = column.times, column.values
        steps = array("q", (times[0],))
        steps.extend(map(sub, times[1:], times))
        column.segments.append(self._write_arrays(b"SEGM", column.number, (steps, values)))
        column.blocks.extend(blocks_of(times, values))
        column.samples += len(times)
        if not column.ends:
            column.ends.append((times[0], values[0]))
        column.ends[1:] = [(times[-1], values[-1])]
        column.times = array("q")
        column.values = array("d")

    def _finish(self, column: _Pending) -> dict[str, object]:
        levels = [column.blocks]
        while len(levels[-1]) > BLOCKS_A_BLOCK:
            fine = levels[-1]
            cuts = range(0, len(fine), BLOCKS_A_BLOCK)
            levels.append([merged(fine[start : start + BLOCKS_A_BLOCK]) for start in cuts])
        every = [block for level in levels for block in level]
        arrays = (
            array("q", [block.low_us for block in every]),
            array("d", [block.low for block in every]),
            array("q", [block.high_us for block in every]),
            array("d", [block.high for block in every]),
        )
        return {
            "number": column.number,
            "name": column.name,
            "unit": column.unit,
            "kind": column.kind,
            "samples": column.samples,
            "segments": column.segments,
            "ends": column.ends,
            "levels": [len(level) for level in levels],
            "pyramid": self._write_arrays(b"PYRA", column.number, arrays),
        }

    def _write_arrays(
        self, tag: bytes, number: int, arrays: Sequence[array[int] | array[float]]
    ) -> int:
        raw = b"".join(_little(each) for each in arrays)
        head = _COLUMN.pack(number, len(arrays[0]))
        return self._write(tag, head + zlib.compress(raw, 1))

    def _write(self, tag: bytes, payload: bytes) -> int:
        where = self._file.tell()
        check = zlib.crc32(payload, zlib.crc32(tag))
        self._file.write(_FRAME.pack(tag, len(payload), check) + payload)
        return where


@dataclass(slots=True)
class Signal:
    """What a file knows about one signal."""

    name: str
    unit: str
    kind: Kind
    samples: int = 0
    segments: list[int] = field(default_factory=list)
    ends: list[tuple[int, float]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    pyramid: int | None = None


class SignalFile:
    """A signals.bin, closed or cut off; `complete` says which."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        if content[: len(MAGIC)] != MAGIC:
            raise RecordError(f"{path}: not a signal file; allowed: one that begins with {MAGIC!r}")
        where = self._index_position()
        self.complete = where is not None
        signals = self._scan() if where is None else self._index(where)
        self._signals = {signal.name: signal for signal in signals}

    @classmethod
    def read(cls, path: Path) -> SignalFile:
        """Open a file, closed or cut off."""
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            raise RecordError(f"{path}: cannot be read: {error.strerror}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """Every signal, in the order of declaration."""
        return tuple(self._signals)

    def signal(self, name: str) -> Signal:
        """What the file knows about a signal; RecordError names those it has."""
        try:
            return self._signals[name]
        except KeyError:
            known = ", ".join(self._signals)
            raise RecordError(f"{self._path}: signal is {name!r}; allowed: {known}") from None

    def samples(self, name: str) -> tuple[array[int], array[float]]:
        """All times in microseconds, and all values."""
        times, values = array("q"), array("d")
        for where in self.signal(name).segments:
            steps, piece = self._read_segment(where)
            times.extend(accumulate(steps))
            values.extend(piece)
        return times, values

    def column(self, name: str) -> tuple[array[float], array[float]]:
        """All times in seconds, and all values."""
        times, values = self.samples(name)
        return array("d", [time_us / 1e6 for time_us in times]), values

    def decimated(self, name: str, points: int) -> tuple[array[float], array[float]]:
        """At most `points` of the samples (seconds, values), never losing an extreme.

        The samples are cut into equal runs; each gives its smallest and its largest one, in the
        order of their times. The first and the last sample are always there.
        """
        if points < 8:
            raise ValueError(f"{points} points are too few to draw a signal: 8 or more")
        signal = self.signal(name)
        if signal.samples <= points:
            return self.column(name)
        pairs = [signal.ends[0]]
        blocks = self._level(signal, points - 2)
        runs = points // 2 - 1
        cuts = [n * len(blocks) // runs for n in range(runs + 1)]
        for start, stop in pairwise(cuts):
            block = merged(blocks[start:stop])
            pair = ((block.low_us, block.low), (block.high_us, block.high))
            pairs += sorted(pair) if block.low_us != block.high_us else pair[:1]
        pairs.append(signal.ends[1])
        return array("d", [pair[0] / 1e6 for pair in pairs]), array(
            "d", [pair[1] for pair in pairs]
        )

    def _level(self, signal: Signal, points: int) -> Sequence[Block]:
        """The coarsest level that still has a block for every two points; else the samples."""
        first = 0
        chosen: tuple[int, int] | None = None
        for count in signal.levels:
            if 2 * count >= points:
                chosen = (first, count)
            first += count
        if chosen is None or signal.pyramid is None:
            times, values = self.samples(signal.name)
            return [Block(*pair, *pair) for pair in zip(times, values, strict=True)]
        _, count, raw = self._read_arrays(b"PYRA", signal.pyramid, 4)
        skip, size = 8 * count, 8 * chosen[1]
        parts = [raw[n * skip + 8 * chosen[0] :][:size] for n in range(4)]
        columns = (_longs(parts[0]), _doubles(parts[1]), _longs(parts[2]), _doubles(parts[3]))
        return [Block(*row) for row in zip(*columns, strict=True)]

    def _index_position(self) -> int | None:
        if len(self._content) < len(MAGIC) + _TRAILER.size:
            return None
        where, magic = _TRAILER.unpack_from(self._content, len(self._content) - _TRAILER.size)
        return int(where) if magic == MAGIC else None

    def _index(self, where: int) -> list[Signal]:
        tag, payload, _ = self._frame(where)
        if tag != b"INDX":
            raise RecordError(f"{self._path}: damaged at byte {where}; allowed: an INDX frame")
        return [
            Signal(
                name=each["name"],
                unit=each["unit"],
                kind=each["kind"],
                samples=each["samples"],
                segments=each["segments"],
                ends=[(end[0], end[1]) for end in each["ends"]],
                levels=each["levels"],
                pyramid=each["pyramid"],
            )
            for each in json.loads(payload)
        ]

    def _scan(self) -> list[Signal]:
        """A file that was never closed: what its whole frames say."""
        signals: list[Signal] = []
        where = len(MAGIC)
        while where < len(self._content):
            try:
                tag, payload, after = self._frame(where)
            except RecordError:
                break
            if tag == b"DECL":
                about = json.loads(payload)
                signals.append(Signal(about["name"], about["unit"], about["kind"]))
            elif tag == b"SEGM":
                number, count = _COLUMN.unpack_from(payload)
                signals[number].segments.append(where)
                signals[number].samples += count
            where = after
        for signal in signals:
            self._find_ends(signal)
        return signals

    def _find_ends(self, signal: Signal) -> None:
        for where in signal.segments[:1] + signal.segments[-1:]:
            steps, values = self._read_segment(where)
            ends = ((steps[0], values[0]), (sum(steps), values[-1]))
            signal.ends.append(ends[len(signal.ends)])

    def _frame(self, where: int) -> tuple[bytes, bytes, int]:
        """Tag, payload, and where the next frame begins."""
        start = where + _FRAME.size
        if start <= len(self._content):
            tag, size, check = _FRAME.unpack_from(self._content, where)
            payload = self._content[start : start + size]
            if len(payload) == size and zlib.crc32(payload, zlib.crc32(tag)) == check:
                return tag, payload, start + size
        raise RecordError(f"{self._path}: damaged at byte {where}; allowed: a whole frame")

    def _read_segment(self, where: int) -> tuple[array[int], array[float]]:
        _, count, raw = self._read_arrays(b"SEGM", where, 2)
        return _longs(raw[: 8 * count]), _doubles(raw[8 * count :])

    def _read_arrays(self, tag: bytes, where: int, arrays: int) -> tuple[int, int, bytes]:
        found, payload, _ = self._frame(where)
        number, count = _COLUMN.unpack_from(payload)
        raw = zlib.decompress(payload[_COLUMN.size :])
        if found != tag or len(raw) != 8 * count * arrays:
            raise RecordError(f"{self._path}: damaged at byte {where}; allowed: a {tag!r} frame")
        return number, count, raw


def _little(values: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _longs(raw: bytes) -> array[int]:
    values = array("q", raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _doubles(raw: bytes) -> array[float]:
    values = array("d", raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values
