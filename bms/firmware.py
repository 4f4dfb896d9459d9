"""The version mechanism: today stands in the rooms, the past is undone from it.

A `Slot` is a named place in a room where releases differ; its declaration is what the newest
release does. A `Change` is one line of the change log; its deltas say both *was* and *now*. An
older firmware is today's with later changes undone, newest first, and each joint must meet.
Nothing outside this file compares versions.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import total_ordering
from inspect import get_annotations
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, overload

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def seconds(value: float) -> int:
    """A duration in microseconds, from seconds."""
    return round(value * 1_000_000)


def milliseconds(value: float) -> int:
    """A duration in microseconds, from milliseconds."""
    return round(value * 1_000)


class UnknownRelease(ValueError):
    """A release that the change log does not know."""


class JointError(ValueError):
    """A change that does not meet what the next release finds."""


class Basis(StrEnum):
    """Where a number or a behaviour comes from."""

    STATED = "stated"  # the change log gives it
    PUBLIC = "public"  # a public document gives it
    CHOSEN = "chosen"  # we had to choose


class Component(StrEnum):
    """What has a firmware of its own, updated or not updated for itself."""

    MASTER = "master"
    BATTERY = "battery"
    BOOT_LOADER = "boot loader"
    SECONDARY_BOOT_LOADER = "secondary boot loader"


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A release number; read from 1.38, v1.38 or v01.38, and printed as 1.38."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``. Raises UnknownRelease if it is no release number."""
        match = re.fullmatch(r"v?0?(\d+)\.(\d{2})", text.strip())
        if match is None:
            raise UnknownRelease(f"{text!r} is no release: write it as 1.38, v1.38 or v01.38")
        return cls(int(match[1]), int(match[2]))

    def __lt__(self, other: Version) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor:02}"


class _Absent:
    """Stands in a delta for an entry that a table has not."""

    def __repr__(self) -> str:
        return "absent"


class _Present:
    """Stands in a delta for an entry whose value is today's."""

    def __repr__(self) -> str:
        return "present"


ABSENT: Final = _Absent()
PRESENT: Final = _Present()


@dataclass(frozen=True, slots=True)
class Place:
    """What a delta changes: a slot, or one entry of a table slot."""

    slot: AnySlot
    entry: Hashable = None

    @property
    def name(self) -> str:
        """As people write it: contactor.opening_delay_us, ve_can.flags[29]."""
        return self.slot.name if self.entry is None else f"{self.slot.name}[{self.entry}]"


@dataclass(frozen=True, slots=True)
class Delta:
    """One place, what it was before the change, and what it is from then on."""

    place: Place
    was: Any
    now: Any


class AnySlot:
    """What a number, a policy and a table have in common: a name and a room."""

    name: str = "(unnamed)"
    room: type[Room]

    def __set_name__(self, room: type[Room], name: str) -> None:
        if name in get_annotations(room):
            raise TypeError(f"{room.__name__}.{name}: a slot is never annotated, it says its type")
        self.room = room
        self.name = f"{room.__module__.rsplit('.', 1)[-1]}.{name}"

    def resolve(self, firmware: Firmware) -> Any:
        """The value that ``firmware`` gives this slot."""
        raise NotImplementedError


class Slot(AnySlot, Generic[T]):
    """A place in a room where releases differ; ``today`` is what the newest does."""

    def __init__(self, today: T) -> None:
        self.today = today

    @overload
    def __get__(self, room: None, owner: type[Room]) -> Self: ...
    @overload
    def __get__(self, room: Room, owner: type[Room]) -> T: ...
    def __get__(self, room: Room | None, owner: type[Room]) -> Self | T:
        # An instance carries the resolved value under this name; this is read on the class only.
        if room is None:
            return self
        raise AttributeError(f"{self.name} was not resolved: call Room.__init__ first")

    def changed(self, *, was: T, now: T) -> Delta:
        """The delta of one change."""
        return Delta(Place(self), was, now)

    def resolve(self, firmware: Firmware) -> T:
        """The value that ``firmware`` gives this slot."""
        value: T = firmware.differs.get(Place(self), self.today)
        return value


