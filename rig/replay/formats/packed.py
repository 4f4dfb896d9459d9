"""A file packed by gzip, read as far as it is whole.

Rules of this file: a recorder that lost its power leaves a file without an end; what stands before
is given, and the rest is noted. Several packed parts one after the other are one file.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from rig.replay.formats.raw import Notes
from rig.replay.log import Problem

MAGIC = b"\x1f\x8b"
_WITH_GZIP_HEAD = 31
_STEP = 1 << 16
_MOST = 1 << 20


class Unpacked:
    """The readable side of it: `read(size)` and nothing else."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._file: BinaryIO = path.open("rb")
        self._notes = notes
        self._unpacker = zlib.decompressobj(_WITH_GZIP_HEAD)
        self._ahead = b""
        self._ready = bytearray()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        while len(self._ready) < size and not self._ended:
            self._more()
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def _more(self) -> None:
        if self._unpacker.eof:
            rest = self._unpacker.unused_data or self._file.read(_STEP)
            if not rest.strip(b"\0"):
                self._ended = True
                return
            self._unpacker, self._ahead = zlib.decompressobj(_WITH_GZIP_HEAD), rest
        data = self._ahead or self._file.read(_STEP)
        if not data:
            self._stop("the packed file ends too early")
            return
        try:
            self._ready += self._unpacker.decompress(data, _MOST)
        except zlib.error as error:
            self._stop(f"the packed file is damaged: {error}")
            return
        self._ahead = self._unpacker.unconsumed_tail

    def _stop(self, why: str) -> None:
        self._ended = True
        self._notes.add(Problem.UNREADABLE, self._notes.file, why)
