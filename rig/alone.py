"""A bench that belongs to no row: for laws on every release, and for ways of updating.

What a scenario proves is one row on one bench that the plugin builds; a law holds for all releases,
and a way of updating passes through several. Both build their simulated benches here themselves.
"""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.dut.model import DutSpec
from rig.expect import witness
from rig.kernel import VirtualLoop
from rig.needs import Needs

T = TypeVar("T")


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test under a virtual loop of its own; its parameters work as ever."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    del run.__wrapped__  # or pytest would take it for a coroutine
    return run


@asynccontextmanager
async def bench_alone(firmware: str, *, seed: str = "1", **needs: object) -> AsyncIterator[Bench]:
    """A simulated bench with this system, whose device runs ``firmware``; nothing is recorded."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.kernel.seed = seed
    attempt = Attempt(loop.kernel, "", "alone", None)
    spec = DutSpec(firmware=firmware)
    parts = SimulatedBench(loop.kernel, load_bench("sim"), Needs.parse(needs), spec, attempt)
    await parts.open()
    keeper = witness.set(attempt)
    try:
        yield Bench(parts)
    finally:
        witness.reset(keeper)
        await parts.close()


class Stepwise:
    """A bench for a machine of Hypothesis, which is synchronous: it goes on call by call."""

    def __init__(self, bench: AbstractAsyncContextManager[Bench]) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._bench = bench
        self.bench = self.run(bench.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this to its end; between two calls no time passes."""
        return self._runner.run(work)

    def close(self) -> None:
        """To the safe state, and away."""
        try:
            self.run(self._close())
        finally:
            self._runner.close()

    async def _close(self) -> None:
        await self._bench.__aexit__(None, None, None)
