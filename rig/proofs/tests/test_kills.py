"""The kill campaign: its judgement, its plan, and a few kills of each sort for every day."""

import asyncio
import sys
from collections import Counter

import pytest

from rig.proofs.kills import Job, campaign, plan, prove
from rig.proofs.kills_judged import Killed, last_off, quantile, spreads
from rig.proofs.kills_points import Kind
from rig.wall import WallLoop

LABELS = [f"{when} charger {n}" for n in range(20) for when in ("before", "after", "answer to")]


def moment(time_us: int, what: str, on: bool) -> dict[str, object]:
    return {"time_us": time_us, "what": what, "on": on}


def test_the_last_output_off_counts_and_not_the_first():
    moments = [
        moment(100, "charger", True),
        moment(150, "load", True),
        moment(300, "charger", False),
        moment(450, "load", False),
        moment(500, "interlock", False),
    ]

    assert last_off(moments, 200) == (("charger", "load"), 450)


def test_an_output_that_stays_on_has_no_time():
    assert last_off([moment(100, "charger", True)], 200) == (("charger",), None)


def test_what_was_off_before_the_failure_does_not_count():
    moments = [moment(100, "charger", True), moment(150, "charger", False)]

    assert last_off(moments, 200) == ((), None)


def test_an_output_that_goes_on_after_the_failure_counts_until_it_is_off():
    moments = [moment(210, "charger", True), moment(260, "charger", False)]

    assert last_off(moments, 200) == (("charger",), 260)


def test_the_99th_percentile_of_a_hundred_is_the_worst_but_none():
    times = [float(ms) for ms in range(1, 101)]

    assert quantile(times, 0.99) == 100.0
    assert quantile(times, 0.5) == 51.0
    assert quantile([], 0.99) is None


def test_every_kind_is_tried_and_hung_reads_only_where_something_is_awaited():
    jobs = plan(200, LABELS, seed=1)

    kinds = Counter(job.kind for job in jobs)
    assert set(kinds) == set(Kind) - {Kind.NOTHING, Kind.BOTH}
    assert min(kinds.values()) >= 15
    hung = [LABELS[job.point] for job in jobs if job.kind is Kind.HUNG]
    assert all(label.startswith("after ") for label in hung)
    assert sum(job.place == "frame" for job in jobs) == 30


def test_some_are_struck_while_their_guardian_arms():
    jobs = [job for job in plan(200, LABELS, seed=1) if job.place == "arming"]

    assert len(jobs) == 10
    assert {job.kind for job in jobs} == {Kind.SIGKILL, Kind.SIGSTOP, Kind.SIGSEGV}


def test_points_are_spread_before_any_is_taken_twice():
    jobs = [job for job in plan(600, LABELS, seed=1) if job.kind is Kind.SIGKILL]
    at_wire = Counter(job.point for job in jobs if job.place == "wire")

    assert len(at_wire) >= 40
    assert max(at_wire.values()) == 1


def test_another_seed_is_another_order():
    assert plan(50, LABELS, seed=1) == plan(50, LABELS, seed=1)
    assert plan(50, LABELS, seed=1) != plan(50, LABELS, seed=2)


def test_who_calls_safe_what_is_not_contradicts_the_circuit():
    told = {"job": 0, "kind": Kind.SIGKILL, "point": "", "struck": True, "was_on": ("charger",)}
    times = {"off_ms": None, "since_hang_ms": None}

    assert Killed(**told, **times, safe=False, said="safe").contradicts
    assert not Killed(**told, **times, safe=False, said="unknown").contradicts


def _all_safe(found: list[Killed], kills: int) -> None:
    struck = [killed for killed in found if killed.struck]
    assert len(struck) >= 0.8 * kills, "too few of them reached their point"
    assert [killed for killed in struck if not killed.safe or killed.contradicts] == []
    assert spreads(struck)[-1].energised > 0


@pytest.mark.skipif(sys.platform == "win32", reason="processes of a wire bench need POSIX")
def test_whoever_is_killed_the_circuit_comes_to_rest():
    _all_safe(prove(6, seed=3), 6)


@pytest.mark.skipif(sys.platform == "win32", reason="processes of a wire bench need POSIX")
@pytest.mark.parametrize("kind", [Kind.SIGKILL, Kind.SIGSTOP])
def test_a_test_that_is_struck_while_its_guardian_arms_leaves_the_interlock_open(kind):
    async def run() -> list[Killed]:
        async with campaign() as one:
            jobs = [Job(number=n, kind=kind, place="arming", point=n) for n in range(50, 121, 10)]
            return [await one.kill(job) for job in jobs]

    with asyncio.Runner(loop_factory=WallLoop) as runner:
        found = runner.run(run())

    assert [killed for killed in found if not (killed.struck and killed.safe)] == []


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="processes of a wire bench need POSIX")
def test_with_test_and_guardian_dead_the_supplys_own_watchdog_switches_it_off():
    async def run() -> Killed:
        async with campaign() as one:
            labels = await one.labels()
            point = labels.index("after charger OUTP ON") + 5
            return await one.kill(Job(number=0, kind=Kind.BOTH, place="wire", point=point))

    with asyncio.Runner(loop_factory=WallLoop) as runner:
        killed = runner.run(run())

    assert killed.was_on == ("charger",)
    assert killed.off_ms is not None
    assert 4000 < killed.off_ms < 6000
    assert not killed.safe, "the interlock is still closed: nobody was left to open it"


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="processes of a wire bench need POSIX")
def test_three_hundred_kills_end_safe():
    _all_safe(prove(300, seed=1), 300)
