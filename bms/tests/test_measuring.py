"""What a battery's firmware makes of its raw readings."""

from math import isnan, nan

import pytest

from bms.battery.measuring import (
    CELL_VOLTAGE,
    TEMPERATURE,
    InRangeAndAlive,
    OnlyWhatLasts,
    SteadyUntilAStep,
)
from bms.battery.module import to_the_nearest
from bms.firmware import milliseconds, seconds
from bms.history.module import half_a_step_up

FOUR = (3.30, 3.31, 3.32, 3.33)


def with_third(reading: float, others: float = 0.0) -> tuple[float, ...]:
    return (FOUR[0] + others, FOUR[1] + others, reading, FOUR[3] + others)


@pytest.mark.parametrize("wrong", [-0.5, 0.0, 0.19, 5.01, nan])
def test_a_voltage_out_of_range_is_none(wrong: float) -> None:
    told = InRangeAndAlive(CELL_VOLTAGE).check(0, with_third(wrong))

    assert isnan(told[2])
    assert not any(isnan(told[k]) for k in (0, 1, 3))


def test_a_temperature_of_a_shorted_sensor_is_none() -> None:
    told = InRangeAndAlive(TEMPERATURE).check(0, (25.0, 125.0, -50.0, 25.0))

    assert [isnan(t) for t in told] == [False, True, True, False]


def test_a_reading_is_frozen_a_minute_after_the_others_moved_until_it_moves() -> None:
    validation = InRangeAndAlive(CELL_VOLTAGE)
    validation.check(0, FOUR)

    moved = with_third(FOUR[2], others=-0.15)
    assert validation.check(seconds(1), moved) == moved
    assert validation.runs
    assert validation.check(seconds(60.9), moved) == moved
    assert isnan(validation.check(seconds(61), moved)[2])
    assert not validation.runs
    again = with_third(FOUR[2] + 0.001, others=-0.15)
    assert validation.check(seconds(62), again) == again


def test_a_still_battery_is_not_frozen() -> None:
    validation = InRangeAndAlive(CELL_VOLTAGE)

    assert all(validation.check(seconds(t), FOUR) == FOUR for t in range(0, 600, 30))
    assert not validation.runs


def test_others_that_come_back_leave_no_suspicion() -> None:
    validation = InRangeAndAlive(CELL_VOLTAGE)
    validation.check(0, FOUR)
    validation.check(seconds(1), with_third(FOUR[2], others=-0.15))

    assert validation.check(seconds(30), FOUR) == FOUR
    assert not validation.runs
    assert validation.check(seconds(90), FOUR) == FOUR


def test_a_small_difference_is_averaged_out_until_nobody_sees_it() -> None:
    steady = SteadyUntilAStep()
    steady.smooth(FOUR)
    wanted = with_third(FOUR[2] + 0.004)

    first = steady.smooth(wanted)[2]
    told = [steady.smooth(wanted) for _ in range(60)]

    assert FOUR[2] < first < wanted[2]
    assert told[-1] == wanted
    assert not steady.runs


@pytest.mark.parametrize("reading", [3.32 + 0.006, 3.32 - 0.3, nan])
def test_a_step_is_told_at_once(reading: float) -> None:
    steady = SteadyUntilAStep()
    steady.smooth(FOUR)

    told = steady.smooth(with_third(reading))

    assert told[2] == reading or (isnan(reading) and isnan(told[2]))


def test_a_jump_of_temperature_is_told_once_it_has_lasted() -> None:
    lasting = OnlyWhatLasts()
    lasting.keep(0, (25.0, 25.0))

    assert lasting.keep(milliseconds(100), (25.0, 70.0)) == (25.0, 25.0)
    assert lasting.runs
    assert lasting.keep(milliseconds(200), (25.0, 25.1)) == (25.0, 25.1)
    assert not lasting.runs
    assert lasting.keep(milliseconds(300), (25.0, 70.0)) == (25.0, 25.1)
    assert lasting.keep(milliseconds(600), (25.0, 70.0)) == (25.0, 70.0)


@pytest.mark.parametrize(("raw", "right"), [(-50.4, -50), (-50.6, -51), (-0.6, -1), (50.4, 50)])
def test_rounding_is_right_on_both_sides_of_zero_since_1_32(raw: float, right: int) -> None:
    assert to_the_nearest(raw) == right
    assert half_a_step_up(raw) == (right if raw > 0 else right + 1)
