"""A release that we do not know, read from a device, is judged by today's claims, and marked."""

import pytest

from bms.catalogue import item_of
from bms.firmware import UnknownRelease
from rig.planning import judged, make_plan, under_test
from rig.recording import RunFacts


def test_an_unknown_release_is_an_error_where_the_bench_sets_it():
    with pytest.raises(UnknownRelease, match=r"firmware 9\.40 is unknown: 1\.07 to 1\."):
        under_test("9.40", is_read=False)


def test_an_unknown_release_of_a_device_is_judged_by_the_newest_claims():
    device = under_test("v9.40", is_read=True)

    assert (str(device.firmware), device.judged_as) == ("9.40", str(device.claims_of))
    assert judged(item_of("v1.37-01"), device).firmware == device.firmware


def test_a_known_release_of_a_device_is_not_provisional():
    assert under_test("1.37", is_read=True).judged_as is None


@pytest.mark.parametrize("text", ["new", "", "1.4"])
def test_what_is_no_release_at_all_is_refused(text):
    with pytest.raises(UnknownRelease, match="is no release"):
        under_test(text, is_read=True)


def test_a_silent_row_is_still_judged_on_its_own_release():
    found = judged(item_of("v1.29-02"), under_test("9.40", is_read=True))

    assert str(found.firmware) == "1.29"


def test_the_plan_says_by_whose_claims_it_was_made():
    device = under_test("9.40", is_read=True)
    facts = RunFacts(
        id="r",
        bench="lab",
        firmware="9.40",
        started="2026-11-22T17:00:00Z",
        seed=1,
        software={},
        judged_as=device.judged_as,
    )

    plan = make_plan(facts, device.firmware, {"v1.37-01": ("test_it",)})

    row = next(row for row in plan.rows if row.id == "v1.37-01")
    assert (row.firmware, row.holds) == ("9.40", True)
    assert plan.run.judged_as == device.judged_as
