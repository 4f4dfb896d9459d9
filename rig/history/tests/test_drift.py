"""The control charts against simulated nights: how seldom they are wrong, how soon they see."""

import numpy as np
import pytest

from rig.history.drift import charts, threshold

WATCH, LOW, HIGH = 4.9, -50.0, 50.0


def charted(values, low=LOW, high=HIGH, phases=None):
    values = np.atleast_2d(np.asarray(values, dtype=float))
    same = np.ones(values.shape, dtype=np.int64)
    limits = [np.full(values.shape, np.nan if each is None else each) for each in (low, high)]
    return charts(values, same if phases is None else np.atleast_2d(phases), *limits)


def first_alarm(found, level=WATCH):
    """The night of each chart's first alarm, -1 where there was none."""
    over = np.nan_to_num(np.fmax(found.up, found.down)) > level
    return np.where(over.any(axis=1), over.argmax(axis=1), -1)


def run_length(seed, series, nights, level=WATCH):
    """Mean nights to a false alarm of steady charts, from when they speak; and its error."""
    noise = np.random.default_rng(seed).normal(5.0, 0.01, (series, nights))
    alarmed = first_alarm(charted(noise, 4.0, 6.0), level)
    # What had no alarm until the end is counted with the nights it was watched.
    watched = np.where(alarmed < 0, nights, alarmed + 1) - 10
    count = (alarmed >= 0).sum()
    return watched.sum() / count, watched.sum() / count**1.5


def delays(seed, series, at):
    """Nights that a shift by one sigma takes to be found, of charts that were steady before."""
    noise = np.random.default_rng(seed).normal(5.0, 0.01, (series, at + 120))
    noise[:, at:] += 0.01
    alarmed = first_alarm(charted(noise, 4.0, 6.0))
    assert (alarmed >= 0).all()
    return alarmed[alarmed >= at] - at + 1


def test_a_steady_chart_is_wrong_at_most_once_in_370_nights():
    mean, error = run_length(seed=1, series=800, nights=1500)

    assert mean - 2 * error > 370


def test_a_shift_by_one_sigma_is_found_within_15_nights():
    found = delays(seed=2, series=1000, at=180)

    assert found.mean() < 12
    assert np.median(found) <= 10
    assert (found <= 15).mean() > 0.8


@pytest.mark.nightly
def test_the_run_lengths_hold_over_many_charts():
    mean, error = run_length(seed=3, series=8000, nights=3000)
    found = {at: delays(seed=4, series=8000, at=at) for at in (180, 350)}

    assert mean - 3 * error > 370
    assert found[180].mean() < 11.5
    assert found[350].mean() < 10.5


@pytest.mark.nightly
def test_all_charts_of_a_lab_together_are_wrong_once_in_370_nights():
    """627 charts over 3000 nights, thrice."""
    level = threshold(627)
    wrong = 0
    for seed in (5, 6, 7):
        noise = np.random.default_rng(seed).normal(5.0, 0.01, (627, 3000))
        wrong += (first_alarm(charted(noise, 4.0, 6.0), level) >= 0).sum()

    # 9000 nights of the lab: 24 at one in 370.
    assert wrong <= 24


def test_the_warning_threshold_grows_with_the_number_of_charts():
    assert threshold(1) == pytest.approx(5.86, abs=0.01)
    assert threshold(627) == pytest.approx(12.29, abs=0.01)


def test_a_slow_drift_is_warned_of_long_before_the_limit():
    noise = np.random.default_rng(8).normal(0.0, 1.0, 300)
    noise[120:] += 0.1 * np.arange(180)

    night = first_alarm(charted(noise, -10.0, 10.0))[0]

    crossed = int(np.argmax(noise > 10.0))
    assert 120 < night < 145
    assert crossed > 200


def test_one_wild_reading_is_no_drift_and_two_are():
    noise = np.tile([-1.0, 1.0], 30)
    noise[40] = 40.0
    twice = noise.copy()
    twice[41] = 40.0

    assert first_alarm(charted(noise))[0] == -1
    assert first_alarm(charted(twice))[0] == 41


def test_after_one_wild_reading_a_drift_is_found_as_before():
    moved = np.concatenate([np.tile([-1.0, 1.0], 30), np.tile([1.0, 3.0], 10)])
    moved[30] = 40.0

    assert 60 <= first_alarm(charted(moved))[0] < 70


def test_the_first_night_that_is_judged_is_as_likely_high_as_a_normal_number():
    """Mean and spread of ten nights are guesses; that is taken into account: 2.5 % over 1.96."""
    noise = np.random.default_rng(10).normal(5.0, 0.01, (40_000, 11))

    over = charted(noise, 4.0, 6.0).up[:, 10] > 1.96 - 0.5

    assert over.mean() == pytest.approx(0.025, abs=0.002)


def test_only_towards_a_limit_there_is_an_alarm():
    moved = np.concatenate([np.tile([-1.0, 1.0], 30), np.tile([4.0, 6.0], 10)])

    assert first_alarm(charted(moved, low=-50.0, high=None))[0] == -1
    assert first_alarm(charted(moved, low=None, high=50.0))[0] >= 60
    assert first_alarm(charted(-moved, low=None, high=50.0))[0] == -1


def test_a_new_phase_is_learnt_anew():
    moved = np.concatenate([np.tile([-1.0, 1.0], 30), np.tile([4.0, 6.0], 10)])
    phases = np.concatenate([np.full(60, 1), np.full(20, 2)])

    assert first_alarm(charted(moved, phases=phases))[0] == -1
    assert first_alarm(charted(moved))[0] >= 60


def test_an_alarm_stands_as_long_as_the_value_stays_away():
    moved = np.concatenate([np.tile([-1.0, 1.0], 30), np.tile([2.0, 4.0], 60)])

    found = charted(moved)

    assert (found.up[0, 70:] > WATCH).all()
    assert found.mean[0, -1] == pytest.approx(0.0, abs=0.2)


def test_an_alarm_ends_when_the_value_has_come_back():
    moved = np.concatenate(
        [np.tile([-1.0, 1.0], 30), np.tile([2.0, 4.0], 10), np.tile([-1.0, 1.0], 30)]
    )

    assert charted(moved).up[0, -1] < WATCH


def test_readings_that_always_repeat_do_not_alarm_for_a_last_digit():
    steady = np.full(40, 5.0)
    steady[20:] += 1e-6
    moved = np.full(40, 5.0)
    moved[20:] += 0.01

    assert first_alarm(charted(steady, 4.9, 5.1))[0] == -1
    assert first_alarm(charted(moved, 4.9, 5.1))[0] == 21


def test_a_night_without_a_reading_changes_nothing():
    values = np.random.default_rng(9).normal(0.0, 1.0, 80)
    values[60:] += 2.0
    gaps = np.insert(values, [30, 65], np.nan)

    assert first_alarm(charted(gaps))[0] == first_alarm(charted(values))[0] + 1 + (
        first_alarm(charted(values))[0] >= 65
    )
