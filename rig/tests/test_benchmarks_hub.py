"""The hub's benchmarks, for a moment: that they measure what they say."""

import sys

import pytest

from rig import benchmarks, benchmarks_hub

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="local sockets need Linux")


def test_full_buses_are_full_and_all_of_it_is_in_the_recorder():
    carried = benchmarks_hub.carry(2.0)

    assert carried.lost == 0
    # Four buses of 3125 to 3817 frames a second; a busy machine fills them less.
    assert 2000 < carried.frames_per_s < 4 * 3817
    assert carried.sent > 4000
    assert 0.0 < carried.hub_cpu_pct < 200.0


def test_a_round_trip_is_longer_than_two_frames_on_the_bus(monkeypatch):
    monkeypatch.setattr(benchmarks_hub, "TRIPS", 100)

    (_, p50_ms, unit, _), (_, p99_ms, _, _) = benchmarks_hub.round_trip()

    assert unit == "ms"
    assert 2 * 0.256 < p50_ms <= p99_ms


def test_a_frame_that_is_missing_late_or_double_is_a_lost_one():
    tally = benchmarks_hub.Tally()

    for number in (0, 1, 3, 3, 2, 4):
        tally.take(number)

    assert tally.had == 4


@pytest.mark.parametrize(
    ("value", "unit", "met"), [(0.0, "frames", True), (1.0, "frames", False), (99.0, "%", True)]
)
def test_lost_frames_and_processor_time_are_costs(value, unit, met):
    goal = 0.0 if unit == "frames" else 100.0

    assert benchmarks.Figure(name="x", value=value, unit=unit, goal=goal).met is met
