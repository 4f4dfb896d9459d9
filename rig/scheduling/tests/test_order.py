"""The order of a plan: never worse than the given one, the shortest where that can be tried."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.scheduling.model import Basis, Costs, Risk, StartState, Work, ways_h
from rig.scheduling.order import ordered

# 460 Ah at 200 A up and 100 A down; 0.5 K/min and two hours of rest.
LAB = Costs(
    capacity_ah=460.0, charge_a=200.0, discharge_a=100.0, gradient_k_per_min=0.5, rest_h=2.0
)
HERE = StartState(soc_pct=60.0, temperature_c=25.0)


def at(soc_pct, temperature_c=25.0):
    return StartState(soc_pct=soc_pct, temperature_c=temperature_c)


def work(*states, seconds=60.0):
    return [
        Work(
            item=f"row-{number}",
            test="test_it",
            state=state,
            expected_s=seconds,
            basis=Basis.UNKNOWN if seconds is None else Basis.MEASURED,
            risk=Risk.USUAL,
            rank=number,
        )
        for number, state in enumerate(states)
    ]


def preparing_h(plan):
    return plan.charging_h + plan.soaking_h


STATES = st.builds(
    at,
    st.sampled_from([0.0, 4.5, 30.0, 50.0, 60.0, 77.0, 99.0, 99.4]),
    st.sampled_from([-10.0, 15.0, 25.0]),
)
ANY_STATES = st.builds(at, st.floats(0.0, 100.0), st.floats(-20.0, 45.0))


@settings(deadline=None, max_examples=60)
@given(st.lists(STATES, min_size=1, max_size=6))
def test_no_other_order_of_the_states_has_shorter_ways(states):
    plan = ordered(work(*states), HERE, LAB)

    each_once = set(states)
    shortest = min(ways_h(order, HERE, LAB) for order in permutations(each_once))
    assert preparing_h(plan) == pytest.approx(shortest)
    assert plan.is_shortest


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY_STATES, min_size=1, max_size=8))
def test_an_order_is_never_worse_than_the_given_one(states):
    plan = ordered(work(*states), HERE, LAB)

    assert preparing_h(plan) <= ways_h(states, HERE, LAB) + 1e-9
    assert plan.given_preparing_h == pytest.approx(ways_h(states, HERE, LAB))


MANY = [at(float(number * 37 % 100), 25.0 if number % 3 else -10.0) for number in range(16)]


def test_sixteen_states_are_too_many_to_try_all_and_still_better_than_given():
    plan = ordered(work(*MANY), HERE, LAB)

    assert not plan.is_shortest
    # Up and down at one temperature, then at the other: 25 degC, 70 minutes and 2 h, -10 degC.
    assert preparing_h(plan) < 0.4 * ways_h(MANY, HERE, LAB)


@settings(deadline=None, max_examples=15)
@given(st.lists(ANY_STATES, min_size=13, max_size=16, unique=True))
def test_many_states_are_never_worse_than_given(states):
    plan = ordered(work(*states), HERE, LAB)

    assert preparing_h(plan) <= ways_h(states, HERE, LAB) + 1e-9


@settings(deadline=None, max_examples=60)
@given(st.lists(STATES, max_size=20))
def test_all_work_is_in_the_plan_once(states):
    given_work = work(*states)

    plan = ordered(given_work, HERE, LAB)

    assert sorted(each.rank for each in plan.work) == [each.rank for each in given_work]


def test_where_the_batteries_are_comes_first_then_the_shorter_way():
    plan = ordered(work(at(99.0), at(60.0), at(0.0), at(99.0)), HERE, LAB)

    # First down and then up: 2.76 + 2.28 h; the other way round 0.90 + 4.55 h.
    assert [each.item for each in plan.work] == ["row-1", "row-2", "row-0", "row-3"]
    assert plan.charging_h == pytest.approx(2.76 + 2.277)


def test_a_temperature_costs_its_gradient_and_a_rest():
    plan = ordered(work(at(60.0, -5.0)), HERE, LAB)

    assert plan.soaking_h == pytest.approx(1.0 + 2.0)
    assert plan.charging_h == 0.0


def test_among_states_that_cost_the_same_the_higher_risk_comes_first():
    free = Costs()

    plan = ordered(work(at(99.0), at(60.0), at(0.0), at(60.0)), HERE, free)

    assert [each.item for each in plan.work] == ["row-0", "row-1", "row-3", "row-2"]
    assert plan.hours == pytest.approx(4 / 60)


def test_a_window_has_the_highest_risk_in_it_and_says_what_is_left_out():
    # 3.2 h: row-0 needs 0.90 h of charging and 1 h; row-1 a discharge of 2.76 h; row-2 is here.
    given_work = work(at(99.0), at(0.0), at(60.0), at(60.0), seconds=3600.0)

    plan = ordered(given_work, HERE, LAB, window_h=3.2)

    assert [each.item for each in plan.work] == ["row-2", "row-0"]
    assert [each.item for each in plan.left_out] == ["row-1", "row-3"]
    assert plan.left_out[0].reason == "outside the time window: 0 % SOC, 25 degC, 3600 s"
    assert plan.hours <= 3.2


@settings(deadline=None, max_examples=60)
@given(st.lists(STATES, max_size=8), st.floats(0.0, 12.0))
def test_a_plan_fits_its_window(states, window_h):
    plan = ordered(work(*states, seconds=1800.0), HERE, LAB, window_h=window_h)

    assert plan.hours <= window_h + 1e-9
    assert len(plan.work) + len(plan.left_out) == len(states)


def test_an_unknown_duration_counts_as_the_mean_of_the_known_ones():
    known, unknown = work(HERE, HERE, seconds=90.0), work(HERE, seconds=None)

    assert ordered([*known, *unknown], HERE, LAB).running_h == pytest.approx(270.0 / 3600.0)
    assert ordered(unknown, HERE, LAB).running_h == pytest.approx(60.0 / 3600.0)
