"""Kill -9 of a night, anywhere: it goes on, no verdict is lost, and none is invented."""

import pytest

from rig.nightly.tests.killing import ROWS, kill_many

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="kills as POSIX does")


def test_a_killed_night_goes_on_and_ends_as_one_that_nobody_killed(tmp_path):
    tally = kill_many(tmp_path, 3, seed=20261123, each=3)

    assert tally.problems == []
    assert tally.kills == 3
    assert len(ROWS) == 3


@pytest.mark.nightly
def test_a_hundred_kills_at_random_moments_lose_and_invent_nothing(tmp_path):
    tally = kill_many(tmp_path, 100, seed=8)

    print(tally)  # noqa: T201 - the figures of the night
    assert tally.problems == []
    assert tally.kills == 100
    assert tally.within_attempts >= 5  # they did hit attempts
