import pytest

from rig.errors import NotOnThisBench
from rig.nightly.schedule import Schedule, read_schedule, write_schedule
from rig.recording import Quarantine, RecordError

HELD = Quarantine(
    owner="J. Doe", reason="trips", since="2026-11-01", expires="2026-12-01", ticket="L-3"
)
FULL = Schedule(
    order=("v1.09-01", "v1.08-04"),
    quarantine={"v1.08-04": HELD},
    numbers={"v1.08-04": {"test_a[at 1:59]": 3}},
    expected_s={"v1.08-04": 12.5},
    until_ms=1_000_000,
    closed="unfit",
)


@pytest.mark.parametrize("schedule", [Schedule(), FULL], ids=["usual", "full"])
def test_a_schedule_comes_back_as_it_was_written(tmp_path, schedule):
    write_schedule(tmp_path / "schedule.json", schedule)

    assert read_schedule(tmp_path / "schedule.json") == schedule


def test_an_attempt_from_0_is_refused(tmp_path):
    path = tmp_path / "schedule.json"
    write_schedule(path, Schedule(numbers={"v1.08-04": {"test_a": 0}}))

    with pytest.raises(RecordError, match="allowed: a number from 1"):
        read_schedule(path)


def test_only_what_is_named_runs_and_as_the_attempt_that_it_names():
    assert FULL.number("v1.08-04", "test_a[at 1:59]") == 3
    assert FULL.number("v1.08-04", "test_b") is None
    assert FULL.number("v1.09-01", "test_a[at 1:59]") is None


def test_a_first_session_runs_everything_for_the_first_time():
    assert Schedule().number("v1.08-04", "test_a") == 1
    assert not Schedule().plan_is_frozen


def test_rows_that_the_order_does_not_name_come_last():
    assert [FULL.rank(item) for item in ("v1.09-01", "v1.08-04", "v1.20-01")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("now_ms", "says"),
    [
        pytest.param(987_600, "outside the time window: it takes 12 s, 12 s were left", id="long"),
        pytest.param(1_000_000, "outside the time window", id="over"),
    ],
)
def test_a_row_that_does_not_fit_does_not_begin(now_ms, says):
    schedule = Schedule(expected_s={"v1.08-04": 12.5}, until_ms=1_000_000)

    with pytest.raises(NotOnThisBench) as told:
        schedule.check("v1.08-04", now_ms)

    assert str(told.value) == says


def test_a_row_that_fits_begins():
    schedule = Schedule(expected_s={"v1.08-04": 12.5}, until_ms=1_000_000)

    schedule.check("v1.08-04", 987_000)
    schedule.check("v1.09-01", 999_000)  # how long it takes is not known


def test_a_closed_bench_begins_nothing():
    with pytest.raises(NotOnThisBench, match="unfit"):
        FULL.check("v1.08-04", 0)
