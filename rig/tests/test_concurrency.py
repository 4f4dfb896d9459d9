"""Several things at once: their order, whether they end well, fail, or are cancelled."""

import asyncio

import pytest

from rig.concurrency import together
from rig.tests.virtual import kernel, virtual


async def after(delay_s, value=None, error=None):
    await asyncio.sleep(delay_s)
    if error is not None:
        raise error
    return value


async def until_cancelled(name, seen, error=None):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        seen.append(name)
        if error is not None:
            raise error from None
        raise


@virtual
async def test_results_come_in_the_order_of_the_arguments():
    assert await together(after(3, "a"), after(1, "b"), after(2, "c")) == ("a", "b", "c")


@virtual
async def test_all_run_at_the_same_time():
    await together(after(3), after(1), after(2))

    assert kernel().now_us == 3_000_000


@virtual
async def test_nothing_at_all_is_done_at_once():
    assert await together() == ()


@virtual
async def test_they_begin_in_the_order_of_the_arguments():
    seen = []

    async def note(name):
        seen.append(name)

    await together(*(note(name) for name in "abcdefgh"))

    assert seen == list("abcdefgh")


@virtual
async def test_a_failure_ends_the_wait_at_its_time():
    with pytest.raises(OSError, match="first"):
        await together(after(3600), after(1, error=OSError("first")))

    assert kernel().now_us == 1_000_000


@virtual
async def test_of_two_failures_the_earlier_is_raised():
    with pytest.raises(OSError, match="early"):
        await together(after(2, error=OSError("late")), after(1, error=OSError("early")))


@virtual
async def test_of_two_failures_at_one_instant_the_one_in_front_is_raised():
    with pytest.raises(OSError, match="in front"):
        await together(
            after(1), after(1, error=OSError("in front")), after(1, error=OSError("behind"))
        )


@virtual
async def test_a_failure_cancels_the_others_in_their_order():
    seen = []

    with pytest.raises(OSError, match="it fails"):
        await together(
            *(until_cancelled(name, seen) for name in "abcd"),
            after(1, error=OSError("it fails")),
            *(until_cancelled(name, seen) for name in "efgh"),
        )

    assert seen == list("abcdefgh")


@virtual
async def test_a_cancelled_wait_cancels_all_in_their_order():
    seen = []
    task = asyncio.ensure_future(together(*(until_cancelled(name, seen) for name in "abcd")))
    await asyncio.sleep(1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == list("abcd")


@virtual
async def test_a_failing_clean_up_keeps_nobody_from_being_cancelled_and_is_noted():
    seen = []

    with pytest.raises(OSError, match="it fails") as caught:
        await together(
            until_cancelled("a", seen, error=ValueError("clean-up")),
            until_cancelled("b", seen),
            after(1, error=OSError("it fails")),
        )

    assert seen == ["a", "b"]
    assert caught.value.__notes__ == ["and after it: ValueError('clean-up')"]
