"""The tables of the guardian, searched to the last state; and that the search finds what is bad."""

from dataclasses import replace

import pytest

from rig.safety.automaton import (
    BENCH,
    PERMIT,
    RULES,
    Bench,
    Event,
    Held,
    Permit,
    step,
)
from rig.safety.search import search

ONLY_PERMITTED = "an output is on only under a live permit"
ONLY_ARMED = "a permit exists only while the bench is armed"
ONLY_GUARDED = "an output is on only inside trips that were read back"
ONLY_RESET = "after a trip nothing goes on before a person has been there"
ONLY_SEEN = "what was not verified is not called safe"
RESTS = "what nobody tends comes to rest"


def test_no_state_that_can_be_reached_with_two_outputs_breaks_a_law():
    found = search(outputs=2)

    assert found.broken == {}
    # Far fewer would mean that a move of the world is missing, and nothing was searched.
    assert found.states > 5000


@pytest.mark.parametrize(
    ("rules", "law"),
    [
        pytest.param(
            replace(RULES, bench={**BENCH, (Bench.TRIPPING, Event.UNVERIFIED): Bench.SAFE}),
            ONLY_SEEN,
            id="unverified counts as safe",
        ),
        pytest.param(
            replace(RULES, bench={**BENCH, (Bench.SAFE, Event.ARM): Bench.ARMED}),
            ONLY_RESET,
            id="a tripped bench is armed without a person",
        ),
        pytest.param(
            replace(RULES, bench={**BENCH, (Bench.TRIPPING, Event.ARM): Bench.ARMED}),
            ONLY_RESET,
            id="arming ends a trip",
        ),
        pytest.param(
            replace(RULES, bench={**BENCH, (Bench.ARMED, Event.FAIL): Bench.ARMED}),
            RESTS,
            id="a failure is overlooked while armed",
        ),
        pytest.param(
            replace(RULES, bench={**BENCH, (Bench.ARMED, Event.FAIL): Bench.UNARMED}),
            ONLY_PERMITTED,
            id="a failure only disarms",
        ),
        pytest.param(
            replace(RULES, permit={**PERMIT, (Permit.NONE, Event.ASK): Permit.LIVE}),
            ONLY_GUARDED,
            id="a permit before its trips were read back",
        ),
        pytest.param(
            replace(RULES, permit={**PERMIT, (Permit.LIVE, Event.ASK): Permit.GRANTING}),
            ONLY_PERMITTED,
            id="asking for more withdraws what is on",
        ),
        pytest.param(
            replace(RULES, permit={**PERMIT, (Permit.RENEWING, Event.REFUSED): Permit.NONE}),
            ONLY_PERMITTED,
            id="a refused change withdraws what is on",
        ),
        pytest.param(
            replace(RULES, grants_in=frozenset({Bench.ARMED, Bench.TRIPPING})),
            ONLY_ARMED,
            id="permits outlive a trip",
        ),
    ],
)
def test_the_search_finds_what_is_wrong_with_a_spoilt_table(rules, law):
    found = search(outputs=1, rules=rules)

    assert law in found.broken
    assert found.broken[law], "a law is broken at the end of a way, not at the start"


def test_every_bench_state_but_the_tripped_ones_trips_on_a_failure():
    tripped = {
        bench: step(Held(bench, (Permit.NONE,)), Event.FAIL).bench
        for bench in (Bench.UNARMED, Bench.ARMED)
    }

    assert set(tripped.values()) == {Bench.TRIPPING}


def test_a_trip_takes_the_permit_that_is_just_being_granted():
    granting = Held(Bench.ARMED, (Permit.GRANTING, Permit.LIVE))

    after = step(step(granting, Event.FAIL), Event.READ_BACK, 0)

    assert after == Held(Bench.TRIPPING, (Permit.NONE, Permit.NONE))


def test_a_refused_change_leaves_the_permit_that_there_was():
    live = Held(Bench.ARMED, (Permit.LIVE,))

    refused = step(step(live, Event.ASK, 0), Event.REFUSED, 0)

    assert refused.may_be_on(0)
