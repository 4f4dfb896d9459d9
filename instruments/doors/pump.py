"""Time that passes for a twin although no client speaks: protections, watchdogs, ramps."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

# chosen: a protection that nobody asks about trips within this of its cause.
_LONGEST_S = 0.02
# chosen: a twin that is always due must leave its clients room.
_SHORTEST_S = 0.001


def wall_us() -> int:
    """Wall-clock time that only goes forward, for twins behind doors."""
    return time.monotonic_ns() // 1000


@runtime_checkable
class _Supervised(Protocol):
    def due_us(self) -> int | None: ...

    def supervise(self) -> None: ...


class Pump:
    """Lets a twin supervise itself while a door is open; a twin that cannot is left alone.

    ``now_us`` is the twin's own clock.
    """

    def __init__(self, twin: object, now_us: Callable[[], int]) -> None:
        self._twin = twin
        self._now_us = now_us
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running loop."""
        if isinstance(self._twin, _Supervised):
            self._task = asyncio.get_running_loop().create_task(self._run(self._twin))

    async def stop(self) -> None:
        """End; raises what a supervision raised."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, twin: _Supervised) -> None:
        while True:
            due_us = twin.due_us()
            left_s = _LONGEST_S if due_us is None else (due_us - self._now_us()) / 1_000_000
            await asyncio.sleep(min(max(left_s, _SHORTEST_S), _LONGEST_S))
            twin.supervise()
