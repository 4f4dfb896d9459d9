"""Python's garbage collector, told that a run makes much and leaves few circles behind.

At its usual thresholds it looks through everything that lives some hundred times a second of
computing, a tenth of the time of a long charge, and finds nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (100_000, 20, 20)  # chosen: memory grows by some tens of megabytes at most


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Collect seldom, and never what was there before the first run of this process.

    What the run before has left, a whole bench, is collected first. Nothing that came after the
    first run is frozen: one frozen part of a bench's circle would keep all of it for good.
    """
    usual = gc.get_threshold()
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
