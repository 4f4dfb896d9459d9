"""BLF, Vector's binary logging format: containers of objects, packed by zlib.

Rules of this file: only frames of classical CAN and error frames are read; every other object is
passed over. An object may begin in one container and end in the next. Damage within a container
costs what is left of it, and is noted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

from rig.replay.formats.raw import Batches, Notes, Readable
from rig.replay.log import LogError, LoggedFrame, Problem

MAGIC = b"LOGG"
# Chosen: Vector's containers hold 128 kB; a damaged length shall not fill the memory.
CONTAINER_MAX = 1 << 24
_HEADER = struct.Struct("<4sLBBBBBBBBQQLL8H8H")
_BASE = struct.Struct("<4sHHLL")  # signature, header's size, its version, size, type
_CONTAINER = struct.Struct("<H6xL4x")
# From an object's beginning: size, type, flags of the time, time, channel, flags, length,
# identifier, data. Header version 1 and 2 have the same places for these.
_FRAME = struct.Struct("<4s4xLLL4xQHBBL8s")
_TIMED = struct.Struct("<12xLL4xQH")
_BODY = 32  # bytes of an object before its own content
_CLASSICAL = struct.Struct("<HBBL8s")
_FD_HEAD = struct.Struct("<HBBL5xBB")
_FD_64_HEAD = struct.Struct("<BBBxL4xL")
_FD_64_SIZE = 40
_FRAMES = frozenset({1, 86})
_ERRORS = frozenset({2, 73})
_FD_64 = 101
_INTERESTING = _FRAMES | _ERRORS | {100, _FD_64}
_LOG_CONTAINER = 10
_TEN_MICROSECONDS = 1
_EXTENDED, _REMOTE = 0x80000000, 0x80


def read(file: Readable, notes: Notes) -> Batches:
    """The frames of a file. Raises LogError where its header is not whole."""
    notes.format = "BLF"
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise LogError(
            f"{notes.file}: its header ends after {len(head)} bytes; allowed: a BLF file"
        )
    fields = _HEADER.unpack(head)
    notes.epoch_us = _epoch_us(fields[14:22])
    if notes.epoch_us is not None:
        notes.remarks.append(f"{notes.file}: its local time is taken as UTC")
    file.read(min(max(fields[1] - _HEADER.size, 0), 1 << 16))
    reader = _Reader(notes)
    for data in _containers(file, notes):
        frames = reader.frames(data)
        if frames:
            yield frames
    frames = reader.rest()
    if frames:
        yield frames


def _epoch_us(system_time: tuple[int, ...]) -> int | None:
    year, month, _, day, hour, minute, second, millisecond = system_time
    try:
        begun = datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=UTC)
    except ValueError:
        return None
    since = begun - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def _containers(file: Readable, notes: Notes) -> Iterator[bytes]:
    """What the containers hold, one after the other; objects outside of one as they are."""
    number = 0
    while head := file.read(_BASE.size):
        number += 1
        where = f"object {number}"
        if len(head) < _BASE.size:
            notes.add(Problem.UNREADABLE, where, "the file ends within it")
            return
        signature, _, _, size, kind = _BASE.unpack(head)
        if signature != b"LOBJ" or not _BASE.size <= size <= CONTAINER_MAX:
            if number == 1:
                raise LogError(
                    f"{notes.file}: no object after its header; allowed: a whole BLF file"
                )
            notes.add(Problem.UNREADABLE, where, "what follows is no object; the rest is lost")
            return
        body = file.read(size - _BASE.size)
        if len(body) < size - _BASE.size:
            notes.add(Problem.UNREADABLE, where, "the file ends within it")
        file.read(size % 4)
        if kind != _LOG_CONTAINER:
            yield head + body + bytes(size % 4)
            continue
        data = _unpacked(body, notes, where)
        if data:
            yield data


def _unpacked(body: bytes, notes: Notes, where: str) -> bytes:
    if len(body) < _CONTAINER.size:
        notes.add(Problem.UNREADABLE, where, "a container without its head")
        return b""
    method, _ = _CONTAINER.unpack_from(body)
    packed = body[_CONTAINER.size :]
    if method == 0:
        return packed
    if method != 2:
        notes.add(Problem.UNREADABLE, where, f"packed by method {method}")
        return b""
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(packed, CONTAINER_MAX)
    except zlib.error:
        pass
    # As much of it as is whole.
    notes.add(Problem.UNREADABLE, where, "damaged; what stands before the damage is read")
    unpacker, data = zlib.decompressobj(), b""
    for start in range(0, len(packed), 256):
        try:
            data += unpacker.decompress(packed[start : start + 256], CONTAINER_MAX)
        except zlib.error:
            break
        if len(data) > CONTAINER_MAX:
            break
    return data


class _Reader:
    """Objects to frames."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._tail = b""
        self._count = 0
        self._channels: dict[int, int] = {}

    def frames(self, data: bytes) -> list[LoggedFrame]:
        """The frames of a container, with what was left over from the one before."""
        data = self._tail + data if self._tail else data
        found: list[LoggedFrame] = []
        append, unpack, channels = found.append, _FRAME.unpack_from, self._channels
        end, position, whole = len(data), 0, _FRAME.size
        while position + whole <= end:
            mark, size, kind, unit, time, channel, flags, length, identifier, body = unpack(
                data, position
            )
            if mark != b"LOBJ" or size < _BASE.size:
                position = self._next_object(data, position + (mark == b"LOBJ"))
                continue
            if position + size > end:
                break
            if kind in _FRAMES and not flags & _REMOTE and channel in channels:
                append(
                    LoggedFrame(
                        time * 10 if unit == _TEN_MICROSECONDS else (time + 500) // 1000,
                        channels[channel],
                        identifier & 0x1FFFFFFF,
                        identifier >= _EXTENDED,
                        body if length >= 8 else body[:length],
                    )
                )
            elif kind in _INTERESTING:
                found += self._other(data[position : position + size])
            position += size
        self._count += len(found)
        self._tail = data[position:]
        if len(self._tail) > CONTAINER_MAX:
            self._notes.add(Problem.UNREADABLE, self._where, "an object without an end")
            self._tail = b""
        return found

    def rest(self) -> list[LoggedFrame]:
        """What stood in the last bytes of the file."""
        found = self.frames(bytes(_FRAME.size))
        if self._tail.startswith(b"LOBJ"):
            self._notes.add(Problem.UNREADABLE, self._where, "the file ends within an object")
        return found

    @property
    def _where(self) -> str:
        return f"after frame {self._count}"

    def _next_object(self, data: bytes, position: int) -> int:
        """Where the next object begins; objects are padded to four bytes, or not."""
        found = data.find(b"LOBJ", position)
        if found < 0:
            found = len(data) - 3
        lost = data[position:found]
        if lost.strip(b"\0") or len(lost) > _FRAME.size:
            self._notes.add(Problem.UNREADABLE, self._where, f"{len(lost)} bytes are no object")
        return max(found, position + 1)

    def _other(self, data: bytes) -> list[LoggedFrame]:
        """An object that is not the usual one: new channel, error, remote, CAN FD or its like."""
        if len(data) < _TIMED.size:
            self._notes.add(Problem.UNREADABLE, self._where, "an object that is too short")
            return []
        kind, unit, time, channel = _TIMED.unpack_from(data)
        if kind == _FD_64:
            channel &= 0xFF
        bus = self._channels.get(channel)
        if bus is None:
            bus = self._channels[channel] = self._notes.channel(str(channel))
        t_us = time * 10 if unit == _TEN_MICROSECONDS else (time + 500) // 1000
        if kind in _ERRORS:
            return [LoggedFrame(t_us, bus, 0, True, b"", True)]
        try:
            frame = _AS_FRAME[kind](data)
        except struct.error:
            self._notes.add(Problem.UNREADABLE, self._where, "an object that is too short")
            return []
        if frame is None:
            what = "remote" if kind in _FRAMES else "CAN FD"
            self._notes.add(Problem.SKIPPED, self._where, what, t_us=t_us)
            return []
        identifier, body = frame
        return [LoggedFrame(t_us, bus, identifier & 0x1FFFFFFF, identifier >= _EXTENDED, body)]


def _classical(data: bytes) -> tuple[int, bytes] | None:
    _, flags, length, identifier, body = _CLASSICAL.unpack_from(data, _BODY)
    return None if flags & _REMOTE else (identifier, body[: min(length, 8)])


def _fd(data: bytes) -> tuple[int, bytes] | None:
    """CAN_FD_MESSAGE: recorders of CAN FD write classical frames so, too."""
    _, flags, _, identifier, is_fd, valid = _FD_HEAD.unpack_from(data, _BODY)
    if flags & _REMOTE or is_fd & 1 or valid > 8:
        return None
    start = _BODY + _FD_HEAD.size + 5
    return identifier, data[start : start + valid]


def _fd_64(data: bytes) -> tuple[int, bytes] | None:
    """CAN_FD_MESSAGE_64, likewise."""
    _, _, valid, identifier, flags = _FD_64_HEAD.unpack_from(data, _BODY)
    if flags & (0x0010 | 0x1000) or valid > 8:
        return None
    start = _BODY + _FD_64_SIZE
    return identifier, data[start : start + valid].ljust(valid, b"\0")


_AS_FRAME = {1: _classical, 86: _classical, 100: _fd, _FD_64: _fd_64}
