"""Disks for victims to write to: one that fills up at a stroke, and one whose every write fails.

The one that fills is a small file system in a mount namespace of the victims' host, so that nobody
else of the machine meets it. Where the system allows none, every disk is of the other sort.
"""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

SIZE = 262_144  # chosen: filled in a tenth of a millisecond
BLOCK = bytes(16_384)
RECORD, REPORT, OTHERS = "record", "safety.jsonl", "others"
FAILS = "/dev/full"
_NEW_MOUNTS, _PRIVATE = 0x20000, 0x44000  # of Linux: CLONE_NEWNS; MS_REC and MS_PRIVATE


class Disk:
    """What a victim and its guardian write to."""

    def __init__(self, folder: Path | None) -> None:
        """``folder``: the small file system; None: a disk that has room, until writes fail."""
        self._folder = folder
        self.report = FAILS
        self._record = os.open(os.devnull, os.O_WRONLY)
        if folder is not None:
            for path in folder.iterdir():
                path.unlink()
            self.report = str(folder / REPORT)
            self._record = os.open(folder / RECORD, os.O_WRONLY | os.O_CREAT)

    def keep(self, line: bytes) -> None:
        """Keep a line of the test's record. Raises OSError."""
        os.write(self._record, line)

    def strike(self) -> None:
        """It is full now: somebody else's file took all that was left, or no write goes through."""
        if self._folder is None:
            os.dup2(os.open(FAILS, os.O_WRONLY), self._record)
            return
        others = os.open(self._folder / OTHERS, os.O_WRONLY | os.O_CREAT)
        with suppress(OSError):
            while os.write(others, BLOCK):
                pass
        os.close(others)  # else what is removed for the next victim would still take its place


def mount_small(folder: Path) -> bool:
    """Mount the disk that can be filled on a folder, for this process and its children only.

    To be called before there is a second thread. False where the system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    folder.mkdir()
    try:
        if libc.unshare(_NEW_MOUNTS) != 0 or libc.mount(None, b"/", None, _PRIVATE, None) != 0:
            return False
        options = f"size={SIZE}".encode()
        return bool(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options) == 0)
    except AttributeError:  # no Linux
        return False
