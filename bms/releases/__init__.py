"""The releases, by hand and in order, and the firmware of each."""

from functools import cache

from bms.firmware import Change, Component, Firmware, Release, UnknownRelease, Version, undo
from bms.releases import (
    v1_07,
    v1_08,
    v1_09,
    v1_10,
    v1_11,
    v1_12,
    v1_13,
    v1_14,
    v1_15,
    v1_16,
    v1_17,
    v1_18,
    v1_19,
    v1_20,
    v1_21,
    v1_22,
    v1_23,
    v1_24,
    v1_25,
    v1_26,
    v1_27,
    v1_28,
    v1_29,
    v1_30,
    v1_31,
    v1_32,
    v1_33,
    v1_34,
    v1_35,
    v1_36,
    v1_37,
    v1_38,
)

RELEASES: tuple[Release, ...] = (
    v1_07.RELEASE,
    v1_08.RELEASE,
    v1_09.RELEASE,
    v1_10.RELEASE,
    v1_11.RELEASE,
    v1_12.RELEASE,
    v1_13.RELEASE,
    v1_14.RELEASE,
    v1_15.RELEASE,
    v1_16.RELEASE,
    v1_17.RELEASE,
    v1_18.RELEASE,
    v1_19.RELEASE,
    v1_20.RELEASE,
    v1_21.RELEASE,
    v1_22.RELEASE,
    v1_23.RELEASE,
    v1_24.RELEASE,
    v1_25.RELEASE,
    v1_26.RELEASE,
    v1_27.RELEASE,
    v1_28.RELEASE,
    v1_29.RELEASE,
    v1_30.RELEASE,
    v1_31.RELEASE,
    v1_32.RELEASE,
    v1_33.RELEASE,
    v1_34.RELEASE,
    v1_35.RELEASE,
    v1_36.RELEASE,
    v1_37.RELEASE,
    v1_38.RELEASE,
)
VERSIONS: tuple[Version, ...] = tuple(release.version for release in RELEASES)
NEWEST = VERSIONS[-1]
# Before the first release: a build that was none, for what 1.07 mended; only a matrix reaches it.
BASELINE = Version(1, 6)


def release_of(text: str) -> Version:
    """The release that ``text`` names. Raises UnknownRelease if the change log has none such."""
    version = Version.parse(text)
    if version not in VERSIONS:
        raise UnknownRelease(f"firmware {version} is unknown: {VERSIONS[0]} to {NEWEST} are known")
    return version


@cache
def firmware(text: str, component: Component = Component.MASTER) -> Firmware:
    """The firmware of a release, for the master or another component.

    Raises UnknownRelease for a release that the change log does not know, and JointError where
    a change and its neighbours do not agree.
    """
    version = BASELINE if text == str(BASELINE) else release_of(text)
    return undo(version, RELEASES, component)


def less(running: Firmware, *items: str) -> Firmware:
    """A component's firmware without ``items``, but for those that change other components only.

    Raises UnknownItem if no change of this firmware is one of them, or if it has no deltas.
    """
    elsewhere = {
        change.item
        for release in RELEASES
        for change in release.changes
        if change.deltas and running.component not in _components_of(change)
    }
    wanted = [item for item in items if item not in elsewhere]
    return running.without(*wanted) if wanted else running


def _components_of(change: type[Change]) -> set[Component]:
    return {delta.place.slot.room.component for delta in change.deltas}


def rows_listed(version: Version) -> tuple[str, ...]:
    """What a release is known to have changed: its rows that have deltas."""
    release = RELEASES[VERSIONS.index(version)]
    return tuple(change.item for change in release.changes if change.deltas)
