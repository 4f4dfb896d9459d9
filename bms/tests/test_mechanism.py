"""The version mechanism on small rooms of its own: what it undoes, and what it refuses."""

import pytest

from bms.firmware import (
    ABSENT,
    Basis,
    Change,
    Component,
    JointError,
    Place,
    Release,
    Room,
    Slot,
    TableSlot,
    UnknownItem,
    UnknownRelease,
    Version,
    undo,
)

V1, V2, V3, V4 = (Version(1, minor) for minor in (1, 2, 3, 4))


def bark() -> str:
    return "bark"


def miaow() -> str:
    return "miaow"


class Pump(Room):
    """A room of the master with one slot of each sort."""

    delay_s = Slot(5)
    noise = Slot(bark)
    names = TableSlot[int, str]({0: "off", 1: "slow", 2: "fast"})


class Cell(Room):
    """A room of a battery."""

    component = Component.BATTERY
    sensors = Slot(8)


class DelayIsThree(Change, item="v1.02-01", basis=Basis.STATED):
    """The delay is 3 s; was 2 s."""

    deltas = (Pump.delay_s.changed(was=2, now=3),)


class DelayIsFive(Change, item="v1.03-01", basis=Basis.STATED):
    """The delay is 5 s; was 3 s."""

    deltas = (Pump.delay_s.changed(was=3, now=5),)


class Barks(Change, item="v1.03-02", basis=Basis.CHOSEN):
    """It barks."""

    deltas = (Pump.noise.changed(was=miaow, now=bark),)


class Names(Change, item="v1.03-03", basis=Basis.CHOSEN):
    """Fast is new, slow was called low, and 7 is no more."""

    deltas = (
        Pump.names.gained(2),
        Pump.names.changed(1, was="low", now="slow"),
        Pump.names.lost(7, was="turbo"),
    )


class EightSensors(Change, item="v1.04-01", basis=Basis.STATED):
    """A battery has 8 sensors; had 4."""

    deltas = (Cell.sensors.changed(was=4, now=8),)


class Known(Change, item="v1.02-K1", basis=Basis.STATED, cured_by="v1.03-02"):
    """It does not bark."""


class Silent(Change, item="v1.02-02", basis=Basis.STATED, exempt="nothing can be seen"):
    """Nothing else."""


RELEASES = (
    Release(version=V1, date="2001-01-01"),
    Release(version=V2, date="2002-01-01", changes=(DelayIsThree, Silent, Known)),
    Release(version=V3, date="2003-01-01", changes=(DelayIsFive, Barks, Names)),
    Release(version=V4, date="2004-01-01", changes=(EightSensors,)),
)


def pump(version: Version) -> Pump:
    return Pump(undo(version, RELEASES))


def release_of(*changes: type[Change]) -> tuple[Release, ...]:
    return (RELEASES[0], Release(version=V2, date="2002-01-01", changes=changes))


@pytest.mark.parametrize(
    ("version", "delay_s"), [(V1, 2), (V2, 3), (V3, 5), (V4, 5)], ids=["1.01", "1.02", "1.03", "4"]
)
def test_a_chain_of_changes_is_undone_newest_first(version, delay_s) -> None:
    assert pump(version).delay_s == delay_s


def test_a_policy_is_undone_like_a_number() -> None:
    assert pump(V2).noise() == "miaow"


def test_today_is_what_the_slots_declare() -> None:
    assert undo(V4, RELEASES).differs == {}


def test_a_table_before_its_entries_came_went_and_changed() -> None:
    assert pump(V2).names == {0: "off", 1: "low", 7: "turbo"}


def test_a_slot_is_resolved_into_a_plain_attribute() -> None:
    assert vars(pump(V1))["delay_s"] == 2


def test_a_number_that_does_not_meet_names_item_and_slot() -> None:
    class Wrong(Change, item="v1.02-09", basis=Basis.STATED):
        """The delay is 4 s."""

        deltas = (Pump.delay_s.changed(was=2, now=4),)

    with pytest.raises(JointError, match=r"v1\.02-09 .*test_mechanism\.delay_s at 4, .* finds 5"):
        undo(V1, release_of(Wrong))


def test_a_missing_link_of_a_chain_names_the_older_item() -> None:
    broken = (*RELEASES[:2], Release(version=V3, date="2003-01-01"))

    with pytest.raises(JointError, match=r"v1\.02-01"):
        undo(V1, broken)


def test_a_policy_that_does_not_meet_names_item_and_slot() -> None:
    class Wrong(Change, item="v1.02-09", basis=Basis.STATED):
        """It miaows."""

        deltas = (Pump.noise.changed(was=bark, now=miaow),)

    with pytest.raises(JointError, match=r"v1\.02-09 .*test_mechanism\.noise"):
        undo(V1, release_of(Wrong))


WRONG_ENTRIES = {
    "gained but absent": (Pump.names.gained(9), r"names\[9\] at present, .* finds absent"),
    "lost but present": (Pump.names.lost(0, was="no"), r"names\[0\] at absent, .* finds 'off'"),
    "changed otherwise": (
        Pump.names.changed(1, was="low", now="mid"),
        r"names\[1\] at 'mid', .* finds 'slow'",
    ),
}


