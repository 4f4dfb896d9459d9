"""A log from the field: its frames in order, what is wrong with it, and what it says of itself.

Rules of this file: types only, and `open_log`; reading stands in `importing` and `formats`, mending
in `ordering`, who is who in `sides`. A log streams: it is never in memory as a whole. Time is
integer microseconds since its first frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rig.errors import BenchFileError

if TYPE_CHECKING:
    from rig.replay.formats.raw import Source
    from rig.replay.ordering import Pass

PLACES = 5  # chosen: as many first places of a problem as a reader looks at


class LogError(BenchFileError):
    """A log that cannot be read; the message names the file, what is wrong, what is allowed."""


class Role(StrEnum):
    """What a bus of the log is to the system."""

    VE_CAN = "ve_can"
    PRIVATE = "private"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class LoggedFrame:
    """A data frame or an error frame of a log. Nobody outside `rig.replay` assigns to one."""

    t_us: int
    bus: int
    """Index into `LogMeta.buses`."""
    can_id: int
    """0 for an error frame."""
    extended: bool
    data: bytes
    """Up to 8 bytes."""
    error: bool = False


class Problem(StrEnum):
    """What can be wrong with a log."""

    UNREADABLE = "unreadable"
    """Lines or objects that say nothing."""
    SKIPPED = "skipped"
    """CAN FD and remote frames: the system has none."""
    GAP = "gap"
    """A bus was silent for long, or was not recorded."""
    CLOCK_STEP = "clock step"
    """The recorder's clock was set while it ran; time goes on here as if it had not been."""
    STRAY_STAMP = "stray stamp"
    """Single frames with a time that cannot be; they got the one of the frame before."""
    REORDERED = "reordered"
    """Frames that came later than their times say; they are in their place here."""
    LATE = "too late"
    """Frames that came later than is mended; they got the time of the frame before."""
    DUPLICATE = "duplicate"
    """Frames that stand there twice, closer than they can be on a wire; the second is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a problem is: a time of the log, a line or object of its file, and a word on it."""

    t_us: int | None
    where: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How often a problem was met, and where first; `total_us` is the length of gaps or steps."""

    count: int = 0
    first: tuple[Place, ...] = ()
    total_us: int = 0

    def and_also(self, other: Finding) -> Finding:
        """Both together."""
        return Finding(
            count=self.count + other.count,
            first=(self.first + other.first)[:PLACES],
            total_us=self.total_us + other.total_us,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProblems:
    """All that is wrong with a log, by kind; a kind that was not met is not there."""

    findings: Mapping[Problem, Finding] = field(default_factory=dict)

    def of(self, kind: Problem) -> Finding:
        """What was found of a kind; a count of 0 if nothing."""
        return self.findings.get(kind, Finding())

    def lines(self) -> list[str]:
        """For a reader: a line a kind."""
        return [_line(kind, found) for kind, found in self.findings.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMeta:
    """What a log says of itself."""

    files: tuple[Path, ...]
    formats: tuple[str, ...]
    """One a file: candump, ASC, BLF, TRC 1.1, MF4, CSV; `.gz` after it where it was packed."""
    start_utc_us: int | None
    """Unix time of the first frame; None where the log counts from its own start."""
    buses: tuple[str, ...]
    """The recorder's names of them, in the order in which they appear."""
    notes: tuple[str, ...] = ()
    """What a reader has to know of its clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusCount:
    """What a bus of a log carries."""

    name: str
    frames: int
    errors: int
    first_us: int
    last_us: int
    identifiers: Mapping[tuple[int, bool], int]
    """Frames by identifier and whether it has 29 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one pass over a log tells."""

    meta: LogMeta
    problems: LogProblems
    buses: tuple[BusCount, ...]
    duration_us: int

    @property
    def frames(self) -> int:
        """Data frames of all buses."""
        return sum(each.frames for each in self.buses)


class Log:
    """An opened log: one or more files that were recorded side by side.

    `frames` can be iterated again and again; each time the files are read anew. `problems`, `meta`
    and `summary` need one whole pass, which the first that asks starts.
    """

    def __init__(self, sources: Sequence[Source], roles: Mapping[str, Role]) -> None:
        self._sources = tuple(sources)
        self.roles_given = dict(roles)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(each.path for each in self._sources)

    def read(self) -> Pass:
        """Begin a pass: its `frames`, and what it `told` when they have come to their end."""
        from rig.replay.ordering import Pass

        return Pass(self._sources)

    def frames(self) -> Iterator[LoggedFrame]:
        """All frames in the order of time. Raises LogError where a file cannot be read."""
        return self.read().frames()

    @cached_property
    def summary(self) -> Summary:
        """What one pass tells; the first to ask starts it."""
        return self.read().summary()

    @property
    def problems(self) -> LogProblems:
        """What is wrong with it."""
        return self.summary.problems

    @property
    def meta(self) -> LogMeta:
        """What it says of itself."""
        return self.summary.meta


def open_log(
    paths: Path | Sequence[Path],
    *,
    mapping: Path | None = None,
    buses: Mapping[str, Role] | None = None,
) -> Log:
    """A log by its files, recorded side by side, one bus or more in each; packed by gzip or not.

    `mapping`: the TOML file that says what the columns of a CSV file are. `buses`: roles by the
    recorder's names, where the frames do not show them. Raises LogError.
    """
    from rig.replay.importing import source_of

    given = [paths] if isinstance(paths, Path) else list(paths)
    if not given:
        raise LogError("log: no file given; allowed: one or more")
    return Log([source_of(path, mapping) for path in given], buses or {})


def _line(kind: Problem, found: Finding) -> str:
    length = f", {found.total_us / 1e6:.3f} s in all" if found.total_us else ""
    places = "; ".join(
        f"{_at(place.t_us)}{place.where}{': ' if place.note else ''}{place.note}"
        for place in found.first
    )
    more = " ..." if found.count > len(found.first) else ""
    return f"{kind}: {found.count}{length} ({places}{more})"


def _at(t_us: int | None) -> str:
    return "" if t_us is None else f"{t_us / 1e6:.6f} s "
