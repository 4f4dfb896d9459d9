"""Real-time priority for programs that own a wall clock, where the system allows it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIORITY = 10
"""Chosen: above everything ordinary, below the kernel's own threads."""

NICE = -5
"""Chosen: three times the share of an ordinary program, which still gets its own."""


def come_first() -> str:
    """Run this process before all ordinary ones from now on; why not, or an empty text."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""


@contextmanager
def favoured() -> Iterator[None]:
    """Come before most of what is ordinary while in here, where the system allows it.

    So does every process that is started in here, and goes on doing so; one with a session of its
    own needs `favour_session`, too.
    """
    try:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except (OSError, AttributeError):
        yield
        return
    if os.getsid(0) in {os.getpid(), os.getppid()}:  # a run's own: a terminal would stay favoured
        favour_session(os.getpid())
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def favour_session(process: int) -> None:
    """Favour the session of a process, by its id.

    Where sessions share the processors (Linux's autogroup), a nice value counts within one only.
    """
    with suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(str(NICE), encoding="ascii")


def hurry() -> None:
    """As `come_first`, for the threads that this process has by now; where it may not, nothing."""
    with suppress(OSError, AttributeError, ValueError):
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(PRIORITY))
