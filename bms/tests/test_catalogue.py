"""The catalogue: where claims hold, on which release a row is judged, and who shares a place."""

import pytest

from bms.catalogue import (
    UnknownItemId,
    catalogue,
    edges,
    item_of,
    judged_on,
    neighbours,
    partners,
)
from bms.firmware import Version

ALL = [f"1.{minor:02}" for minor in range(7, 39)]


def since(first: str) -> list[str]:
    return ALL[ALL.index(first) :]


def until(first_without: str) -> list[str]:
    return ALL[: ALL.index(first_without)]


HOLDS = {
    "v1.08-04": since("1.08"),  # ordinary
    "v1.07-02": ALL,  # silent, of the first release
    "v1.29-02": since("1.29"),  # silent
    "v1.09-14": since("1.08"),  # told in 1.09, true since 1.08
    "general-01": ALL,
    "v1.07-K1": since("1.14"),  # a known issue claims health: cured by 1.14
    "v1.09-K1": ["1.07", "1.08", *since("1.10")],  # introduced by 1.09, cured by 1.10
    "v1.36-K1": [*until("1.36"), *since("1.37")],
    "v1.10-01": ["1.07", "1.08", *since("1.10")],  # a cure holds before the defect as well
    "v1.37-01": [*until("1.36"), *since("1.37")],
    "v1.14-02": since("1.14"),  # a cure of what was always there
}


@pytest.mark.parametrize(("id_", "releases"), HOLDS.items(), ids=HOLDS)
def test_a_claim_holds_where_the_log_says(id_, releases) -> None:
    up_to_1_38 = [str(version) for version in item_of(id_).holds_on if str(version) in ALL]

    assert up_to_1_38 == releases


EDGES = {
    "v1.08-04": ["1.07", "1.08"],
    "v1.09-K1": ["1.08", "1.09", "1.10"],
    "v1.37-01": ["1.35", "1.36", "1.37"],
    "v1.07-K1": ["1.13", "1.14"],
    "v1.09-14": ["1.07", "1.08"],
    "v1.07-02": [],
    "general-01": [],
}


@pytest.mark.parametrize(("id_", "releases"), EDGES.items(), ids=EDGES)
def test_edges_are_both_sides_of_every_turn_of_a_claim(id_, releases) -> None:
    assert [str(version) for version in edges(item_of(id_))] == releases


JUDGED = {
    "on the qualified release": ("v1.08-04", "1.38", "1.38", ""),
    "not before its release": ("v1.32-05c", "1.31", None, "from 1.32"),
    "true before it was told": ("v1.09-14", "1.08", "1.08", ""),
    "a defect of this release": ("v1.36-K1", "1.36", "1.36", ""),
    "a defect of the past": ("v1.36-K1", "1.38", "1.38", ""),
    "a known issue": ("v1.07-K1", "1.07", "1.07", ""),
    "about all releases": ("general-02", "1.07", "1.07", ""),
    "a cure before the defect": ("v1.37-01", "1.20", "1.20", ""),
    "a cure while the defect is there": ("v1.37-01", "1.36", None, "from 1.37"),
}


@pytest.mark.parametrize(("id_", "qualified", "on", "reason"), JUDGED.values(), ids=JUDGED)
def test_a_row_is_judged(id_, qualified, on, reason) -> None:
    judgement = judged_on(item_of(id_), Version.parse(qualified))

    expected = None if on is None else Version.parse(on)
    assert (judgement.firmware, judgement.reason) == (expected, reason)


def test_every_row_is_judged_or_says_from_when() -> None:
    open_ends = [
        (row.id, str(version))
        for row in catalogue().values()
        for version in item_of("general-01").holds_on
        if (judgement := judged_on(row, version)).firmware is None and not judgement.reason
    ]

    assert not open_ends


PARTNERS = {
    "v1.36-K1": {"v1.37-01"},
    "v1.37-01": {"v1.36-K1"},
    "v1.09-K1": {"v1.10-01"},
    "v1.07-K1": {"v1.14-02", "v1.15-01"},
    "v1.14-02": {"v1.07-K1", "v1.15-01"},
    "v1.07-K3": {"v1.14-01"},
    "v1.08-04": set(),
    "general-01": set(),
}


@pytest.mark.parametrize(("id_", "others"), PARTNERS.items(), ids=PARTNERS)
def test_partners_share_a_place_or_a_cure(id_, others) -> None:
    assert partners(id_) >= others if others else not partners(id_)


def test_neighbours_lie_in_the_same_room() -> None:
    assert "v1.09-06" in neighbours("v1.08-04")


def test_a_partner_is_no_neighbour() -> None:
    assert "v1.15-01" not in neighbours("v1.14-02")


def test_what_a_row_builds_on_is_no_neighbour() -> None:
    assert not {"v1.23-01", "v1.34-01"} & set(neighbours("v1.38-07"))


def test_a_row_that_changes_nothing_has_no_neighbours() -> None:
    assert neighbours("general-01") == ()


def test_an_id_is_found_without_its_v() -> None:
    assert item_of("1.08-04").id == "v1.08-04"


@pytest.mark.parametrize("text", ["v1.08-99", "1.08-99"])
def test_an_unknown_id_is_refused_with_near_ones(text) -> None:
    with pytest.raises(UnknownItemId, match=rf"'{text}' is no id .*near it: .*v1\.08-0"):
        item_of(text)


def test_what_looks_like_no_id_is_refused_with_an_example() -> None:
    with pytest.raises(UnknownItemId, match=r"ids look like v1\.08-04"):
        item_of("contactor")


def test_the_catalogue_has_209_rows_up_to_1_38() -> None:
    newest = Version.parse("1.38")
    rows = [row for row in catalogue().values() if row.release is None or row.release <= newest]

    assert len(rows) == 209
