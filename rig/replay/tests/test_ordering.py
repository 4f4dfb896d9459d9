"""Clocks, order, gaps and duplicates: what is mended is told, what is not mended is told, too."""

from pathlib import Path

import pytest

from rig.replay.formats.raw import Batches, Notes, Source
from rig.replay.log import Log, LogError, LoggedFrame, Problem

SECOND = 1_000_000


def source(
    *frames: tuple[int, int, int], name: str = "a.log", epoch_us: int | None = None
) -> Source:
    """A file of frames: time, bus, and a number that is identifier and data."""

    def read(notes: Notes) -> Batches:
        notes.epoch_us = epoch_us
        for bus in sorted({bus for _, bus, _ in frames}):
            notes.channel(f"can{bus}")
        made = [LoggedFrame(t, bus, n, True, bytes([n])) for t, bus, n in frames]
        yield from (made[start : start + 3] for start in range(0, len(made), 3))

    return Source(path=Path(name), open=read)


def log(*sources: Source) -> Log:
    return Log(sources, {})


def read(given: Log) -> list[tuple[int, int]]:
    """Times and numbers."""
    return [(each.t_us, each.can_id) for each in given.frames()]


def steady(count: int, *, start_us: int = 0, bus: int = 0) -> list[tuple[int, int, int]]:
    return [(start_us + n * SECOND, bus, n % 200) for n in range(count)]


def test_time_0_is_the_first_frame() -> None:
    assert read(log(source((5 * SECOND, 0, 1), (6 * SECOND, 0, 2)))) == [(0, 1), (SECOND, 2)]


def test_a_bus_that_was_written_late_is_put_in_its_place_and_told() -> None:
    given = log(source((0, 0, 1), (900_000, 0, 2), (500_000, 1, 3), (950_000, 1, 4)))

    assert read(given) == [(0, 1), (500_000, 3), (900_000, 2), (950_000, 4)]
    assert given.problems.of(Problem.REORDERED).count == 1


def test_two_frames_of_a_bus_that_changed_places_change_back() -> None:
    given = log(source((0, 0, 1), (20_000, 0, 2), (10_000, 0, 3), (30_000, 0, 4)))

    assert [number for _, number in read(given)] == [1, 3, 2, 4]
    assert given.problems.of(Problem.REORDERED).count == 1


def test_what_comes_too_late_to_be_put_in_place_is_told() -> None:
    frames = [*steady(30), (3 * SECOND, 1, 7), (30 * SECOND, 0, 8)]

    given = log(source(*frames))

    found = read(given)
    assert [t for t, _ in found] == sorted(t for t, _ in found)
    assert given.problems.of(Problem.LATE).count == 1


def test_a_bus_that_follows_the_other_in_the_file_is_refused_in_one_line() -> None:
    frames = [*steady(3000), *steady(3000, bus=1)]

    with pytest.raises(LogError, match=r"bus can1; allowed: a file in the order of time"):
        read(log(source(*frames)))


@pytest.mark.parametrize("step_us", [-3600 * SECOND, 400 * 86_400 * SECOND], ids=["back", "ahead"])
def test_time_goes_on_where_the_clock_was_set(step_us: int) -> None:
    frames = [*steady(10, start_us=4000 * SECOND)]
    frames += steady(10, start_us=4000 * SECOND + 10 * SECOND + step_us)

    given = log(source(*frames))

    assert [t // SECOND for t, _ in read(given)] == [*range(10), *range(9, 19)]
    step = given.problems.of(Problem.CLOCK_STEP)
    assert step.count == 1
    assert step.total_us == abs(step_us + SECOND)


def test_a_single_stamp_that_cannot_be_is_no_step() -> None:
    frames = steady(20, start_us=4000 * SECOND)
    frames[10] = (17, 0, 99)

    given = log(source(*frames))

    found = read(given)
    assert found[10] == (9 * SECOND, 99)
    assert found[19][0] == 19 * SECOND
    assert given.problems.of(Problem.STRAY_STAMP).count == 1
    assert given.problems.of(Problem.CLOCK_STEP).count == 0


def test_a_frame_that_stands_there_twice_is_left_out_once_and_told() -> None:
    given = log(source((0, 0, 1), (10, 0, 1), (SECOND, 0, 1)))

    assert read(given) == [(0, 1), (SECOND, 1)]
    assert given.problems.of(Problem.DUPLICATE).count == 1


def test_a_frame_that_is_repeated_as_fast_as_a_wire_can_is_kept() -> None:
    # 67 bits and 8 of data at 1 Mbit/s.
    given = log(source((0, 0, 1), (75, 0, 1)))

    assert len(read(given)) == 2


def test_the_same_frame_on_two_buses_is_no_duplicate() -> None:
    assert len(read(log(source((0, 0, 1), (0, 1, 1))))) == 2


def test_a_bus_that_was_recorded_in_part_has_gaps_at_both_ends_and_between() -> None:
    whole = steady(61)
    part = [(20 * SECOND, 1, 5), (21 * SECOND, 1, 6), (40 * SECOND, 1, 7)]

    gaps = log(source(*sorted([*whole, *part]))).problems.of(Problem.GAP)

    assert [(place.t_us, place.note) for place in gaps.first] == [
        (0, "20.000 s"),
        (21 * SECOND, "19.000 s"),
        (40 * SECOND, "20.000 s"),
    ]
    assert gaps.total_us == 59 * SECOND


def test_files_lie_side_by_side_by_their_dates() -> None:
    first = source((0, 0, 1), (4 * SECOND, 0, 2), name="a.log", epoch_us=100 * SECOND)
    second = source((0, 0, 3), (4 * SECOND, 0, 4), name="b.log", epoch_us=102 * SECOND)

    given = log(first, second)

    assert read(given) == [(0, 1), (2 * SECOND, 3), (4 * SECOND, 2), (6 * SECOND, 4)]
    assert given.meta.buses == ("can0", "b.log:can0")
    assert given.meta.start_utc_us == 100 * SECOND


def test_files_without_dates_lie_side_by_side_and_it_is_told() -> None:
    given = log(source((SECOND, 0, 1), name="a.log"), source((3 * SECOND, 0, 2), name="b.log"))

    assert read(given) == [(0, 1), (2 * SECOND, 2)]
    assert "not every file says when it began" in given.meta.notes[0]


def test_a_log_can_be_read_again() -> None:
    given = log(source(*steady(10)))

    assert read(given) == read(given)


def test_a_file_is_read_only_as_far_as_somebody_takes_frames() -> None:
    taken = []

    def endless(notes: Notes) -> Batches:
        notes.channel("can0")
        for number in range(1_000_000):
            taken.append(number)
            yield [LoggedFrame(number * SECOND, 0, 1, True, b"")]

    frames = log(Source(path=Path("a.log"), open=endless)).frames()
    for _ in range(100):
        next(frames)

    assert len(taken) < 200
