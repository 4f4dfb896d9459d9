"""A lock that belongs to a process and ends with it, however that ends: a file, and what it says.

What a killed process leaves is a file with a text in it, and locks nobody out.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from rig.errors import BenchFileError

if sys.platform == "win32":  # pragma: no cover - untested: written to work
    import msvcrt
else:
    import fcntl
LONGEST = 4096  # bytes: what a holder says of itself


def open_lock(path: Path, mode: int = 0o644) -> int:
    """The handle of a lock's file, made where it is not. Raises BenchFileError."""
    # In a folder that everybody may write to: no link is followed, and a file of somebody else's is
    # opened as it is (Linux may refuse to "create" one that is there).
    plain = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    try:
        try:
            return os.open(path, plain)
        except FileNotFoundError:
            return os.open(path, plain | os.O_CREAT, mode)
    except OSError as error:
        raise BenchFileError(f"{path}: {error.strerror}; allowed: a folder to write to") from error


def take(handle: int, *, shared: bool = False) -> bool:
    """Whether the lock is ours now, until the handle is closed; nobody is waited for."""
    if sys.platform == "win32":  # pragma: no cover - untested: written to work
        if shared:
            return True  # a session ends with its command there
        with suppress(OSError):
            os.lseek(handle, 1 << 20, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return True
        return False
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with suppress(BlockingIOError):
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
        return True
    return False


def read_holder(handle: int) -> str:
    """What the last holder has written."""
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, LONGEST).decode("utf-8", "replace").strip()


def write_holder(handle: int, text: str) -> None:
    """Say who holds it."""
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, text.encode())
