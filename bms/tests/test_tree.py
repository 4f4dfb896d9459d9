"""Laws over the real tree: rooms, history, releases and catalogue, read as a whole."""

import ast
import inspect
import tomllib
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from bms import releases as releases_package
from bms.battery.module import Module
from bms.catalogue import catalogue, changes
from bms.firmware import Basis, Change, Component, Room, TableSlot, UnknownItem, slots_of
from bms.releases import RELEASES, firmware, general

BMS = Path(releases_package.__file__).parents[1]
# The change log, as its authors keep it; it stands beside the project where there is one.
CHANGE_LOG = BMS.parents[1] / "shared" / "changelog" / "catalogue.toml"
ROOM_FILES = sorted(p for p in (BMS / "rooms").glob("*.py") if p.stem != "__init__")
SOURCES = sorted(p for p in BMS.rglob("*.py") if "tests" not in p.parts)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def rooms() -> Iterator[type[Room]]:
    for path in ROOM_FILES:
        module = __import__(f"bms.rooms.{path.stem}", fromlist=["_"])
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, Room) and value is not Room:
                yield value
    yield Module


ROOMS = list(rooms())
SLOTS = [(room, name) for room in ROOMS for name in slots_of(room)]
CHANGES = [change for release in RELEASES for change in release.changes]
WITH_DELTAS = [change for change in CHANGES if change.deltas]


def attributes_of_self(room: type[Room], context: type[ast.expr_context]) -> set[str]:
    """The attributes of self that a room's class reads (Load) or assigns (Store)."""
    tree = parse(Path(inspect.getfile(room)))
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == room.__name__)
    return {
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and isinstance(node.ctx, context)
    }


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("component", Component, ids=str)
@pytest.mark.parametrize("release", RELEASES, ids=lambda r: str(r.version))
def test_every_release_resolves_for_every_component(release, component) -> None:
    assert firmware(str(release.version), component).version == release.version


def test_the_first_32_releases_are_1_07_to_1_38() -> None:
    versions = [str(release.version) for release in RELEASES]

    assert versions[:32] == [f"1.{minor:02}" for minor in range(7, 39)]


def test_the_releases_are_those_of_the_catalogue() -> None:
    named = {id_.split("-")[0] for id_ in catalogue() if not id_.startswith("general")}

    assert {f"v{release.version}" for release in RELEASES} == named


def test_releases_are_dated_in_their_order() -> None:
    dates = [date.fromisoformat(release.date) for release in RELEASES]

    assert dates == sorted(dates)


@pytest.mark.parametrize(
    ("version", "day"),
    [("1.07", "2017-07-20"), ("1.19", "2019-08-05"), ("1.38", "2024-09-09")],
)
def test_a_release_has_the_date_of_the_log(version, day) -> None:
    assert next(r.date for r in RELEASES if str(r.version) == version) == day


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.item)
def test_every_change_is_an_item_of_the_catalogue_with_its_basis(change: type[Change]) -> None:
    assert catalogue()[change.item].basis is change.basis


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: str(r.version))
def test_every_change_stands_in_the_file_of_its_release(release) -> None:
    ours = f"v{release.version}"
    stray = [
        change.item
        for change in release.changes
        if change.item.rsplit("-", 1)[0] != ours
        or change.__module__ != f"bms.releases.{ours.replace('.', '_')}"
    ]

    assert not stray


@pytest.mark.parametrize("path", sorted((BMS / "releases").glob("v1_*.py")), ids=lambda p: p.stem)
def test_every_change_of_a_file_is_one_of_its_release(path) -> None:
    written = {node.name for node in parse(path).body if isinstance(node, ast.ClassDef)}
    release = next(r for r in RELEASES if f"v{r.version}".replace(".", "_") == path.stem)

    assert written == {change.__name__ for change in release.changes}


def test_changes_of_a_release_stand_in_the_order_of_the_catalogue() -> None:
    order = list(catalogue())
    listed = [order.index(change.item) for change in CHANGES]

    assert listed == sorted(listed)


def test_remarks_without_a_release_are_general() -> None:
    assert all(change.item.startswith("general-") for change in general.CHANGES)


@pytest.mark.parametrize("change", changes().values(), ids=lambda c: c.item)
def test_what_a_change_names_is_in_the_catalogue(change: type[Change]) -> None:
    named = {change.cured_by, *change.revokes, *change.builds_on} - {None}

    assert named <= set(catalogue())


