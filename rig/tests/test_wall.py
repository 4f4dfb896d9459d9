"""The wall clock behind the kernel's face."""

import asyncio

import pytest

from rig.clock import monotonic_us
from rig.errors import NotOnThisBench
from rig.forking import run_in_child
from rig.kernel import milliseconds
from rig.wall import WallLoop


def on_the_wall(work):
    async def run():
        loop = asyncio.get_running_loop()
        assert isinstance(loop, WallLoop)
        return await work(loop)

    with asyncio.Runner(loop_factory=WallLoop) as runner:
        return runner.run(run())


def hold_up(duration_us: int) -> None:
    """Keep the loop from doing anything."""
    until_us = monotonic_us() + duration_us
    while monotonic_us() < until_us:
        pass


def test_a_late_event_finds_the_time_that_it_was_asked_for():
    async def work(loop: WallLoop) -> tuple[list[int], int]:
        kernel, seen = loop.kernel, list[int]()
        due_us = kernel.now_us + milliseconds(10)
        kernel.at(due_us, lambda: seen.append(kernel.now_us))
        hold_up(milliseconds(30))
        await asyncio.sleep(0.005)
        return seen, due_us

    seen, due_us = on_the_wall(work)

    assert seen == [due_us]


def test_an_event_does_not_wait_for_a_whole_millisecond():
    """Its best of many: how late each was is the machine's load besides."""

    async def work(loop: WallLoop) -> int:
        late_us: list[int] = []
        for _ in range(20):
            due_us = loop.elapsed_us() + 3_200
            done = loop.create_future()
            loop.kernel.at(due_us, lambda: done.set_result(loop.elapsed_us()))  # noqa: B023 - now
            late_us.append(await done - due_us)
        return min(late_us)

    assert on_the_wall(work) < 500


def test_no_event_comes_before_its_time():
    async def work(loop: WallLoop) -> int:
        done = loop.create_future()
        due_us = loop.kernel.now_us + milliseconds(20)
        loop.kernel.at(due_us, lambda: done.set_result(loop.elapsed_us() - due_us))
        early_us: int = await done
        return early_us

    assert on_the_wall(work) >= 0


def test_time_begins_again_at_zero():
    async def work(loop: WallLoop) -> tuple[int, int]:
        hold_up(milliseconds(20))
        loop.begin_again()
        return loop.elapsed_us(), loop.kernel.now_us

    elapsed_us, now_us = on_the_wall(work)

    assert elapsed_us < milliseconds(20)
    assert now_us == 0


def test_time_does_not_begin_again_while_something_waits_for_it():
    async def work(loop: WallLoop) -> None:
        loop.kernel.after(milliseconds(50), lambda: None)
        with pytest.raises(RuntimeError, match="something waits"):
            loop.begin_again()

    on_the_wall(work)


def test_a_bench_on_the_wall_clock_has_no_branches():
    async def nothing() -> None:
        raise AssertionError("a branch was begun")

    async def work(_loop: WallLoop) -> None:
        with pytest.raises(NotOnThisBench, match="branches"):
            await run_in_child(None, "left", nothing)  # type: ignore[arg-type]

    on_the_wall(work)


def test_what_comes_before_time_begins_comes_at_zero():
    async def work(loop: WallLoop) -> tuple[int, int]:
        loop.hold()
        await asyncio.sleep(0.02)
        before_us = loop.kernel.now_us
        loop.begin_again()
        await asyncio.sleep(0.02)
        return before_us, loop.kernel.now_us

    before_us, after_us = on_the_wall(work)
    assert before_us == 0
    assert after_us >= milliseconds(15)
