"""What a reader gives: frames in the order of the file, with the file's own times.

Rules of this file: a reader raises nothing for what single lines or objects say; it notes them in
`Notes` and goes on. It raises LogError only where no frame can be had, or what follows cannot be
found any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from rig.replay.log import PLACES, Finding, LoggedFrame, Place, Problem


class Readable(Protocol):
    """What a reader takes of a file."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; fewer only at the end."""


Batches = Iterator[list[LoggedFrame]]
"""Lists of some thousand frames; `t_us` is Unix time or the file's own, `bus` the file's own."""

BATCH = 4096
TIME_MAX_US = 10**18
"""A greater time is damage: thirty thousand years."""


@dataclass(slots=True)
class Notes:
    """What a reader finds beside the frames of one file."""

    file: str
    format: str = ""
    epoch_us: int | None = None
    """Unix time of the file's time 0; 0 where its times are Unix times; None if unknown."""
    resolution_us: int = 1
    """The step of its time stamps."""
    remarks: list[str] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)
    """The file's names of its buses, in the order in which they came."""
    _counts: dict[Problem, int] = field(default_factory=dict)
    _lengths: dict[Problem, int] = field(default_factory=dict)
    _places: dict[Problem, list[Place]] = field(default_factory=dict)

    def channel(self, name: str) -> int:
        """The index of a bus."""
        return self.channels.setdefault(name, len(self.channels))

    def add(
        self,
        kind: Problem,
        where: str,
        note: str = "",
        *,
        t_us: int | None = None,
        length_us: int = 0,
        count: int = 1,
    ) -> None:
        """One more of a kind."""
        self._counts[kind] = self._counts.get(kind, 0) + count
        if length_us:
            self._lengths[kind] = self._lengths.get(kind, 0) + length_us
        places = self._places.setdefault(kind, [])
        if len(places) < PLACES:
            places.append(Place(t_us=t_us, where=where, note=note))

    def findings(self) -> dict[Problem, Finding]:
        """All of it, by kind."""
        return {
            kind: Finding(
                count=count,
                first=tuple(self._places[kind]),
                total_us=self._lengths.get(kind, 0),
            )
            for kind, count in self._counts.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file and its reader; `open` reads it from its beginning."""

    path: Path
    open: Callable[[Notes], Batches]


def are_since_the_one_before(times_us: list[int]) -> bool:
    """Whether times count from the line before: those from one start rise nearly always.

    Of fewer than three it is not to be told, and not said.
    """
    if len(times_us) < 3:
        return False
    rises = sum(later > one for one, later in pairwise(times_us))
    # Chosen: frames of two buses can share a time or change places, but not every fourth.
    return rises < 0.75 * (len(times_us) - 1)