@pytest.mark.skipif(not CHANGE_LOG.exists(), reason=f"no change log at {CHANGE_LOG}")
def test_the_catalogue_agrees_with_the_change_log() -> None:
    keys = ("id", "kind", "area", "class", "since", "until")
    theirs = tomllib.loads(CHANGE_LOG.read_text())["item"]
    covered = {row["id"].split("-")[0] for row in theirs}  # a newer release has a log of its own
    rows = tomllib.loads((BMS / "data" / "catalogue.toml").read_text())["item"]
    ours = [row for row in rows if row["id"].split("-")[0] in covered]

    assert [[row.get(k) for k in keys] for row in ours] == [
        [row.get(k) for k in keys] for row in theirs
    ]


def test_every_row_of_the_catalogue_has_a_basis_and_a_statement() -> None:
    assert all(isinstance(row.basis, Basis) and row.statement for row in catalogue().values())


@pytest.mark.parametrize(("room", "slot"), SLOTS, ids=[f"{r.__name__}.{s}" for r, s in SLOTS])
def test_every_slot_is_read_by_its_room(room: type[Room], slot: str) -> None:
    # The tables of the room `settings` are read by the names that settings.toml gives.
    by_name = {
        row.get("choices")
        for row in tomllib.loads((BMS / "data" / "settings.toml").read_text())["setting"]
    }

    assert slot in attributes_of_self(room, ast.Load) | (
        by_name if room.__name__ == "Settings" else set()
    )


@pytest.mark.parametrize("room", ROOMS, ids=lambda r: r.__name__)
def test_no_room_assigns_a_slot(room: type[Room]) -> None:
    assert not attributes_of_self(room, ast.Store) & slots_of(room).keys()


@pytest.mark.parametrize("room", ROOMS, ids=lambda r: r.__name__)
def test_no_slot_is_annotated(room: type[Room]) -> None:
    assert not inspect.get_annotations(room).keys() & slots_of(room).keys()


def test_every_slot_differs_in_some_release() -> None:
    moved = {delta.place.slot for change in CHANGES for delta in change.deltas}
    still = {
        slot.name
        for room in ROOMS
        for slot in slots_of(room).values()
        # A whole table that never moved is one that releases to come may move.
        if slot not in moved and not isinstance(slot, TableSlot)
    }

    assert not still


@pytest.mark.parametrize("path", ROOM_FILES, ids=lambda p: p.stem)
def test_a_room_imports_neither_history_nor_releases_nor_another_room(path) -> None:
    past = ("bms.history", "bms.releases", "bms.rooms", "bms.catalogue")

    assert not {name for name in imports_of(path) if name.startswith(past)}


@pytest.mark.parametrize("path", sorted((BMS / "history").glob("[!_]*.py")), ids=lambda p: p.stem)
def test_history_has_the_file_names_of_what_it_is_the_past_of(path) -> None:
    present = {p.stem for p in ROOM_FILES} | {"extremes", "module", "reception", "registers"}

    assert path.stem in present


# What the version mechanism itself, the catalogue's spans and the memory's layouts have to compare.
MAY_COMPARE = {"firmware.py", "catalogue.py", "memory.py"}
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.parent != BMS or path.name not in MAY_COMPARE],
    ids=lambda p: str(p.relative_to(BMS)),
)
def test_no_version_is_compared_outside_the_mechanism(path) -> None:
    compared = [
        f"{path.name}:{node.lineno}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ORDER) for operator in node.ops)
        and any(_is_a_version(side) for side in [node.left, *node.comparators])
    ]

    assert not compared


def _is_a_version(node: ast.expr) -> bool:
    """Whether an expression speaks of a version: by name, or by Version(...)."""
    names = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return bool(names & {"version", "Version", "minor", "major", "release"})


def test_the_older_a_release_the_more_it_differs_from_today() -> None:
    different = [len(firmware(str(release.version)).differs) for release in RELEASES]

    assert all(older >= newer for older, newer in pairwise(different))


def test_the_newest_release_is_today() -> None:
    assert firmware(str(RELEASES[-1].version)).differs == {}


@pytest.mark.parametrize("change", WITH_DELTAS, ids=lambda c: c.item)
def test_a_change_left_out_differs_from_the_whole_in_its_own_places(change) -> None:
    whole = firmware(change.item.split("-")[0])
    places = {delta.place for delta in change.deltas}
    component = next(iter(places)).slot.room.component
    whole = firmware(change.item.split("-")[0], component)

    less = whole.without(change.item)

    absent = object()
    differing = {
        place
        for place in whole.differs.keys() | less.differs.keys()
        if whole.differs.get(place, absent) != less.differs.get(place, absent)
    }
    assert differing == {p for p in places if p.slot.room.component is component}


@pytest.mark.parametrize("item", [c.item for c in CHANGES if not c.deltas], ids=str)
def test_a_change_without_deltas_cannot_be_left_out(item) -> None:
    with pytest.raises(UnknownItem, match=item):
        firmware("1.38").without(item)
