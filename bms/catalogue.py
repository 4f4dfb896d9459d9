"""The catalogue: every statement of the change log, and on which releases its claim holds."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType

from bms.data import FOLDER
from bms.firmware import Basis, Change, UnknownRelease, Version
from bms.releases import RELEASES, VERSIONS, general

SILENT = "silent"
DEFECTS = frozenset({"known-issue", "introduced"})  # they claim health, and fail while it is ill


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row: what the log says in our own words, and where its claim holds."""

    id: str
    kind: str
    area: str
    row_class: str
    basis: Basis
    statement: str
    release: Version | None  # None: about all releases
    since: Version
    until: Version | None  # the first release on which a defect is gone
    change: type[Change] | None = None  # None: not yet a behaviour of the firmware
    holds_on: tuple[Version, ...] = ()

    def holds(self, version: Version) -> bool:
        """Whether the claim holds on a release."""
        return version in self.holds_on

    @property
    def superseded_by(self) -> str | None:
        """The item that revoked this one; None while it holds on the newest release."""
        return _revoked().get(self.id)


class UnknownItemId(KeyError):
    """An id that the catalogue does not know."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def changes() -> Mapping[str, type[Change]]:
    """Every change of the releases by its item. Raises ValueError for an item told twice."""
    found: dict[str, type[Change]] = {}
    for change in (*(c for release in RELEASES for c in release.changes), *general.CHANGES):
        if change.item in found:
            raise ValueError(f"{change.item} is a change of two releases")
        found[change.item] = change
    return MappingProxyType(found)


@cache
def _revoked() -> Mapping[str, str]:
    return {old: change.item for change in changes().values() for old in change.revokes}


@cache
def catalogue() -> Mapping[str, Item]:
    """Every item by id, in the order of the file."""
    with (FOLDER / "catalogue.toml").open("rb") as file:
        rows = tomllib.load(file)["item"]
    return MappingProxyType({row["id"]: _item(row) for row in rows})


def item_of(text: str) -> Item:
    """The row of an id. Raises UnknownItemId, with the nearest ids, for one that is none."""
    written = re.sub(r"^[vV]?0?(?=\d)", "v", text.strip())
    found = catalogue().get(written)
    if found is None:
        near = [known for known in catalogue() if known.startswith(written[:5])][:8]
        hint = f"; near it: {', '.join(near)}" if near else "; ids look like v1.08-04"
        raise UnknownItemId(f"{text!r} is no id of the catalogue{hint}")
    return found


def _item(row: Mapping[str, str]) -> Item:
    id_ = row["id"]
    release = None if id_.startswith("general") else Version.parse(id_.split("-")[0])
    change = changes().get(id_)
    # What no release brought, and is no comparison of two, holds on all of them.
    everywhere = change is not None and change.exempt is not None and row["class"] != SILENT
    begins = VERSIONS[0] if everywhere or release is None else release
    since = Version.parse(row["since"]) if "since" in row else begins
    until = Version.parse(row["until"]) if "until" in row else None
    return Item(
        id=id_,
        kind=row["kind"],
        area=row["area"],
        row_class=row["class"],
        basis=Basis(row["basis"]),
        statement=row["statement"],
        release=release,
        since=since,
        until=until,
        change=change,
        holds_on=_holds_on(id_, row["kind"], since, until),
    )


def _holds_on(id_: str, kind: str, since: Version, until: Version | None) -> tuple[Version, ...]:
    """The releases on which a claim holds.

    An ordinary row: from its release until one revokes it. A defect's row claims health: it holds
    wherever the defect is not. The cure of a defect that a release brought holds before it, too.
    """
    if kind in DEFECTS:
        return tuple(v for v in VERSIONS if v < since or (until is not None and until <= v))
    ill = _span_cured_by(id_)
    if ill is not None:
        return tuple(v for v in VERSIONS if v < ill[0] or ill[1] <= v)
    end = _revoking_release(id_)
    return tuple(v for v in VERSIONS if since <= v and (end is None or v < end))


def _span_cured_by(id_: str) -> tuple[Version, Version] | None:
    """From and until when the defect was there that ``id_`` cures, if a release brought it."""
    for change in changes().values():
        if change.cured_by == id_ and change.deltas:
            return _release_of(change.item), _release_of(id_)
    return None


def _revoking_release(id_: str) -> Version | None:
    by = _revoked().get(id_)
    return None if by is None else _release_of(by)


def _release_of(id_: str) -> Version:
    return Version.parse(id_.split("-", maxsplit=1)[0])


def edges(item: Item) -> tuple[Version, ...]:
    """The releases on both sides of every place where the claim begins or ceases to hold."""
    found: list[Version] = []
    for before, after in pairwise(VERSIONS):
        if item.holds(before) is not item.holds(after):
            found += [v for v in (before, after) if v not in found]
    return tuple(found)


def release_before(item: Item) -> Version:
    """The release before the one that the row is about; the first has none before it."""
    release = item.release or VERSIONS[0]
    return VERSIONS[max(0, VERSIONS.index(release) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """On which release a row is judged, or why it is not."""

    firmware: Version | None
    reason: str = ""


def judged_on(item: Item, qualified: Version) -> Judgement:
    """On the qualified release if the claim holds there, else on the last where it did.

    A silent row compares its own release with the one before, whatever is qualified.
    """
    if item.row_class == SILENT and item.release is not None and item.release <= qualified:
        return Judgement(firmware=item.release)
    if item.holds(qualified):
        return Judgement(firmware=qualified)
    if item.release is not None and qualified < item.since and item.kind not in DEFECTS:
        return Judgement(firmware=None, reason=f"from {item.since}")
    earlier = [version for version in item.holds_on if version < qualified]
    if item.superseded_by is not None and earlier:
        return Judgement(firmware=earlier[-1], reason=f"superseded by {item.superseded_by}")
    return Judgement(firmware=qualified)  # a defect of the qualified release: it shall fail


def partners(item: str) -> frozenset[str]:
    """The items that share a place with ``item``, or cure it, or are cured by it."""
    table = changes()
    if item not in table:
        return frozenset()
    cured = {c.item for c in table.values() if c.cured_by == item}
    cure = table[item].cured_by
    places = {delta.place for delta in table[item].deltas}
    if cure is not None and cure in table:
        places |= {delta.place for delta in table[cure].deltas}
    shared = {c.item for c in table.values() if places & {delta.place for delta in c.deltas}}
    return frozenset(i for i in cured | shared | {cure} if i and i != item)


def neighbours(item: str) -> tuple[str, ...]:
    """The other items whose deltas lie in a room that ``item`` changes.

    Partners are none, nor is what it builds on: its scenario cannot pass without that.
    """
    table = changes()
    if item not in table:
        return ()
    rooms = {delta.place.slot.room for delta in table[item].deltas}
    close = partners(item) | set(table[item].builds_on)
    return tuple(
        other
        for other, change in table.items()
        if other != item
        and other not in close
        and rooms & {delta.place.slot.room for delta in change.deltas}
    )


__all__ = [
    "Item",
    "Judgement",
    "UnknownItemId",
    "UnknownRelease",
    "catalogue",
    "changes",
    "edges",
    "item_of",
    "judged_on",
    "neighbours",
    "partners",
    "release_before",
]
