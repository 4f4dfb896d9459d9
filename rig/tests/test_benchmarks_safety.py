"""The benchmark of the safe state: what it makes of kills, and what it refuses to call a figure."""

from dataclasses import replace

import pytest

from rig import benchmarks, benchmarks_safety
from rig.proofs.kills_judged import Killed
from rig.proofs.kills_points import Kind

ONE = Killed(
    job=0,
    kind=Kind.SIGKILL,
    point="after charger OUTP ON",
    struck=True,
    was_on=("charger",),
    off_ms=12.0,
    since_hang_ms=None,
    safe=True,
    said="safe",
)


def measured(monkeypatch, *kills: Killed):
    monkeypatch.setattr(benchmarks_safety, "prove", lambda _kills, seed: list(kills))
    return benchmarks_safety.safe_state()


def test_the_figures_are_the_worst_and_the_99_percent_of_what_was_energised(monkeypatch):
    idle = replace(ONE, was_on=(), off_ms=None)

    found = measured(monkeypatch, ONE, replace(ONE, off_ms=40.0), idle)

    assert found == [
        ("safe_state_p99_ms", 40.0, "ms", 50.0),
        ("safe_state_max_ms", 40.0, "ms", 250.0),
    ]


def test_a_kill_that_did_not_end_safe_is_no_figure(monkeypatch):
    with pytest.raises(RuntimeError, match="did not end safe: SIGKILL at after charger OUTP ON"):
        measured(monkeypatch, ONE, replace(ONE, safe=False))


def test_a_time_is_a_cost():
    assert benchmarks.Figure(name="x", value=40.0, unit="ms", goal=50.0).met is True
    assert benchmarks.Figure(name="x", value=60.0, unit="ms", goal=50.0).met is False
    assert "safe_state_ms" in benchmarks.BENCHMARKS