@pytest.mark.parametrize(("delta", "told"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES)
def test_an_entry_that_does_not_meet_names_item_slot_and_entry(delta, told) -> None:
    class Wrong(Change, item="v1.02-09", basis=Basis.STATED):
        """Something about a name."""

        deltas = (delta,)

    with pytest.raises(JointError, match=r"v1\.02-09 .*" + told):
        undo(V1, release_of(Wrong))


def test_a_change_left_out_takes_later_changes_of_its_place_along() -> None:
    assert Pump(undo(V4, RELEASES).without("v1.02-01")).delay_s == 2


def test_a_change_left_out_leaves_other_places_alone() -> None:
    firmware = undo(V4, RELEASES).without("v1.02-01")

    assert firmware.differs == {Place(Pump.delay_s): 2}


def test_the_newest_change_of_a_place_is_left_out_alone() -> None:
    assert Pump(undo(V3, RELEASES).without("v1.03-01")).delay_s == 3


def test_several_changes_are_left_out_at_once() -> None:
    firmware = undo(V4, RELEASES).without("v1.02-01", "v1.03-02")

    assert firmware.differs == {
        **undo(V4, RELEASES).without("v1.02-01").differs,
        **undo(V4, RELEASES).without("v1.03-02").differs,
    }
    assert firmware.name == "1.04 less v1.02-01, v1.03-02"


def test_a_firmware_less_an_item_says_so_in_its_name() -> None:
    assert undo(V3, RELEASES).without("v1.03-01").name == "1.03 less v1.03-01"


WITHOUT = {
    "unknown": (V4, "v9.99-01", r"v9\.99-01 is no change of firmware 1\.04"),
    "of a later release": (V2, "v1.03-01", r"v1\.03-01 is no change of firmware 1\.02"),
    "cured by another": (V4, "v1.02-K1", r"v1\.02-K1 has no delta.*v1\.03-02 cures it"),
    "exempt": (V4, "v1.02-02", r"v1\.02-02 has no delta.*nothing can be seen"),
    "of a battery": (V4, "v1.04-01", r"v1\.04-01 has no delta.*another component than the master"),
}


@pytest.mark.parametrize(("version", "item", "told"), WITHOUT.values(), ids=WITHOUT)
def test_what_cannot_be_left_out_is_refused_with_the_reason(version, item, told) -> None:
    with pytest.raises(UnknownItem, match=told):
        undo(version, RELEASES).without(item)


def test_a_change_of_the_battery_does_not_show_in_the_master() -> None:
    assert undo(V3, RELEASES).differs == {}


def test_a_change_of_the_battery_shows_in_the_battery() -> None:
    assert Cell(undo(V3, RELEASES, Component.BATTERY)).sensors == 4


def test_a_change_of_the_master_does_not_show_in_the_battery() -> None:
    assert list(undo(V1, RELEASES, Component.BATTERY).differs) == [Place(Cell.sensors)]


def test_an_annotated_slot_is_refused() -> None:
    # Python 3.11 wraps what __set_name__ raises in a RuntimeError.
    with pytest.raises((TypeError, RuntimeError)) as refused:

        class _Typed(Room):
            delay_s: Slot[int] = Slot(5)

    told = refused.value.__cause__ or refused.value
    assert "_Typed.delay_s: a slot is never annotated" in str(told)


def test_a_change_without_a_docstring_is_refused() -> None:
    with pytest.raises(TypeError, match=r"v1\.02-09: a change tells in its docstring"):

        class _Mute(Change, item="v1.02-09", basis=Basis.STATED):
            deltas = (Pump.delay_s.changed(was=2, now=5),)


def test_a_change_without_deltas_cure_or_reason_is_refused() -> None:
    with pytest.raises(TypeError, match=r"v1\.02-09: without deltas"):

        class _Empty(Change, item="v1.02-09", basis=Basis.STATED):
            """Says nothing."""


def test_a_slot_read_before_its_room_is_made_says_what_to_call() -> None:
    class Hasty(Room):
        delay_s = Slot(5)

        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError, match=r"delay_s was not resolved: call Room\.__init__"):
        _ = Hasty().delay_s


@pytest.mark.parametrize("text", ["1.38", "v1.38", "v01.38", "01.38", " v1.38 "])
def test_a_release_is_read_however_it_is_written(text) -> None:
    assert str(Version.parse(text)) == "1.38"


@pytest.mark.parametrize("text", ["", "1", "1.5", "1.381", "1,38", "v1.38b", "x1.38", "1.38.0"])
def test_what_is_no_release_is_refused_with_an_example(text) -> None:
    with pytest.raises(UnknownRelease, match=r"write it as 1\.38, v1\.38 or v01\.38"):
        Version.parse(text)


def test_releases_are_ordered_by_number_not_by_text() -> None:
    assert Version.parse("1.09") < Version.parse("1.10") < Version.parse("2.00")


def test_absence_is_printed_as_a_word() -> None:
    assert repr(ABSENT) == "absent"
