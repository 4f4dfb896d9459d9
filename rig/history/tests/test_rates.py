"""Rates and lists: small histories whose every night stands in the test."""

import math

import pytest

from rig.history.alarms import Level
from rig.history.index import opened, write_runs
from rig.history.nights import Wanted, read_history
from rig.history.rates import on_one_bench, rates
from rig.history.summary import read_failures, summarise
from rig.recording import Verdict

PASS, FAIL, FLAKY = Verdict.PASS, Verdict.FAIL, Verdict.FLAKY
ROW = "v1.08-04"


@pytest.fixture
def nights(history_of, run_of, row_of):
    def made(verdicts, **more):
        return history_of(
            [
                # A run in which nothing ran is no night: another row did.
                run_of(f"n{n}", n, [row_of(ROW, each, **more), row_of("v1.09-06", PASS)])
                for n, each in enumerate(verdicts, 1)
            ]
        )

    return made


def test_the_flip_rate_counts_changes_of_side_over_the_nights_that_ran(nights):
    found = rates(nights([PASS, PASS, FAIL, Verdict.BROKEN, PASS, Verdict.NOT_RUN, PASS]))

    # Of five pairs two changed sides: from one bad verdict to another is no flip.
    assert found.flips[0, 0] == pytest.approx(2 / 5)
    assert (found.ran[0, 0], found.failed[0, 0]) == (6, 2)


def test_another_release_is_no_flip(history_of, run_of, row_of):
    history = history_of(
        [
            run_of("a", 1, [row_of(ROW, FAIL, firmware="1.37")]),
            run_of("b", 2, [row_of(ROW, PASS, firmware="1.38")]),
            run_of("c", 3, [row_of(ROW, PASS, firmware="1.38")]),
        ]
    )

    assert rates(history).flips[0, 0] == 0.0


def test_a_pass_that_took_a_second_attempt_is_none_at_the_first(history_of, run_of, row_of):
    firsts = [True, False, True, True]
    history = history_of(
        [run_of(f"n{n}", n, [row_of(ROW, PASS, first=f)]) for n, f in enumerate(firsts, 1)]
    )

    assert rates(history).first_passed[0, 0] == pytest.approx(3 / 4)


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in {PASS, Verdict.NOT_RUN}])
def test_nothing_but_a_pass_counts_as_one(nights, verdict):
    found = summarise(nights([PASS, verdict]))

    assert found.whole.failed[0, 0] == 1
    assert found.whole.first_passed[0, 0] == pytest.approx(1 / 2)
    assert [(each.verdict, each.since) for each in found.failing] == [(verdict, 1)]


def test_what_did_not_run_has_no_rate(nights):
    assert math.isnan(rates(nights([PASS, PASS]), 0).flips[0, 0])


def test_a_row_fails_since_the_first_night_that_it_did_not_pass(nights):
    (found,) = summarise(nights([PASS, FAIL, Verdict.NOT_RUN, FLAKY, FAIL])).failing

    assert (found.since, found.nights, found.verdict) == (1, 3, FAIL)


def benches(history_of, run_of, row_of, failing):
    """20 nights on three benches; `failing` says which bench fails on which nights."""
    return history_of(
        [
            run_of(
                f"{bench} {n}",
                n,
                [row_of(ROW, FAIL if n in failing.get(bench, ()) else PASS)],
                bench=bench,
            )
            for n in range(1, 21)
            for bench in ("a", "b", "c")
        ]
    )


def test_a_row_that_fails_on_one_bench_only_names_the_bench(history_of, run_of, row_of):
    history = benches(history_of, run_of, row_of, {"b": range(2, 20, 2)})

    (found,) = on_one_bench(history, rates(history))

    assert (history.benches[found.bench], found.failed, found.ran) == ("b", 9, 20)
    assert (found.failed_elsewhere, found.ran_elsewhere) == (0, 40)
    assert found.expected == pytest.approx(3.0)
    # Nine of nine among 20 of 60 nights: 20! 51! / (11! 60!).
    assert found.chance == pytest.approx(1.1362e-5, rel=1e-3)


