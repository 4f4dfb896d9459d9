"""MF4 (ASAM MDF 4) with bus logging, by asammdf (the extra `mdf`) in a process of its own.

Rules of this file: why it is a process stands in `mf4_worker`. A file that is packed is unpacked
into a file without a name, because the format is read from all its ends.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, cast

from rig.replay.formats.mf4_worker import ERROR, EXTENDED, RECORD, SKIPPED, START
from rig.replay.formats.packed import Unpacked
from rig.replay.formats.raw import BATCH, Batches, Notes, Readable
from rig.replay.log import LogError, LoggedFrame, Problem

MAGIC = (b"MDF     ", b"UnFinMF ")
PATIENCE_S = 60.0  # chosen: gigabytes are indexed in less; who goes in circles never ends
MISSING = 3


def read(file: Readable, notes: Notes) -> Batches:
    """The frames of a file. Raises LogError where asammdf is missing or cannot read it."""
    notes.format = "MF4"
    if not isinstance(file, Unpacked):
        yield from _by_worker(cast(IO[bytes], file), notes)
        return
    with tempfile.TemporaryFile() as plain:
        while data := file.read(1 << 20):
            plain.write(data)
        plain.seek(0)
        yield from _by_worker(plain, notes)


def _by_worker(file: IO[bytes], notes: Notes) -> Batches:
    with tempfile.TemporaryFile() as errors:
        worker = subprocess.Popen(
            [sys.executable, "-m", "rig.replay.formats.mf4_worker"],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        yield from _records(worker, notes)
        errors.seek(0)
        said = errors.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
    code = worker.returncode
    if code == MISSING:
        raise LogError(
            f"{notes.file}: MF4 needs the extra mdf (asammdf); allowed without it: candump, ASC, "
            "BLF, TRC, CSV"
        )
    if code:
        why = said[-1][:160] if said else f"exit code {code}"
        raise LogError(f"{notes.file}: asammdf cannot read it ({why}); allowed: a whole MF4 file")


def _records(worker: subprocess.Popen[bytes], notes: Notes) -> Batches:
    """What the worker writes; afterwards it is at its end."""
    assert worker.stdout is not None
    try:
        rest = b""
        for data in _patiently(worker.stdout, notes):
            rest += data
            if notes.epoch_us is None:
                if len(rest) < START.size:
                    continue
                (notes.epoch_us,) = START.unpack_from(rest)
                rest = rest[START.size :]
            whole = len(rest) - len(rest) % RECORD.size
            frames = _frames(rest[:whole], notes)
            rest = rest[whole:]
            if frames:
                yield frames
        worker.wait()
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()


def _patiently(pipe: IO[bytes], notes: Notes) -> Iterator[bytes]:
    """What comes out of a pipe, as long as something comes."""
    while True:
        if not select.select([pipe], [], [], PATIENCE_S)[0]:
            raise LogError(
                f"{notes.file}: asammdf gave nothing for {PATIENCE_S:g} s; allowed: a whole file"
            )
        data = pipe.read1(BATCH * RECORD.size)  # type: ignore[attr-defined]
        if not data:
            return
        yield data


def _frames(data: bytes, notes: Notes) -> list[LoggedFrame]:
    frames = []
    for t_us, number, can_id, flags, length, body in RECORD.iter_unpack(data):
        bus = notes.channel(str(number))
        if flags & SKIPPED:
            notes.add(Problem.SKIPPED, f"bus {number}", "CAN FD", t_us=t_us)
            continue
        frames.append(
            LoggedFrame(
                t_us, bus, can_id, bool(flags & EXTENDED), body[:length], bool(flags & ERROR)
            )
        )
    return frames
