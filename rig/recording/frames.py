"""frames.blf: every frame of an attempt, in the format that the field's tools open.

The file is python-can's own; only the packing of a classical frame is ours, because a bench sees
millions of them: one `struct` call each, and whole batches handed over.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Self

from can import BLFWriter
from can.io.blf import (
    CAN_ERROR_EXT,
    CAN_ERROR_EXT_STRUCT,
    CAN_MESSAGE,
    CAN_MSG_EXT,
    CAN_MSG_STRUCT,
    FILE_HEADER_SIZE,
    OBJ_HEADER_BASE_STRUCT,
    OBJ_HEADER_V1_STRUCT,
    TIME_ONE_NANS,
)

# 2048 frames of 48 bytes fill one container of the format (128 kB) by three quarters.
FRAMES_A_BATCH = 2048

_HEADER_SIZE = OBJ_HEADER_BASE_STRUCT.size + OBJ_HEADER_V1_STRUCT.size
_NANOSECONDS = struct.Struct("<LHH")


def _head(object_type: int, body_size: int) -> bytes:
    """An object's header up to its time stamp, which never changes."""
    base = OBJ_HEADER_BASE_STRUCT.pack(
        b"LOBJ", _HEADER_SIZE, 1, _HEADER_SIZE + body_size, object_type
    )
    return base + _NANOSECONDS.pack(TIME_ONE_NANS, 0, 0)


_MESSAGE_HEAD = _head(CAN_MESSAGE, CAN_MSG_STRUCT.size)
_ERROR_HEAD = _head(CAN_ERROR_EXT, CAN_ERROR_EXT_STRUCT.size)
# Head, nanoseconds, channel, flags, length, identifier, data.
_pack_message = struct.Struct("<24sQHBBL8s").pack
_pack_time = struct.Struct("<Q").pack


def pack_frame(time_us: int, channel: int, identifier: int, extended: bool, data: bytes) -> bytes:
    """A classical frame as an object of the format."""
    return _pack_message(
        _MESSAGE_HEAD,
        time_us * 1000,
        channel + 1,
        0,
        len(data),
        identifier | CAN_MSG_EXT if extended else identifier,
        data,
    )


class FrameRecorder:
    """Writes frames.blf; readable after every flush, closed or not.

    Time 0 is `epoch_s` (Unix time, whole milliseconds); 0 leaves the times relative.
    """

    def __init__(self, path: Path, *, epoch_s: float = 0.0) -> None:
        self._writer = _BatchWriter(path, epoch_s)
        self._epoch_s = epoch_s
        self._objects: list[bytes] = []
        self._last_us = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(
        self,
        time_us: int,
        channel: int,
        identifier: int,
        extended: bool,
        data: bytes,
        is_error: bool = False,
    ) -> None:
        """One frame, in the order of time; channels count from 0, as python-can reads them."""
        if is_error:
            packed = _packed_error(time_us, channel)
        else:
            packed = pack_frame(time_us, channel, identifier, extended, data)
        self._objects.append(packed)
        self._last_us = time_us
        if len(self._objects) >= FRAMES_A_BATCH:
            self.flush()

    def write(self, packed: list[bytes], last_us: int) -> None:
        """Many frames as `pack_frame` made them, in the order of time, straight to the file."""
        self.flush()
        self._writer.write_batch(packed, self._epoch_s + last_us / 1e6)

    def flush(self) -> None:
        """Hand what waits to the operating system: a kill of this process cannot lose it."""
        if self._objects:
            self._writer.write_batch(self._objects, self._epoch_s + self._last_us / 1e6)
            self._objects = []

    def close(self) -> None:
        """Write what waits; nothing more can be recorded."""
        if not self._writer.file.closed:
            self.flush()
            self._writer.stop()


class _BatchWriter(BLFWriter):
    """python-can's writer, given many packed objects at once."""

    def __init__(self, path: Path, epoch_s: float) -> None:
        # Level 1 costs a third of the default's time for a file about a tenth larger.
        super().__init__(str(path), compression_level=1)
        self.start_timestamp = self.stop_timestamp = epoch_s
        self._rewrite_header()

    def write_batch(self, objects: list[bytes], last_s: float) -> None:
        if self.file.closed:
            raise ValueError("frames after the end of their recording")
        batch = b"".join(objects)
        self._buffer.append(batch)
        self._buffer_size += len(batch)
        self.object_count += len(objects)
        self.stop_timestamp = last_s
        while self._buffer_size:
            self._flush()
        self._rewrite_header()

    def _rewrite_header(self) -> None:
        size = max(self.file.tell(), FILE_HEADER_SIZE)
        self.file.seek(0)
        self._write_header(size)
        self.file.seek(0, 2)
        self.file.flush()


def _packed_error(time_us: int, channel: int) -> bytes:
    body = CAN_ERROR_EXT_STRUCT.pack(channel + 1, 0, 0, 0, 0, 0, 0, 0, 0, bytes(8))
    return _ERROR_HEAD + _pack_time(time_us * 1000) + body
