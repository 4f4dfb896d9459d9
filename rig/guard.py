"""The guard: during a virtual attempt nobody uses a thread, a socket, a wall clock or dice.

Lint keeps our own code from it; this names a library that does it all the same.
"""

import random
import socket  # noqa: TID251 - to forbid it
import sys
import threading  # noqa: TID251 - to forbid it
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rig.errors import BenchError

ALLOWED = ("logging", "_pytest.", "pluggy.", "rig.clock", "tempfile")
FORBIDDEN: tuple[tuple[Any, str, str], ...] = (
    (time, "sleep", "sleeps on the wall clock"),
    (time, "time", "reads the wall clock"),
    (time, "monotonic", "reads the wall clock"),
    (time, "perf_counter", "reads the wall clock"),
    (threading.Thread, "start", "starts a thread"),
    (socket.socket, "connect", "opens a socket"),
    (socket.socket, "bind", "opens a socket"),
    (random, "random", "throws unseeded dice"),
    (random, "randrange", "throws unseeded dice"),
)


class GuardTrippedError(BenchError):
    """A library did in a virtual run what makes runs differ."""


@contextmanager
def guarded() -> Iterator[None]:
    """Raise GuardTrippedError, naming who, as long as this lasts."""
    before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in FORBIDDEN]
    try:
        for (owner, name, what), (_, _, original) in zip(FORBIDDEN, before, strict=True):
            setattr(owner, name, _refuse(original or getattr(owner, name), name, what))
        yield
    finally:
        for owner, name, original in before:
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)


def _refuse(original: Callable[..., Any], name: str, what: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "?")  # noqa: SLF001 - who calls us?
        if caller.startswith(ALLOWED):
            return original(*args, **kwargs)
        raise GuardTrippedError(
            f"{caller} {what} ({name}) in a virtual run: its results would not repeat"
        )

    return refuse
