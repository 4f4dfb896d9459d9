"""Virtual time: one synchronous event heap inside an own asyncio loop.

Rules of this file: time is an integer number of microseconds; at one instant the heap runs before
coroutines; equal times run by priority, then in the order in which they were asked for; nothing
here reads a wall clock, so a run is a function of its seed and its inputs.
"""

import asyncio
import hashlib
import heapq
import random
import selectors
from asyncio import selector_events
from collections.abc import Callable
from typing import Any

Action = Callable[[], None]

# At one instant: what travels arrives before the DUT steps, and observers see the result.
BUS, PLANT, DUT, INSTRUMENT, OBSERVER = range(5)


def seconds(value: float) -> int:
    """A duration in microseconds, from seconds."""
    return round(value * 1_000_000)


def milliseconds(value: float) -> int:
    """A duration in microseconds, from milliseconds."""
    return round(value * 1_000)


def show_time(time_us: int) -> str:
    """The one way in which a time is printed: seconds with three decimals."""
    return f"{time_us / 1_000_000:.3f} s"


class Deadlock(RuntimeError):
    """Everybody waits and nothing is left on the heap that could wake them."""


class Scheduled:
    """An action that will run, unless it is cancelled first."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        """Forget the action; a second call does nothing."""
        self.action = None


class Digest:
    """A rolling SHA-256 over everything that happens, batched because small updates are dear."""

    __slots__ = ("_hash", "_pending", "_size")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pending: list[bytes] = []
        self._size = 0

    def update(self, data: bytes) -> None:
        """Take ``data`` into the digest, in the order of the calls."""
        self._pending.append(data)
        self._size += 1
        if self._size >= 512:
            self._flush()

    def _flush(self) -> None:
        self._hash.update(b"".join(self._pending))
        self._pending.clear()
        self._size = 0

    def hexdigest(self) -> str:
        """The SHA-256 of all that came until now, as 64 hexadecimal digits."""
        self._flush()
        return self._hash.hexdigest()


class Kernel:
    """The heap of (time, priority, sequence), the seed's sub-streams, and the digest of a run."""

    def __init__(self, seed: str = "0") -> None:
        self.now_us = 0
        self.seed = seed
        self.digest = Digest()
        self._heap: list[tuple[int, int, int, Scheduled]] = []
        self._sequence = 0

    def at(self, time_us: int, action: Action, priority: int = OBSERVER) -> Scheduled:
        """Run ``action`` at ``time_us``. Raises ValueError for a time that has passed."""
        if time_us < self.now_us:
            raise ValueError(
                f"{show_time(time_us)} has passed: it is {show_time(self.now_us)} by now"
            )
        scheduled = Scheduled(action)
        self._sequence += 1
        heapq.heappush(self._heap, (time_us, priority, self._sequence, scheduled))
        return scheduled

    def after(self, delay_us: int, action: Action, priority: int = OBSERVER) -> Scheduled:
        """Run ``action`` in ``delay_us`` microseconds."""
        return self.at(self.now_us + delay_us, action, priority)

    @property
    def due_us(self) -> int | None:
        """When the next event is due; None if there is none."""
        heap = self._heap
        while heap and heap[0][3].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def stream(self, name: str) -> random.Random:
        """A named sub-stream of the seed: adding one component does not shift another's chance."""
        key = hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest()
        return random.Random(int.from_bytes(key, "big"))

    def run(self, until_us: int | None, wanted: Callable[[], bool]) -> None:
        """Run events up to ``until_us`` (None: without end) or until ``wanted`` is true.

        The clock then stands at the last event, or at ``until_us`` if that was reached.
        Raises Deadlock if the heap runs empty with nothing to wait for.
        """
        heap = self._heap
        while heap:
            time_us = heap[0][0]
            if until_us is not None and time_us > until_us:
                break
            if time_us > self.now_us and wanted():
                return
            scheduled = heapq.heappop(heap)[3]
            action = scheduled.action
            if action is not None:
                # On a wall clock an event may be late; `max` would cost a twentieth of a run.
                if time_us > self.now_us:  # noqa: PLR1730
                    self.now_us = time_us
                action()
        if wanted():
            return
        if until_us is None:
            raise Deadlock(f"everybody waits for ever (t = {show_time(self.now_us)})")
        self.now_us = max(self.now_us, until_us)


class _HeapSelector(selectors.BaseSelector):
    """What asyncio takes for a selector: to wait is to run the kernel's heap."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        """Run the heap for ``timeout`` seconds of virtual time, or until a coroutine can go on."""
        loop = self._loop
        kernel = loop.kernel
        until_us = None if timeout is None else kernel.now_us + max(0, round(timeout * 1_000_000))
        try:
            kernel.run(until_us, loop.has_ready)
        except Exception as error:
            if loop.on_crash is not None:
                loop.on_crash(error)
            raise
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """Refused: a virtual run has no file to wait for."""
        raise RuntimeError("a virtual run waits for no file or socket")

    def unregister(self, fileobj: Any) -> Any:
        """Refused, as `register` is."""
        raise RuntimeError("a virtual run waits for no file or socket")

    def get_map(self) -> dict[Any, Any]:
        """No file is ever registered."""
        return {}

    def get_key(self, fileobj: Any) -> Any:
        """No file is ever registered."""
        raise KeyError(fileobj)

    def close(self) -> None:
        """Nothing to close."""


class VirtualLoop(selector_events.BaseSelectorEventLoop):
    """An asyncio loop whose clock is the kernel's, so that a scenario is an ordinary coroutine."""

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel or Kernel()
        self.on_crash: Callable[[Exception], None] | None = None
        """Hears of an error on the heap before it stops the loop."""
        super().__init__(_HeapSelector(self))
        # One microsecond is our resolution: with a finer one `sleep(0.1234564)` would never end.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """The kernel's time in seconds."""
        return self.kernel.now_us / 1_000_000

    def has_ready(self) -> bool:
        """Whether a coroutine can go on."""
        return bool(self._ready)  # type: ignore[attr-defined]

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def kernel_of_the_run() -> Kernel:
    """The kernel under the running coroutine. Raises RuntimeError on a loop that has none."""
    kernel = getattr(asyncio.get_running_loop(), "kernel", None)
    if not isinstance(kernel, Kernel):
        raise RuntimeError("this needs a kernel: run it under VirtualLoop or WallLoop")
    return kernel
