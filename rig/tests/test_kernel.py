"""Virtual time: order, waiting, and the ways in which a wait can go wrong."""

import asyncio

import pytest

from rig.kernel import BUS, DUT, OBSERVER, Deadlock, Kernel, VirtualLoop, milliseconds, seconds


def run(coroutine):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


def test_equal_times_run_by_priority_then_in_the_order_asked():
    kernel, seen = Kernel(), []
    kernel.at(10, lambda: seen.append("observer"), OBSERVER)
    kernel.at(10, lambda: seen.append("dut"), DUT)
    kernel.at(10, lambda: seen.append("bus 1"), BUS)
    kernel.at(10, lambda: seen.append("bus 2"), BUS)

    kernel.run(10, lambda: False)

    assert seen == ["bus 1", "bus 2", "dut", "observer"]


def test_the_past_cannot_be_asked_for():
    kernel = Kernel()
    kernel.run(100, lambda: False)

    with pytest.raises(ValueError, match=r"0\.000 s has passed"):
        kernel.at(5, lambda: None)


def test_an_hour_of_sleep_takes_no_time_and_ends_on_the_microsecond():
    async def sleeper():
        await asyncio.sleep(3600)
        await asyncio.sleep(0.1234564)
        return asyncio.get_running_loop().kernel.now_us

    assert run(sleeper()) == 3_600_123_456


@pytest.mark.parametrize("delay_s", [1e-7, 4.9e-7, 0.0000015, 0.1, 1 / 3, 86_400 * 2.5])
def test_a_sleep_of_any_length_ends(delay_s):
    async def sleeper():
        await asyncio.sleep(delay_s)
        return asyncio.get_running_loop().kernel.now_us

    assert run(sleeper()) == pytest.approx(delay_s * 1e6, abs=2)


def test_the_heap_runs_before_coroutines_at_one_instant():
    async def scenario():
        kernel, seen = asyncio.get_running_loop().kernel, []
        kernel.at(seconds(1), lambda: seen.append("heap"))
        await asyncio.sleep(1)
        seen.append("coroutine")
        return seen

    assert run(scenario()) == ["heap", "coroutine"]


def test_a_coroutine_goes_on_at_the_instant_that_wakes_it():
    async def scenario():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.kernel.at(milliseconds(7), lambda: future.set_result(None))
        loop.kernel.at(milliseconds(8), lambda: None)
        await future
        return loop.kernel.now_us

    assert run(scenario()) == 7_000


def test_a_timeout_strikes_at_its_time():
    async def scenario():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.get_running_loop().create_future()
        return asyncio.get_running_loop().kernel.now_us

    assert run(scenario()) == 2_500_000


def test_waiting_for_nothing_is_called_a_deadlock():
    async def scenario():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="everybody waits"):
        run(scenario())


def test_a_sub_stream_does_not_depend_on_the_others():
    first, second = Kernel("7"), Kernel("7")
    second.stream("another").random()

    assert first.stream("noise").random() == second.stream("noise").random()
    assert first.stream("noise").random() != Kernel("8").stream("noise").random()
