"""The part of a log in which a condition is first true: one pass, and what was known before it.

Of a day of frames only the last minutes before the symptom are kept, and of what came earlier the
last frame of each kind: they say what the system is and how it is set.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from rig.replay.condition import Condition, Watch
from rig.replay.log import Log, LoggedFrame, Role
from rig.replay.observe import FIRST_ADDRESS, PRIVATE, VE_CAN
from rig.replay.sides import Sides, Who

HEAD_FRAMES = 20_000  # chosen: some minutes: who is who shows in the first seconds
BEFORE_US = 900_000_000  # chosen: a quarter of an hour before the symptom can be played
AFTER_US = 5_000_000  # chosen: what it led to
TRIM_FRAMES = 4_096
Progress = Callable[[int, int], None]
Key = tuple[int, int, bytes]
VREG_FORMAT = 0xEF  # of PGN 61184


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame of a log with what its bus is."""

    t_us: int
    bus: str
    can_id: int
    extended: bool
    data: bytes
    error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """What was kept of a log."""

    entries: tuple[Entry, ...]
    earlier: tuple[Entry, ...] = ()
    """The last frame of each kind before these."""
    address: int = FIRST_ADDRESS
    """The device's on VE.Can."""
    buses: frozenset[str] = frozenset()
    """Which were recorded."""
    release: str | None = None
    """What the device says that it runs."""
    first_us: int | None = None
    """When the condition was first true; None: it never was."""
    signature: tuple[object, ...] = ()
    frames: int = 0
    """Read in all."""
    problems: tuple[str, ...] = ()
    """What is wrong with the log, as far as it was read."""
    start_utc_us: int | None = None
    """Unix time of its first frame, if it tells one."""
    duration_us: int = 0

    @property
    def begin_us(self) -> int:
        """The time of the first frame that was kept."""
        return self.entries[0].t_us if self.entries else 0


@dataclass(slots=True)
class _Kept:
    """The last minutes, and the last of each kind before."""

    frames: deque[LoggedFrame] = field(default_factory=deque)
    earlier: dict[Key, LoggedFrame] = field(default_factory=dict)

    def trim(self, limit_us: int) -> None:
        """Let go of what is older than that."""
        frames = self.frames
        while frames and frames[0].t_us < limit_us:
            old = frames.popleft()
            # A register is told by its number, a battery by its message.
            head = old.data[:4] if old.can_id >> 16 & 0xFF == VREG_FORMAT else b""
            self.earlier[old.bus, old.can_id, head] = old


def find(
    log: Log,
    condition: Condition | None,
    progress: Progress = lambda _frames, _t_us: None,
    *,
    before_us: int = BEFORE_US,
    after_us: int = AFTER_US,
    part_us: tuple[int, int] | None = None,
) -> Excerpt:
    """Read a log until the condition is true, and what came after for a moment.

    `part_us`: without a condition, keep what is from here to there; both from the first frame on.
    Raises LogError where it cannot be read.
    """
    who, reading = Who(), log.read()
    stream = reading.frames()
    head: list[LoggedFrame] = []
    for frame in stream:
        who.push(frame)
        head.append(frame)
        if len(head) >= HEAD_FRAMES:
            break
    sides = who.sides(reading.told.meta.buses, log.roles_given)
    search = _Search(log, who, sides, condition, progress)
    first_us = head[0].t_us if head else 0
    part = None if part_us is None else (first_us + part_us[0], first_us + part_us[1])
    excerpt = search.through(chain(head, stream), len(head), (before_us, after_us), part)
    told = reading.told
    return replace(
        excerpt, problems=tuple(told.problems.lines()), start_utc_us=told.meta.start_utc_us
    )


class _Search:
    """One pass over a log."""

    def __init__(
        self,
        log: Log,
        who: Who,
        sides: Sides,
        condition: Condition | None,
        progress: Progress,
    ) -> None:
        self._log, self._who, self._sides, self._progress = log, who, sides, progress
        addresses = sides.dut_addresses
        self._address = addresses[0] if addresses else FIRST_ADDRESS
        self._watch = None if condition is None else Watch(condition, self._address)

    def through(
        self,
        frames: Iterator[LoggedFrame],
        known: int,
        around_us: tuple[int, int],
        part_us: tuple[int, int] | None,
    ) -> Excerpt:
        """Until the condition is true, or to the end."""
        roles = [str(role) for role in self._sides.roles]
        push, watch = self._who.push, self._watch
        kept = _Kept()
        before_us, after_us = around_us
        add, trim = kept.frames.append, kept.trim
        end_us = 1 << 62 if part_us is None else part_us[1]
        count, t_us = 0, 0
        for frame in frames:
            t_us = frame.t_us
            if t_us > end_us:
                break
            count += 1
            if count > known:
                push(frame)
            if frame.bus >= len(roles):  # a bus that is first heard late
                roles += [str(Role.UNKNOWN)] * (frame.bus + 1 - len(roles))
            bus, can_id = roles[frame.bus], frame.can_id
            add(frame)
            if frame.error or watch is None:
                pass
            elif watch.take(t_us, bus, can_id, frame.extended, frame.data):
                end_us = t_us + after_us
            if not count % TRIM_FRAMES:
                trim(t_us - before_us if part_us is None else min(t_us, part_us[0]))
                self._progress(count, t_us)
        if watch is not None and watch.first_us is None:
            watch.until(t_us)
        trim(t_us - after_us - before_us if part_us is None else part_us[0])
        return self._excerpt(kept, roles, count, t_us)

    def _excerpt(self, kept: _Kept, roles: list[str], count: int, t_us: int) -> Excerpt:
        watch = self._watch
        told = self._who.sides(tuple(str(bus) for bus in range(len(roles))), {}).release
        entries = tuple(_entry(frame, roles) for frame in kept.frames)
        earlier = tuple(_entry(frame, roles) for frame in kept.earlier.values())
        buses = {entry.bus for entry in chain(entries, earlier)}
        return Excerpt(
            entries=entries,
            earlier=earlier,
            address=watch.observer.address if watch is not None else self._address,
            buses=frozenset(buses & {VE_CAN, PRIVATE, "external"}),
            release=None if told is None else str(told),
            first_us=None if watch is None else watch.first_us,
            signature=() if watch is None else watch.signature,
            frames=count,
            duration_us=t_us,
        )


def _entry(frame: LoggedFrame, roles: list[str]) -> Entry:
    return Entry(
        frame.t_us, roles[frame.bus], frame.can_id, frame.extended, frame.data, frame.error
    )
