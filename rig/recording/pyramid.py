"""The min/max pyramid: what a long signal looks like from far away, without losing an extreme."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

SAMPLES_A_BLOCK = 64
BLOCKS_A_BLOCK = 8


class Block(NamedTuple):
    """The smallest and the largest of some neighbouring samples, each with its time."""

    low_us: int
    low: float
    high_us: int
    high: float


def blocks_of(times: array[int], values: array[float]) -> Iterator[Block]:
    """The finest level of some samples. NaN is no extreme, unless there is nothing else."""
    for start in range(0, len(times), SAMPLES_A_BLOCK):
        piece = values[start : start + SAMPLES_A_BLOCK]
        known: Iterable[float] = piece
        if math.isnan(sum(piece)):
            known = [value for value in piece if value == value]
        low, high = min(known, default=math.nan), max(known, default=math.nan)
        if low != low:
            yield Block(times[start], low, times[start], high)
        else:
            yield Block(
                times[start + piece.index(low)], low, times[start + piece.index(high)], high
            )


def merged(blocks: Sequence[Block]) -> Block:
    """Neighbouring blocks as one."""
    known = [block for block in blocks if not math.isnan(block.low)] or blocks
    low = min(known, key=lambda block: block.low)
    high = max(known, key=lambda block: block.high)
    return Block(low.low_us, low.low, high.high_us, high.high)
