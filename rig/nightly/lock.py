"""Who works on a night: one command at a time, and none before an older one's processes are gone.

A lock belongs to its process and ends with it, however that ends; what is left of a killed night
is a file with a number in it, and locks nobody out. Besides the command, its sessions of pytest
hold a lock of their own: they may outlive a killed command while they bring the bench to its safe
state.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.errors import BenchFileError
from rig.file_lock import open_lock, read_holder, take, write_holder

NIGHT, SESSIONS = "night.lock", "sessions.lock"
POLL_S = 0.05


class NightIsTaken(BenchFileError):
    """Somebody else works on this night, or a session of it still runs."""


@contextmanager
def alone_with(folder: Path, patience_s: float) -> Iterator[int | None]:
    """Be the only command on this night; the id of a process that left it, if one was killed.

    Waits up to ``patience_s`` for sessions of a killed command to end. Raises NightIsTaken if
    another command works on it, or if such a session does not end.
    """
    night = open_lock(folder / NIGHT)
    try:
        if not take(night):
            holder = read_holder(night) or "unknown"
            raise NightIsTaken(
                f"{folder}: process {holder} works on this night; allowed: one at a time"
            )
        left_by = read_holder(night)
        write_holder(night, str(os.getpid()))
        _wait_for_sessions(folder, patience_s)
        yield int(left_by) if left_by.isdecimal() else None
        write_holder(night, "")
    finally:
        os.close(night)


def _wait_for_sessions(folder: Path, patience_s: float) -> None:
    sessions = open_lock(folder / SESSIONS)
    try:
        until_s = time.monotonic() + patience_s  # noqa: TID251 - it waits for another process
        while not take(sessions):
            if time.monotonic() > until_s:  # noqa: TID251 - as above
                raise NightIsTaken(
                    f"{folder}: a session of a killed command still runs after {patience_s:g} s; "
                    "allowed: to go on once it has left its bench safe"
                )
            time.sleep(POLL_S)  # noqa: TID251 - as above
    finally:
        os.close(sessions)


def hold_session(folder: Path, *, is_worker: bool) -> int:
    """Note that this process works on the night's bench, until it ends; the handle to keep.

    Raises BenchFileError if the command that began it is gone: somebody else may go on by now.
    """
    night = open_lock(folder / NIGHT)
    holder = read_holder(night)
    os.close(night)
    if not is_worker and holder != str(os.getppid()):
        raise BenchFileError(f"{folder}: the command that began this session is gone")
    handle = open_lock(folder / SESSIONS)
    if not take(handle, shared=True):
        os.close(handle)
        raise BenchFileError(f"{folder}: another command has begun to work on this night")
    return handle