class TableSlot(AnySlot, Generic[K, T]):
    """A table in a room whose entries come, go and change with the releases."""

    def __init__(self, today: Mapping[K, T]) -> None:
        self.today = MappingProxyType(dict(today))

    @overload
    def __get__(self, room: None, owner: type[Room]) -> Self: ...
    @overload
    def __get__(self, room: Room, owner: type[Room]) -> Mapping[K, T]: ...
    def __get__(self, room: Room | None, owner: type[Room]) -> Self | Mapping[K, T]:
        if room is None:
            return self
        raise AttributeError(f"{self.name} was not resolved: call Room.__init__ first")

    def gained(self, entry: K) -> Delta:
        """The delta of a change that added ``entry``, as it is today."""
        return Delta(Place(self, entry), ABSENT, PRESENT)

    def lost(self, entry: K, was: T) -> Delta:
        """The delta of a change that removed ``entry``, which was ``was``."""
        return Delta(Place(self, entry), was, ABSENT)

    def changed(self, entry: K, *, was: T, now: T) -> Delta:
        """The delta of a change that gave ``entry`` another meaning."""
        return Delta(Place(self, entry), was, now)

    def resolve(self, firmware: Firmware) -> Mapping[K, T]:
        """The table that ``firmware`` has."""
        table: dict[Any, Any] = dict(self.today)
        for place, value in firmware.differs.items():
            if place.slot is self:
                if value is ABSENT:
                    table.pop(place.entry, None)
                elif value is not PRESENT:
                    table[place.entry] = value
        return MappingProxyType(table)


class Room:
    """A subsystem of the firmware. Its slots are resolved once, into plain attributes."""

    component: ClassVar[Component] = Component.MASTER

    def __init__(self, firmware: Firmware) -> None:
        self.firmware = firmware
        for name, slot in slots_of(type(self)).items():
            self.__dict__[name] = slot.resolve(firmware)

    def waits(self) -> bool:
        """Whether time alone can change what it says: then the next control step is not left out.

        A room that runs a timer overrides this; periods of a second or more need not.
        """
        return False


def slots_of(room: type[Room]) -> dict[str, AnySlot]:
    """The slots that a room declares, by attribute name, in their order."""
    return {name: value for name, value in vars(room).items() if isinstance(value, AnySlot)}


