"""Branches: one state, several futures, and what comes back from each."""

import asyncio
import os
import signal

import pytest

from rig.errors import BenchError, NotOnThisBench, NotReady, Unmet
from rig.forking import run_in_child
from rig.kernel import seconds
from rig.tests.virtual import kernel, virtual

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")


class Trunk:
    """Counts what the bench is told of its branches."""

    def __init__(self):
        self.kernel = kernel()
        self.entered: list[str] = []
        self.left: list[tuple[str, str]] = []
        self.settled = 0

    def settle_record(self):
        self.settled += 1

    def enter_branch(self, name):
        self.entered.append(name)

    def leave_branch(self, name, digest):
        self.left.append((name, digest))


@virtual
async def test_each_branch_starts_from_the_same_state_and_sees_nothing_of_the_others():
    trunk, state = Trunk(), [1]
    await asyncio.sleep(5)

    async def go_on():
        began_us = kernel().now_us
        state.append(2)
        await asyncio.sleep(10)
        return began_us, list(state), kernel().now_us

    results = [await run_in_child(trunk, name, go_on) for name in ("a", "b")]

    assert results == [(5_000_000, [1, 2], 15_000_000)] * 2
    assert state == [1]


@virtual
async def test_no_time_passes_in_the_trunk():
    async def sleep_long():
        await asyncio.sleep(3600)

    await run_in_child(Trunk(), "long", sleep_long)

    assert kernel().now_us == 0


@virtual
async def test_what_is_on_the_heap_goes_on_in_each_branch_and_then_in_the_trunk():
    ticks = []

    def tick():
        ticks.append(kernel().now_us)
        kernel().after(seconds(1), tick)

    kernel().at(seconds(1), tick)

    async def three_seconds():
        await asyncio.sleep(3)
        return len(ticks)

    assert await run_in_child(Trunk(), "a", three_seconds) == 3
    assert ticks == []
    assert await three_seconds() == 3


@virtual
async def test_only_the_child_enters_the_branch_and_the_trunk_is_told_of_its_end():
    trunk = Trunk()

    async def entered():
        return list(trunk.entered)

    assert await run_in_child(trunk, "a", entered) == ["a"]
    assert trunk.entered == []
    assert [name for name, _ in trunk.left] == ["a"]


@virtual
async def test_equal_branches_have_equal_digests_and_different_ones_have_not():
    trunk = Trunk()

    def that_notes(data):
        async def branch():
            kernel().digest.update(data)

        return branch

    for name, data in (("a", b"same"), ("b", b"same"), ("c", b"other")):
        await run_in_child(trunk, name, that_notes(data))

    first, second, third = (digest for _, digest in trunk.left)
    assert first == second != third


@pytest.mark.parametrize(
    ("error", "family", "message"),
    [
        (Unmet("v1.08-04: it broke", "f.py:7"), Unmet, "in branch 'low': v1.08-04: it broke"),
        (NotReady("no start"), NotReady, "in branch 'low': NotReady: no start"),
        (BenchError("LAN"), BenchError, "in branch 'low': LAN"),
        (NotOnThisBench("no oven"), NotOnThisBench, "in branch 'low': no oven"),
        (ZeroDivisionError("1/0"), NotReady, "in branch 'low': ZeroDivisionError: 1/0"),
        (SystemExit(3), NotReady, "in branch 'low': SystemExit: 3"),
    ],
    ids=["Unmet", "NotReady", "BenchError", "NotOnThisBench", "ours", "exit"],
)
@virtual
async def test_an_error_comes_back_in_its_family_and_names_its_branch(error, family, message):
    async def fail():
        raise error

    with pytest.raises(family) as caught:
        await run_in_child(Trunk(), "low", fail)

    assert type(caught.value) is family
    assert str(caught.value) == message


@virtual
async def test_an_unmet_claim_keeps_its_key():
    async def break_a_claim():
        raise Unmet("it broke", "test_04.py:31")

    with pytest.raises(Unmet) as caught:
        await run_in_child(Trunk(), "low", break_a_claim)

    assert caught.value.key == "test_04.py:31"


@virtual
async def test_an_error_on_the_heap_of_a_branch_comes_back_and_its_process_ends():
    def crash():
        raise ZeroDivisionError("in the model")

    async def wait_for_it():
        kernel().after(seconds(1), crash)
        await asyncio.sleep(2)

    with pytest.raises(NotReady, match="in branch 'low': ZeroDivisionError: in the model"):
        await run_in_child(Trunk(), "low", wait_for_it)


@pytest.mark.parametrize(
    "die",
    [lambda: os._exit(0), lambda: os.kill(os.getpid(), signal.SIGKILL)],
    ids=["exit", "killed"],
)
@virtual
async def test_a_child_that_dies_without_a_word_is_the_rigs_failure(die):
    async def end():
        die()

    with pytest.raises(BenchError, match="branch 'low' died without a word"):
        await run_in_child(Trunk(), "low", end)


@virtual
async def test_a_result_that_cannot_be_handed_back_is_the_rigs_failure():
    async def give_a_function():
        return lambda: None

    with pytest.raises(BenchError, match=r"branch 'low' gave .*pickle"):
        await run_in_child(Trunk(), "low", give_a_function)


@virtual
async def test_after_a_failed_branch_the_next_one_runs():
    trunk = Trunk()

    async def fail():
        raise Unmet("it broke")

    async def work():
        return "done"

    with pytest.raises(Unmet):
        await run_in_child(trunk, "a", fail)

    assert await run_in_child(trunk, "b", work) == "done"
    assert [name for name, _ in trunk.left] == ["a", "b"]


@virtual
async def test_no_child_is_left_behind():
    async def work():
        return None

    await run_in_child(Trunk(), "a", work)

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
