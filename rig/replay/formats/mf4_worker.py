"""The process that opens MF4 files with asammdf: `python -m rig.replay.formats.mf4_worker < FILE`.

Rules of this file: it writes records to its standard output, an error as one line to the other
one. A damaged file can send asammdf in circles, or make it ask for any amount of memory: this
process has a limit, and who started it has patience that ends.
"""

from __future__ import annotations

import heapq
import logging
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

MEMORY_MAX = 4 << 30  # chosen: numpy and pandas reserve a good one of it before they do anything
RECORDS = 20_000  # chosen: some megabytes at a time
RECORD = struct.Struct("<qHIBB8s")
"""Time in microseconds since the file's start, bus, identifier, flags, length, data."""
START = struct.Struct("<q")
"""Unix time of the file's start in microseconds; once, before the records."""
EXTENDED, ERROR, SKIPPED = 1, 2, 4
_BUS_EVENT = 2  # of a channel group's flags
_DATA, _ERROR = "CAN_DataFrame", "CAN_ErrorFrame"


def main() -> int:
    """Read standard input, write records; 0, 1 for a damaged file, 3 where asammdf is missing."""
    _limit_memory()
    try:
        from asammdf import MDF
    except ImportError:
        return 3
    # It tells of damage on its logger; here it is told once, as an error.
    logging.disable(logging.CRITICAL)
    try:
        given: Any = sys.stdin.buffer  # it says that it wants more than it does
        with MDF(given) as mdf:
            _write(mdf, sys.stdout.buffer)
    except BrokenPipeError:
        return 0
    except BaseException as error:  # noqa: BLE001
        # What a damaged file makes of asammdf is any error there is.
        print(f"{type(error).__name__}: {str(error)[:120]}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return  # not on Windows
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


def _write(mdf: Any, to: BinaryIO) -> None:
    to.write(START.pack(round(mdf.header.start_time.timestamp() * 1000) * 1000))
    # The first field is the time: records of several groups come in its order.
    rows = heapq.merge(*(_rows(mdf, index, kind) for index, kind in _groups(mdf)))
    for row in rows:
        to.write(RECORD.pack(*row))
    to.flush()


def _groups(mdf: Any) -> Iterator[tuple[int, str]]:
    """The groups of records that are frames of a bus, and which kind they are."""
    for index, group in enumerate(mdf.groups):
        if not group.channel_group.flags & _BUS_EVENT or not group.channel_group.cycles_nr:
            continue
        names = {channel.name for channel in group.channels}
        for kind in (_DATA, _ERROR):
            if kind in names:
                yield index, kind


def _rows(mdf: Any, index: int, kind: str) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    count = mdf.groups[index].channel_group.cycles_nr
    for start in range(0, count, RECORDS):
        records = mdf.get(kind, index, record_offset=start, record_count=RECORDS, raw=False)
        yield from _of_records(records, kind)


def _of_records(records: Any, kind: str) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    samples = records.samples
    names = set(samples.dtype.names or ())

    def column(name: str, usual: int) -> list[int]:
        full = f"{kind}.{name}"
        if full not in names:
            return [usual] * len(samples)
        return [int(value) for value in samples[full].tolist()]

    times_us = [round(time * 1e6) for time in records.timestamps.tolist()]
    buses = [number & 0xFFFF for number in column("BusChannel", 1)]
    if kind != _DATA:
        for t_us, bus in zip(times_us, buses, strict=True):
            yield t_us, bus, 0, ERROR | EXTENDED, 0, b""
        return
    identifiers, wide = column("ID", 0), column("IDE", -1)
    lengths, is_fd = column("DataLength", 8), column("EDL", 0)
    payload = samples[f"{kind}.DataBytes"]
    step, raw = payload.shape[1], payload.tobytes()
    for number, (t_us, bus, value, ide, length, fd) in enumerate(
        zip(times_us, buses, identifiers, wide, lengths, is_fd, strict=True)
    ):
        can_id = value & 0x1FFFFFFF
        flags = EXTENDED if (bool(ide) if ide >= 0 else can_id > 0x7FF) else 0
        if fd or not 0 <= length <= min(8, step):
            yield t_us, bus, can_id, flags | SKIPPED, 0, b""
            continue
        begin = number * step
        yield t_us, bus, can_id, flags, length, raw[begin : begin + length]


if __name__ == "__main__":
    sys.exit(main())
