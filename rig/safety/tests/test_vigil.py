"""What the guardian takes for a failure of its client, and what not."""

import os

import pytest

from rig.safety.spec import Limits
from rig.safety.vigil import Vigil, process_state

LIMITS = Limits(heartbeat_s=0.5, exchange_s=0.2, stall_s=1.0)


def looked(*, at_ms: float, state: str | None = "S", heard_ms: float | None = 0.0, **begun: float):
    vigil = Vigil(LIMITS, 0)
    if heard_ms is not None:
        vigil.heard(round(1000 * heard_ms))
    for role, ms in begun.items():
        vigil.began(role, round(1000 * ms))
    return vigil.look(round(1000 * at_ms), state)


def test_a_test_that_goes_on_is_left_alone():
    assert looked(at_ms=400, heard_ms=0) is None


def test_silence_for_longer_than_its_limit_is_a_failure():
    assert looked(at_ms=501) == "the test has made no progress for 0.5 s"


def test_a_test_that_was_never_heard_may_take_its_time():
    assert looked(at_ms=900, heard_ms=None) is None


@pytest.mark.parametrize("state", ["T", "t"])
def test_a_stopped_process_is_a_failure_before_its_silence_is(state):
    assert looked(at_ms=10, state=state) == "the test process was stopped"


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_process_that_has_ended_is_a_failure(state):
    assert looked(at_ms=10, state=state) == "the test process has ended"


def test_an_exchange_that_does_not_end_is_a_failure_while_the_test_is_heard():
    vigil = Vigil(LIMITS, 0)
    vigil.began("load", 0)
    vigil.heard(190_000)

    assert vigil.look(199_000, "S") is None
    assert vigil.look(201_000, "S") == "an exchange with the load has hung for 0.2 s"


def test_an_exchange_that_has_ended_hangs_no_more():
    vigil = Vigil(LIMITS, 0)
    vigil.began("load", 0)
    vigil.ended("load", 150_000)

    assert vigil.look(300_000, "S") is None


def test_of_two_exchanges_the_later_one_can_still_hang():
    vigil = Vigil(LIMITS, 0)
    vigil.began("load", 0)
    vigil.began("load", 100_000)
    vigil.ended("load", 150_000)

    assert vigil.look(299_000, "S") is None
    assert vigil.look(301_000, "S") is not None


@pytest.mark.parametrize("to_s", [-3600.0, 3600.0, 1.1])
def test_a_clock_that_jumps_is_a_failure(to_s):
    told = looked(at_ms=1000 * to_s, heard_ms=None)

    assert told == f"the clock jumped by {to_s:.3f} s between two looks"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="Linux tells it")  # noqa: PTH110
def test_a_process_that_is_not_there_has_ended():
    assert process_state(2**22 + 1) == "X"
    assert process_state(os.getpid()) in {"R", "S", "D"}