class Change:
    """One line of the change log; the docstring tells it in our own words.

    ``cured_by`` names the item that ends a defect, for a known issue or one that a release
    brought. ``revokes`` names items whose claim no longer holds from this change on. ``builds_on``
    names items without which there is nothing for it to change. A ``skeleton`` was laid down by
    `hil release new`: nobody has written its deltas yet.
    """

    item: ClassVar[str]
    basis: ClassVar[Basis]
    cured_by: ClassVar[str | None] = None
    revokes: ClassVar[tuple[str, ...]] = ()
    builds_on: ClassVar[tuple[str, ...]] = ()
    deltas: ClassVar[tuple[Delta, ...]] = ()
    exempt: ClassVar[str | None] = None
    skeleton: ClassVar[bool] = False

    def __init_subclass__(
        cls,
        *,
        item: str,
        basis: Basis,
        cured_by: str | None = None,
        revokes: tuple[str, ...] = (),
        builds_on: tuple[str, ...] = (),
        exempt: str | None = None,
        skeleton: bool = False,
    ) -> None:
        cls.item, cls.basis, cls.cured_by = item, basis, cured_by
        cls.revokes, cls.builds_on, cls.exempt = revokes, builds_on, exempt
        cls.skeleton = skeleton
        if not cls.__doc__:
            raise TypeError(f"{item}: a change tells in its docstring what it changed")
        if skeleton and (cls.deltas or cured_by is not None or exempt is not None):
            raise TypeError(f"{item}: it is written, and no skeleton any more")
        if not cls.deltas and cured_by is None and exempt is None and not skeleton:
            raise TypeError(f"{item}: without deltas a change names its cure, or why it has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release: its date (ISO), its changes in the order of the log, and what it ships.

    ``ships`` names the components other than the master whose firmware it carries; a boot loader
    that only the diagnostic tool installs is in ``tool_installs``.
    """

    version: Version
    date: str
    changes: tuple[type[Change], ...] = ()
    ships: frozenset[Component] = frozenset({Component.BATTERY})
    tool_installs: frozenset[Component] = frozenset()


@dataclass(frozen=True, slots=True)
class Firmware:
    """One component's firmware: today's, with what it has not yet, or not, undone."""

    version: Version
    component: Component = Component.MASTER
    differs: Mapping[Place, Any] = field(default_factory=dict)
    releases: Sequence[Release] = field(default=(), repr=False)
    left_out: tuple[str, ...] = ()

    def without(self, *items: str) -> Firmware:
        """Take changes out of this firmware; later changes of the same places go along.

        Raises UnknownItem if no change of this firmware is one of ``items``, or if it has no
        deltas for this component.
        """
        return undo(self.version, self.releases, self.component, without=items)

    @property
    def name(self) -> str:
        """As it is printed: 1.38, or 1.38 less v1.08-04."""
        return f"{self.version}" + (f" less {', '.join(self.left_out)}" if self.left_out else "")


class UnknownItem(ValueError):
    """An item that is no change of a firmware, or that changes nothing in it."""


def _newest_first(releases: Sequence[Release]) -> Iterator[tuple[Release, type[Change]]]:
    for release in reversed(releases):
        for change in reversed(release.changes):
            yield release, change


def _places_in(change: type[Change], component: Component) -> Iterator[Place]:
    for delta in change.deltas:
        if delta.place.slot.room.component is component:
            yield delta.place


def _places_of(
    item: str, version: Version, releases: Sequence[Release], component: Component
) -> frozenset[Place]:
    """The places that ``item`` changed, in a component's firmware of ``version``."""
    for release, change in _newest_first(releases):
        if change.item == item and release.version <= version:
            places = frozenset(_places_in(change, component))
            if not places:
                why = change.exempt or f"{change.cured_by} cures it"
                if change.skeleton:
                    why = "it is a skeleton"
                if change.deltas:
                    why = f"it changes another component than the {component}"
                raise UnknownItem(f"{item} has no delta to leave out; {why}")
            return places
    raise UnknownItem(f"{item} is no change of firmware {version}")


def undo(
    version: Version,
    releases: Sequence[Release],
    component: Component = Component.MASTER,
    *,
    without: Sequence[str] = (),
) -> Firmware:
    """Walk back from today: undo every change after ``version``, and those of ``without``.

    ``releases`` are in order, oldest first. Raises JointError, naming item and slot, where a
    change does not leave what the next release finds.
    """
    differs: dict[Place, Any] = {}
    places = {item: _places_of(item, version, releases, component) for item in without}
    for release, change in _newest_first(releases):
        newer = version < release.version
        if not newer and not places:
            break
        leaving = frozenset[Place]().union(*places.values())
        for delta in reversed(change.deltas):
            if delta.place.slot.room.component is not component:
                continue
            if newer or delta.place in leaving:
                _check_joint(change.item, delta, differs)
                differs[delta.place] = delta.was
        places.pop(change.item, None)
    return Firmware(version, component, MappingProxyType(differs), releases, tuple(without))


def _check_joint(item: str, delta: Delta, differs: Mapping[Place, Any]) -> None:
    """Raises JointError unless ``delta`` leaves what the walk back from today finds."""
    slot, entry = delta.place.slot, delta.place.entry
    if isinstance(slot, TableSlot):
        found = differs.get(delta.place, slot.today.get(entry, ABSENT))
        meets = found == delta.now or (delta.now is PRESENT and found is not ABSENT)
    else:
        found = differs.get(delta.place, slot.today) if isinstance(slot, Slot) else ABSENT
        meets = found == delta.now
    if not meets:
        raise JointError(
            f"{item} leaves {delta.place.name} at {delta.now!r}, "
            f"but the next release finds {found!r}"
        )
