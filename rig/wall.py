"""The wall clock behind the kernel's face: what is written for virtual time runs in real time.

The same heap, driven by the machine's monotonic clock: an event runs when its time has come, and
sockets are served between. Time stands still within one event, as it does in a virtual run, and is
the instant that was asked for, however late it runs; it begins at zero with the loop. Nothing here
repeats: who wants that takes `VirtualLoop`.
"""

import asyncio
import select
import selectors
from typing import Any

from rig.clock import monotonic_us
from rig.kernel import Kernel

FILES_OF_SELECT = 1024
"""What select knows files below."""


def _nobody() -> bool:
    return False


class _PacedSelector(selectors.BaseSelector):
    """Waits for files as long as the heap allows, and runs what is due."""

    def __init__(self, loop: "WallLoop") -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()
        # Python has epoll wait for whole milliseconds, rounded up: an event would come 0.5 ms late
        # on average. select waits for microseconds, if the number of the file is not too high.
        self._epoll = -1
        if hasattr(select, "epoll") and isinstance(self._real, selectors.EpollSelector):
            self._epoll = self._real.fileno()
        self._fine = 0 <= self._epoll < FILES_OF_SELECT

    def select(self, timeout: float | None = None) -> list[Any]:
        """Run the heap up to now; then wait for a file, a coroutine's timer, or the next event."""
        loop, kernel = self._loop, self._loop.kernel
        kernel.run(loop.kernel_us(), loop.has_ready)
        due_us = kernel.due_us
        if loop.has_ready():
            timeout = 0.0
        elif due_us is not None:
            until_s = max(0, due_us - loop.elapsed_us()) / 1e6
            timeout = until_s if timeout is None else min(timeout, until_s)
        if self._fine and timeout is not None and timeout > 0:
            select.select([self._epoll], [], [], timeout)
            timeout = 0.0
        ready = self._real.select(timeout)
        # Before anybody reads the clock: what was due meanwhile finds the time that it asked for.
        kernel.run(loop.kernel_us(), _nobody)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """As the real one."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> Any:
        """As the real one."""
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """As the real one."""
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Any:
        """As the real one."""
        return self._real.get_map()

    def get_key(self, fileobj: Any) -> Any:
        """As the real one."""
        return self._real.get_key(fileobj)

    def close(self) -> None:
        """As the real one."""
        self._real.close()


class WallLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with a kernel whose time is the wall clock's."""

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel or Kernel()
        self.began_us = monotonic_us()
        self._held = False
        super().__init__(_PacedSelector(self))

    def time(self) -> float:
        """Seconds since it began."""
        return self.elapsed_us() / 1e6

    def hold(self) -> None:
        """The kernel's time is zero until it begins again: what comes meanwhile comes at zero."""
        self._held, self.kernel.now_us = True, 0

    def begin_again(self) -> None:
        """Time is zero from now on. Raises RuntimeError if anything waits for a time already."""
        if self.kernel.due_us is not None:
            raise RuntimeError("time cannot begin again: something waits for its time")
        self.began_us, self.kernel.now_us, self._held = monotonic_us(), 0, False

    def elapsed_us(self) -> int:
        """Microseconds since it began, of the machine's monotonic clock."""
        return monotonic_us() - self.began_us

    def kernel_us(self) -> int:
        """What the kernel's time is by now."""
        return 0 if self._held else self.elapsed_us()

    def has_ready(self) -> bool:
        """Whether a coroutine can go on."""
        return bool(self._ready)  # type: ignore[attr-defined]
