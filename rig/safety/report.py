"""What a guardian did, a JSON line each, beside the record of the attempt that it guarded."""

import asyncio
import json
import os
import sys
import threading  # noqa: TID251 - a write that hangs must not hold up a guardian
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

from rig.clock import monotonic_us, utc_now


def note(path: str, did: str, **told: Any) -> None:
    """Add a line; on a full disk it goes to the standard error, and nothing else stops."""
    _add(path, _line(did, told))


def _line(did: str, told: dict[str, Any]) -> str:
    return json.dumps({"utc": utc_now(), "t_us": monotonic_us(), "did": did, **told}) + "\n"


def _add(path: str, line: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        with suppress(OSError):
            print(f"{error}: {line}", file=sys.stderr, end="")  # noqa: T201


class Writer:
    """Writes in order, in a thread of its own that nobody waits for: a disk may hang."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._begun_us: int | None = None

    def note(self, path: str, did: str, **told: Any) -> None:
        """As the function, with the time of this call; returns at once."""
        self.do(partial(_add, path, _line(did, told)))

    def do(self, job: Callable[[], object]) -> None:
        """Have something done when all that was asked for before is done; returns at once."""
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
            self._thread.start()

    def hangs_s(self) -> float:
        """For how many seconds it has been at one thing."""
        begun_us = self._begun_us
        return 0.0 if begun_us is None else (monotonic_us() - begun_us) / 1e6

    async def settled(self, within_s: float) -> bool:
        """Wait until all that was asked for is done, or so many seconds; whether it is done."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        self.do(lambda: loop.call_soon_threadsafe(done.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await done.wait()
        return done.is_set()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            self._begun_us = monotonic_us()
            with suppress(OSError, RuntimeError):  # a loop that is closed waits for nothing
                job()
            self._begun_us = None
