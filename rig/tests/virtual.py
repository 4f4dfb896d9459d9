"""Tests in virtual time: a coroutine under the kernel's own loop."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from rig.kernel import Kernel, VirtualLoop, kernel_of_the_run


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test under a VirtualLoop of its own; fixtures and parameters work as ever."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)
    del run.__wrapped__
    return run


def kernel() -> Kernel:
    """The kernel under the running test."""
    return kernel_of_the_run()