def test_a_row_that_fails_everywhere_names_no_bench(history_of, run_of, row_of):
    history = benches(
        history_of, run_of, row_of, {"a": (3, 9, 15), "b": range(2, 12, 2), "c": (5, 9, 11)}
    )

    assert on_one_bench(history, rates(history)) == []


def test_runs_of_one_night_stand_in_columns_of_their_own(history_of, run_of, row_of):
    history = history_of(
        [
            run_of("early", 1, [row_of(ROW, FAIL)]),
            run_of("again", 1, [row_of(ROW, PASS)]),
            run_of("other", 1, [row_of(ROW, PASS)], bench="lab-2"),
        ]
    )

    assert [night.name for night in history.nights] == ["2026-01-01", "2026-01-01 #2"]
    names = [[run and run.folder for run in runs] for runs in history.runs]
    assert names == [["again", "early"], ["other", None]]


def test_a_night_lasts_from_noon_to_noon(history_of, run_of, row_of):
    from dataclasses import replace

    late = replace(run_of("late", 2, [row_of(ROW, PASS)]), started="2026-01-03T11:59:59.000000Z")
    day = replace(run_of("day", 2, [row_of(ROW, PASS)]), started="2026-01-03T12:00:00.000000Z")

    names = [night.name for night in history_of([late, day]).nights]

    assert names == ["2026-01-02", "2026-01-03"]


def test_a_run_of_a_few_rows_is_no_night_unless_it_is_asked_for(tmp_path, run_of, row_of):
    rows = [row_of(f"v1.08-{n:02}", Verdict.NOT_RUN) for n in range(2, 30)]
    write_runs(
        tmp_path / "base",
        [
            run_of("try", 1, [row_of("v1.08-01", PASS), *rows]),
            run_of("night", 2, [row_of("v1.08-01", PASS)]),
        ],
    )

    usual = read_history(tmp_path / "base")
    every = read_history(tmp_path / "base", Wanted(tries=True))

    assert (len(usual.nights), usual.left_out) == (1, 1)
    assert (len(every.nights), every.left_out) == (2, 0)


def test_a_copied_record_counts_once(history_of, run_of, row_of):
    from dataclasses import replace

    one = run_of("one", 1, [row_of(ROW, PASS)])

    assert len(history_of([one, replace(one, folder="copy of one")]).nights) == 1


def test_a_measurement_that_moves_is_an_alarm_with_direction_and_dates(history_of, run_of, row_of):
    steady = [5.0 + 0.01 * (-1) ** n for n in range(40)]
    moving = [5.0 + 0.01 * (-1) ** n + 0.002 * n for n in range(30)]
    history = history_of(
        [
            run_of(f"n{n}", n, [row_of(ROW, PASS, value=value)])
            for n, value in enumerate([*steady, *moving], 1)
        ]
    )

    (found,) = summarise(history).alarms

    assert (found.level, found.upwards, found.limit) == (Level.WARNING, True, 5.1)
    assert 40 <= found.since < found.found <= 52
    assert found.before == pytest.approx(5.0, abs=0.003)
    # At 5.058 and 0.002 a night there are 21 nights to 5.1.
    assert found.nights_left == pytest.approx(21, abs=4)


def test_the_last_failures_are_told_with_their_reasons(tmp_path, run_of, row_of):
    base = tmp_path / "base"
    verdicts = [FAIL, FAIL, PASS, FLAKY]
    write_runs(base, [run_of(f"n{n}", n, [row_of(ROW, v)]) for n, v in enumerate(verdicts, 1)])
    history = read_history(base)

    with opened(base) as connection:
        found = read_failures(connection, history, 2)

    told = [(each.night, each.verdict, each.reason) for each in found[0, 0]]
    assert told == [(3, FLAKY, "why"), (1, FAIL, "why")]
