"""Signals: what a bench sees, named, with a time for every value.

A signal of a bus changes when a frame says so. A signal of an instrument is read as often as
somebody who watches asks for, and only while somebody watches.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rig.errors import NotOnThisBench
from rig.kernel import Kernel, milliseconds

T = TypeVar("T")
FIRST_VALUE_S = 60.0  # chosen: longer than any period of the buses
FINEST_US = milliseconds(20)  # chosen: what a DAQ on a LAN can be polled at


@dataclass(frozen=True, slots=True)
class Sample(Generic[T]):
    """One value at its time."""

    time_us: int
    value: T


@dataclass(frozen=True, slots=True)
class _Watch(Generic[T]):
    """Somebody who watches: whom to call, how often at least, and whom if reading fails."""

    told: Callable[[Sample[T]], None]
    resolution_us: int
    failed: Callable[[Exception], None] | None


class Poll(Protocol):
    """Reads signals of one instrument while they are watched."""

    def watch(self, signal: "Signal[Any]", resolution_us: int) -> None:
        """Read it at least this often from now on."""
        ...

    def unwatch(self, signal: "Signal[Any]") -> None:
        """Nobody watches it any more."""
        ...

    async def read(self, signal: "Signal[Any]") -> None:
        """Read it once, now."""
        ...


class Signal(Generic[T]):
    """A named value over time."""

    def __init__(
        self,
        name: str,
        unit: str = "",
        *,
        kernel: Kernel,
        poll: Poll | None = None,
        uncertainty: float = 0.0,
    ) -> None:
        self.name, self.unit = name, unit
        self.uncertainty = uncertainty  # of a value, k = 2, from the bench's measuring chain
        self.latest: Sample[T] | None = None
        self._kernel, self._poll = kernel, poll
        self._watches: list[_Watch[T]] = []
        self._recorded_us = 0
        self.record: Callable[[str, int, Any], None] | None = None

    def put(self, value: T, time_us: int | None = None) -> None:
        """A new reading; watchers hear of it whether or not the value changed."""
        sample = Sample(self._kernel.now_us if time_us is None else time_us, value)
        before, self.latest = self.latest, sample
        if self.record is not None and (before is None or before.value != value):
            if before is not None and before.time_us > self._recorded_us:
                # The last reading of the old value: what was steady is drawn as steady.
                self.record(self.name, before.time_us, before.value)
            self.record(self.name, sample.time_us, value)
            self._recorded_us = sample.time_us
        for watch in tuple(self._watches):
            watch.told(sample)

    def settle(self) -> None:
        """Have the last reading in the record, where it was as the one before: known until then."""
        last = self.latest
        if self.record is not None and last is not None and last.time_us > self._recorded_us:
            self.record(self.name, last.time_us, last.value)
            self._recorded_us = last.time_us

    def fail(self, error: Exception) -> None:
        """The instrument behind it failed: whoever waits must not wait in vain."""
        for watch in tuple(self._watches):
            if watch.failed is not None:
                watch.failed(error)

    def watch(
        self,
        watcher: Callable[[Sample[T]], None],
        resolution_us: int = FINEST_US,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Call ``watcher`` with every reading from now on, and ``failed`` if reading fails."""
        self._watches.append(_Watch(watcher, resolution_us, failed))
        self._ask_for_readings()

    def unwatch(self, watcher: Callable[[Sample[T]], None]) -> None:
        """Stop calling ``watcher``."""
        self._watches.remove(next(watch for watch in self._watches if watch.told == watcher))
        self._ask_for_readings()

    def _ask_for_readings(self) -> None:
        """As often as the most demanding of those who watch, or no more."""
        if self._poll is None:
            return
        if self._watches:
            self._poll.watch(self, min(watch.resolution_us for watch in self._watches))
        else:
            self._poll.unwatch(self)

    @property
    def is_polled(self) -> bool:
        """Whether an instrument is read for it, so that a change is seen a poll late."""
        return self._poll is not None

    async def read(self) -> Sample[T]:
        """The value now: read from the instrument, or the last that the bus told.

        Waits for the first value of a bus's signal that never had one. Raises NotOnThisBench if
        the instrument was read and had nothing to say of this signal: no line of it leads there.
        """
        if self._poll is not None:
            await self._poll.read(self)
            if self.latest is None:
                raise NotOnThisBench(f"{self.name} is on no line or channel of this bench")
        if self.latest is None:
            future: asyncio.Future[Sample[T]] = asyncio.get_running_loop().create_future()

            def first(sample: Sample[T]) -> None:
                if not future.done():
                    future.set_result(sample)

            self.watch(first)
            try:
                async with asyncio.timeout(FIRST_VALUE_S):
                    return await future
            except TimeoutError:
                raise TimeoutError(f"{self.name} was not told in {FIRST_VALUE_S:g} s") from None
            finally:
                self.unwatch(first)
        return self.latest


class Poller:
    """Reads one instrument, as often as the most demanding of its watched signals asks for."""

    def __init__(self, read_all: Callable[[], Awaitable[None]]) -> None:
        self._read_all = read_all
        self._watched: dict[int, tuple[Signal[Any], int]] = {}
        self._task: asyncio.Task[None] | None = None
        self._pausing_us = 0
        self._pause: asyncio.Future[bool] | None = None

    def watch(self, signal: Signal[Any], resolution_us: int) -> None:
        """Read it at least this often from now on."""
        self._watched[id(signal)] = (signal, resolution_us)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif resolution_us < self._pausing_us:
            self._end_pause(cut_short=True)

    def unwatch(self, signal: Signal[Any]) -> None:
        """Nobody watches it any more; with the last one the reading ends."""
        self._watched.pop(id(signal), None)

    async def read(self, signal: Signal[Any]) -> None:
        """Read it once, now."""
        await self._read_all()

    async def _rest(self) -> None:
        """Pause for the finest resolution; anew when somebody comes who asks for a finer one."""
        loop = asyncio.get_running_loop()
        while self._watched:
            self._pausing_us = min(resolution_us for _, resolution_us in self._watched.values())
            self._pause = loop.create_future()
            timer = loop.call_later(self._pausing_us / 1_000_000, self._end_pause)
            try:
                cut_short = await self._pause
            finally:
                timer.cancel()
            if not cut_short:
                return

    def _end_pause(self, *, cut_short: bool = False) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(cut_short)

    async def _run(self) -> None:
        while self._watched:
            await self._rest()
            if self._watched:
                try:
                    await self._read_all()
                except Exception as error:  # noqa: BLE001 - told to whoever waits, and ends this
                    for signal, _ in tuple(self._watched.values()):
                        signal.fail(error)
                    return
