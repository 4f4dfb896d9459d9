"""Several things at once, in an order that is always the same."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def together(*tasks: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run several things at once, in this order, and give their results in this order.

    The first failure, in order of time and then of position, cancels the others in their order;
    what then fails in one of their clean-ups is noted on it.
    """
    running = [asyncio.ensure_future(task) for task in tasks]
    failed: list[BaseException] = []
    done = asyncio.get_running_loop().create_future()

    def ended(task: "asyncio.Future[Any]") -> None:
        if not task.cancelled() and task.exception() is not None:
            failed.append(task.exception() or RuntimeError())
        if (failed or all(one.done() for one in running)) and not done.done():
            done.set_result(None)

    for task in running:
        task.add_done_callback(ended)
    if not running:
        return ()
    try:
        await done
    finally:
        for task in running:
            if not task.done():
                task.cancel()
                # Its failure is in `failed` by now; the others must be cancelled all the same.
                with suppress(asyncio.CancelledError, Exception):
                    await task
    if failed:
        for later in failed[1:]:
            failed[0].add_note(f"and after it: {later!r}")
        raise failed[0]
    return tuple(task.result() for task in running)
