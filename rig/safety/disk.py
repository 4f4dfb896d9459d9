"""The disk that the record is written to: whether enough of it is left, looked at all the time.

Rules of this file: a look at a disk may hang, as one of a network's does, so it has a thread of its
own that nobody waits for; it says once what is wrong, in the loop of whoever asked, and ends. While
a look hangs it says nothing: whoever asked has to see for how long it has been silent.
"""

import asyncio
import shutil
import threading  # noqa: TID251 - a look that hangs must not hold up a guardian
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rig.clock import monotonic_us

MEGABYTE = 1_000_000


def bytes_free(path: Path) -> int:
    """What an ordinary program can still write beside a file. Raises OSError."""
    return shutil.disk_usage(path.parent).free


def what_is_missing(path: Path, least_bytes: int) -> str | None:
    """Why a record beside ``path`` cannot go on, None: it can.

    A disk that cannot be asked is not called full: the record finds out when it writes.
    """
    with suppress(OSError):
        free = bytes_free(path)
        if free < least_bytes:
            return (
                f"{path.parent}: {free / MEGABYTE:.3g} MB are left on the disk; "
                f"allowed: {least_bytes / MEGABYTE:.3g} MB at least"
            )
    return None


def watch(
    path: Path, least_bytes: int, every_s: float, tell: Callable[[str], None]
) -> Callable[[], float]:
    """Have ``tell`` called in this loop, once, when too little is left.

    Gives what tells how many seconds ago the last look ended.
    """
    loop = asyncio.get_running_loop()
    looked_us = monotonic_us()

    def work() -> None:
        nonlocal looked_us
        while (why := what_is_missing(path, least_bytes)) is None:
            looked_us = monotonic_us()
            time.sleep(every_s)  # noqa: TID251 - a thread of its own, on the wall clock
            if loop.is_closed():
                return
        with suppress(RuntimeError):  # nobody is left who would do anything about it
            loop.call_soon_threadsafe(tell, why)

    threading.Thread(target=work, name="disk", daemon=True).start()
    return lambda: (monotonic_us() - looked_us) / 1e6
