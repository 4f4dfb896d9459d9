"""Which format a file has, and how it is opened; told by its content, never by its name.

Rules of this file: a file is only ever read. Whatever is not a log is refused in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from rig.replay.formats import asc, blf, candump, mf4, table, trc
from rig.replay.formats.mapping import Columns, read_mapping
from rig.replay.formats.packed import MAGIC as PACKED
from rig.replay.formats.packed import Unpacked
from rig.replay.formats.raw import Batches, Notes, Readable, Source
from rig.replay.log import LogError, LoggedFrame, Problem

Read = Callable[[Readable, Notes], Batches]
ALLOWED = (
    "candump, Vector ASC, BLF, PCAN TRC 1.0 to 2.1, MF4, or CSV (python-can's, SavvyCAN's, any "
    "other with --mapping), each of them packed by gzip or not"
)
_HEAD = 1 << 16
_LINES = 200  # chosen: a format shows within so many lines
_TEXTS: tuple[tuple[Callable[[str], bool], Read], ...] = (
    (trc.fits, trc.read),
    (asc.fits, asc.read),
    (candump.fits, candump.read),
)


def source_of(path: Path, mapping: Path | None = None) -> Source:
    """A log file and its reader. Raises LogError for what is no log, or cannot be read."""
    columns = None if mapping is None else read_mapping(mapping)
    try:
        if not path.is_file():
            raise LogError(f"{path}: no such file; allowed: a log file")
        with path.open("rb") as file:
            packed = file.read(2) == PACKED
        with _opened(path, Notes(file=path.name), packed=packed) as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise LogError(f"{path}: {error.strerror}; allowed: a log file") from error
    if not head:
        raise LogError(f"{path}: is empty; allowed: {ALLOWED}")
    reader = _reader(path, head, columns)
    return Source(path=path, open=partial(_read, path, packed, reader))


def _opened(path: Path, notes: Notes, *, packed: bool) -> IO[bytes] | Unpacked:
    return Unpacked(path, notes) if packed else path.open("rb")


def _read(path: Path, packed: bool, reader: Read, notes: Notes) -> Iterator[list[LoggedFrame]]:
    any_frame = False
    try:
        with _opened(path, notes, packed=packed) as file:
            for frames in reader(file, notes):
                any_frame = True
                yield frames
    except OSError as error:
        raise LogError(f"{path}: {error.strerror}; allowed: a log file") from error
    if not any_frame:
        skipped = notes.findings().get(Problem.SKIPPED)
        only = f", only {skipped.count} that this system cannot have" if skipped else ""
        raise LogError(
            f"{path}: not one frame in it{only}; allowed: a log with frames of classical CAN"
        )
    if packed:
        notes.format += ".gz"


def _reader(path: Path, head: bytes, columns: Columns | None) -> Read:
    """The reader of a file that begins so."""
    if head.startswith(blf.MAGIC):
        return blf.read
    if head.startswith(mf4.MAGIC):
        return mf4.read
    lines = head.decode("latin-1").splitlines()[:_LINES]
    first = next((line for line in lines if line.strip()), "")
    columns = columns or table.layout_of(first)
    if columns is not None:
        return partial(table.read, columns=columns)
    for line in lines:
        for fits, read in _TEXTS:
            if fits(line):
                return read
    raise LogError(f"{path}: no log that is known; allowed: {ALLOWED}")
