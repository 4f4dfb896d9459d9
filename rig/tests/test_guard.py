"""The guard: who is named for what, what stays allowed, and that it leaves nothing behind."""

import logging
import random
import socket  # noqa: TID251 - to see it forbidden
import threading  # noqa: TID251 - to see it forbidden
import time

import pytest

from rig.errors import BenchError
from rig.guard import FORBIDDEN, GuardTrippedError, guarded


def called_by(module, statement):
    """Run a statement as if it stood in the named module."""
    scope = {
        "__name__": module,
        "random": random,
        "socket": socket,
        "threading": threading,
        "time": time,
    }
    exec(statement, scope)


def what_is_in_place():
    return [(owner.__dict__.get(name), getattr(owner, name)) for owner, name, _ in FORBIDDEN]


OFFENCES = [
    pytest.param("time.sleep(0)", "sleeps on the wall clock", id="sleep"),
    pytest.param("time.time()", "reads the wall clock", id="time"),
    pytest.param("time.monotonic()", "reads the wall clock", id="monotonic"),
    pytest.param("time.perf_counter()", "reads the wall clock", id="perf_counter"),
    pytest.param("threading.Thread(target=print).start()", "starts a thread", id="thread"),
    pytest.param(
        "with socket.socket() as one: one.connect(('127.0.0.1', 9))", "opens a socket", id="connect"
    ),
    pytest.param(
        "with socket.socket() as one: one.bind(('127.0.0.1', 0))", "opens a socket", id="bind"
    ),
    pytest.param("random.random()", "throws unseeded dice", id="random"),
    pytest.param("random.randrange(6)", "throws unseeded dice", id="randrange"),
]


@pytest.mark.parametrize(("statement", "offence"), OFFENCES)
def test_a_library_that_makes_runs_differ_is_named_with_what_it_did(statement, offence):
    with guarded(), pytest.raises(GuardTrippedError, match=f"^some.library {offence} "):
        called_by("some.library", statement)


def test_every_forbidden_thing_is_tried_here():
    assert len(OFFENCES) == len(FORBIDDEN)


def test_a_tripped_guard_is_the_rigs_failure():
    assert issubclass(GuardTrippedError, BenchError)


@pytest.mark.parametrize("module", ["logging", "logging.handlers", "_pytest.timing", "rig.clock"])
def test_who_may_use_the_wall_clock_still_can(module):
    with guarded():
        called_by(module, "time.time()")


def test_a_log_line_can_be_written():
    with guarded():
        logging.getLogger("a library").debug("a line")


def test_seeded_dice_can_be_thrown():
    with guarded():
        called_by("some.library", "random.Random(7).randrange(6)")


def test_everything_is_as_before_afterwards():
    before = what_is_in_place()

    with guarded():
        assert what_is_in_place() != before

    assert what_is_in_place() == before


def test_everything_is_as_before_after_a_failure_too():
    before = what_is_in_place()

    with pytest.raises(GuardTrippedError), guarded():
        called_by("some.library", "time.time()")

    assert what_is_in_place() == before


def test_a_guard_within_a_guard_leaves_the_outer_one_in_place():
    with guarded():
        with guarded():
            pass
        with pytest.raises(GuardTrippedError):
            called_by("some.library", "time.time()")
