from datetime import UTC, datetime, timedelta, timezone

import pytest

from rig.commands.plan import plan as hil_plan
from rig.errors import BenchFileError
from rig.nightly.window import OutsideTheWindow, end_of, span_of

ZONE = timezone(timedelta(hours=1))


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        pytest.param("22:00-06:00", at(22, 22), at(23, 6), id="at its beginning"),
        pytest.param("22:00-06:00", at(23, 5, 59), at(23, 6), id="after midnight"),
        pytest.param("12:00-13:30", at(23, 12, 30), at(23, 13, 30), id="within a day"),
    ],
)
def test_a_window_ends_next_time_by_the_clock_on_the_wall(window, now, end):
    assert end_of(window, None, now) == end


@pytest.mark.parametrize(
    ("window", "now"),
    [("22:00-06:00", at(23, 6)), ("22:00-06:00", at(23, 21, 59)), ("12:00-13:00", at(23, 13))],
)
def test_outside_of_it_there_is_nothing_to_do(window, now):
    with pytest.raises(OutsideTheWindow, match="nothing to do"):
        end_of(window, None, now)


@pytest.mark.parametrize(
    ("window", "now", "span"),
    [
        pytest.param("22:00-06:00", at(22, 14), (at(22, 22), at(23, 6)), id="this evening"),
        pytest.param("22:00-06:00", at(23, 6), (at(23, 22), at(24, 6)), id="just over"),
        pytest.param("12:00-13:00", at(23, 13), (at(24, 12), at(24, 13)), id="tomorrow"),
        pytest.param("22:00-06:00", at(23, 2), (at(23, 2), at(23, 6)), id="what is left of it"),
    ],
)
def test_a_plan_outside_of_its_window_is_for_the_whole_of_the_next_one(window, now, span):
    assert span_of(window, None, now) == span


def test_hil_plan_by_day_is_for_the_coming_night_and_says_which(tmp_path, capsys):
    begin = datetime.now(UTC).astimezone() + timedelta(hours=2)
    window = f"{begin:%H:%M}-{begin + timedelta(hours=1):%H:%M}"

    hil_plan("sim", only=["v1.17-01"], window=window, runs=tmp_path)

    said = capsys.readouterr().out
    assert said.startswith(f"What fits from {begin:%a %d %b %H:%M} until ")
    assert "1 test" in said


def test_a_plan_is_for_so_many_hours_from_now_or_without_an_end():
    assert span_of(None, 1.5, at(22, 23)) == (at(22, 23), at(23, 0, 30))
    assert span_of(None, None, at(22, 23)) is None


def test_hours_count_from_now():
    assert end_of(None, 1.5, at(22, 23)) == at(23, 0, 30)


def test_without_either_a_night_has_no_end():
    assert end_of(None, None, at(22, 23)) is None


@pytest.mark.parametrize("window", ["22-06", "25:00-06:00", "22:00-22:00", "22:00", "22:60-23:00"])
def test_what_is_no_window_is_refused(window):
    with pytest.raises(BenchFileError, match="allowed: two times of the day"):
        end_of(window, None, at(22, 23))


def test_both_at_once_are_refused():
    with pytest.raises(BenchFileError, match="allowed: one of them"):
        end_of("22:00-06:00", 2.0, at(22, 23))
