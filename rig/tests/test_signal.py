"""Signals: who is told, and when an instrument is read for them."""

import asyncio

import pytest

from rig.errors import NotOnThisBench
from rig.kernel import milliseconds, seconds
from rig.signal import Poller, Sample, Signal
from rig.tests.virtual import kernel, virtual


def nobody(_sample):
    """Watches and does nothing."""


class Instrument:
    """Two signals that one reading brings, and the times at which it was read."""

    def __init__(self):
        self.read_at_us: list[int] = []
        self.error: Exception | None = None
        poller = Poller(self._read)
        self.voltage = Signal("voltage", "V", kernel=kernel(), poll=poller)
        self.current = Signal("current", "A", kernel=kernel(), poll=poller)

    async def _read(self):
        self.read_at_us.append(kernel().now_us)
        if self.error is not None:
            raise self.error
        self.voltage.put(26.0)
        self.current.put(1.5)

    async def reads_in(self, duration_s):
        before = len(self.read_at_us)
        await asyncio.sleep(duration_s)
        return len(self.read_at_us) - before


# What a signal tells


@virtual
async def test_watchers_are_told_every_reading_in_the_order_in_which_they_came():
    signal, seen = Signal("soc", kernel=kernel()), []
    signal.watch(lambda sample: seen.append(("a", sample.value)))
    signal.watch(lambda sample: seen.append(("b", sample.value)))

    signal.put(60)
    signal.put(60)

    assert seen == [("a", 60), ("b", 60), ("a", 60), ("b", 60)]


@virtual
async def test_the_last_reading_is_in_the_record_though_it_was_as_the_one_before():
    signal, recorded = Signal("soc", kernel=kernel()), []
    signal.record = lambda _name, time_us, value: recorded.append((time_us, value))
    for time_us in (0, 1_000_000, 2_000_000):
        signal.put(60, time_us)

    signal.settle()
    signal.settle()

    assert recorded == [(0, 60), (2_000_000, 60)]


@virtual
async def test_a_sample_has_the_time_of_its_frame_or_of_now():
    signal = Signal("soc", kernel=kernel())
    await asyncio.sleep(2)

    signal.put(60)
    assert signal.latest == Sample(2_000_000, 60)
    signal.put(61, 1_500_000)
    assert signal.latest == Sample(1_500_000, 61)


@virtual
async def test_only_changes_are_recorded():
    signal, recorded = Signal("soc", kernel=kernel()), []
    signal.record = lambda name, time_us, value: recorded.append((name, time_us, value))

    for value in (60, 60, None, None, 60):
        signal.put(value)

    assert recorded == [("soc", 0, 60), ("soc", 0, None), ("soc", 0, 60)]


@virtual
async def test_a_watcher_that_left_is_told_no_more_and_the_other_is():
    signal, first, second = Signal("soc", kernel=kernel()), [], []
    signal.watch(first.append)
    signal.watch(second.append)

    signal.unwatch(first.append)
    signal.put(60)

    assert (len(first), len(second)) == (0, 1)


@virtual
async def test_a_watcher_may_leave_while_it_is_told():
    signal, seen = Signal("soc", kernel=kernel()), []

    def once(sample):
        signal.unwatch(once)
        seen.append(sample.value)

    signal.watch(once)
    signal.watch(lambda sample: seen.append(sample.value))
    signal.put(60)
    signal.put(61)

    assert seen == [60, 60, 61]


@virtual
async def test_read_gives_what_a_bus_told_last():
    signal = Signal("soc", kernel=kernel())
    signal.put(60)
    await asyncio.sleep(5)

    assert await signal.read() == Sample(0, 60)


@virtual
async def test_read_waits_for_the_first_value_of_a_bus():
    signal = Signal("soc", kernel=kernel())
    kernel().at(seconds(3), lambda: signal.put(60))

    assert await signal.read() == Sample(seconds(3), 60)


# When an instrument is read


@virtual
async def test_an_instrument_that_nobody_watches_is_not_read():
    assert await Instrument().reads_in(60) == 0


@virtual
async def test_read_reads_an_instrument_once():
    instrument = Instrument()

    assert await instrument.voltage.read() == Sample(0, 26.0)
    assert await instrument.reads_in(60) == 0
    assert instrument.read_at_us == [0]


@virtual
async def test_a_watched_instrument_is_read_at_the_resolution_that_was_asked_for():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))

    assert await instrument.reads_in(1.05) == 10


@virtual
async def test_signals_of_one_instrument_share_its_readings():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))
    instrument.current.watch(nobody, milliseconds(100))

    assert await instrument.reads_in(1.05) == 10


@virtual
async def test_the_reading_ends_with_the_last_who_watches():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))
    instrument.current.watch(nobody, milliseconds(100))

    instrument.voltage.unwatch(nobody)
    assert await instrument.reads_in(1.05) == 10
    instrument.current.unwatch(nobody)
    assert await instrument.reads_in(60) == 0


@virtual
async def test_the_reading_begins_again_with_the_next_who_watches():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))
    instrument.voltage.unwatch(nobody)
    await asyncio.sleep(1)

    instrument.voltage.watch(nobody, milliseconds(100))

    assert await instrument.reads_in(1.05) == 10


@pytest.mark.parametrize("same", [True, False], ids=["same signal", "another signal"])
@virtual
async def test_who_asks_for_more_is_served_at_once_though_another_has_asked_for_less(same):
    instrument = Instrument()
    instrument.voltage.watch(nobody, seconds(10))
    await asyncio.sleep(1)

    other = instrument.voltage if same else instrument.current
    other.watch(lambda _sample: None, milliseconds(100))

    assert await instrument.reads_in(1.05) == 10


@virtual
async def test_who_asks_for_less_takes_nothing_from_who_asked_for_more():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))

    instrument.voltage.watch(lambda _sample: None, seconds(10))

    assert await instrument.reads_in(1.05) == 10


@virtual
async def test_when_the_most_demanding_leaves_the_reading_is_as_coarse_as_before():
    instrument = Instrument()

    def demanding(_sample):
        pass

    instrument.voltage.watch(nobody, seconds(10))
    instrument.voltage.watch(demanding, milliseconds(100))
    instrument.voltage.unwatch(demanding)
    await asyncio.sleep(0.2)

    assert await instrument.reads_in(100) == 10


# When reading fails


@virtual
async def test_a_failure_of_the_instrument_reaches_everybody_who_waits():
    instrument, heard = Instrument(), []
    for name, signal in (("a", instrument.voltage), ("b", instrument.current)):
        signal.watch(
            nobody, milliseconds(100), lambda error, name=name: heard.append((name, error))
        )
    instrument.error = OSError("the LAN is gone")

    await asyncio.sleep(1)

    assert heard == [("a", instrument.error), ("b", instrument.error)]


@virtual
async def test_a_failure_reaches_who_still_waits_after_another_has_left():
    instrument, heard = Instrument(), []

    def leaving(_sample):
        pass

    instrument.voltage.watch(nobody, milliseconds(100), heard.append)
    instrument.voltage.watch(leaving, milliseconds(100), heard.append)
    instrument.voltage.unwatch(leaving)
    instrument.error = OSError("the LAN is gone")

    await asyncio.sleep(1)

    assert heard == [instrument.error]


@virtual
async def test_after_a_failure_it_is_read_again_for_the_next_who_watches():
    instrument = Instrument()
    instrument.voltage.watch(nobody, milliseconds(100))
    instrument.error = OSError("the LAN is gone")
    await asyncio.sleep(1)
    assert len(instrument.read_at_us) == 1

    instrument.error = None
    instrument.current.watch(nobody, milliseconds(100))

    assert await instrument.reads_in(1.05) == 10


@virtual
async def test_a_failure_of_a_single_reading_is_raised():
    instrument = Instrument()
    instrument.error = OSError("the LAN is gone")

    with pytest.raises(OSError, match="the LAN is gone"):
        await instrument.voltage.read()


@virtual
async def test_a_signal_that_its_instrument_says_nothing_of_is_not_on_this_bench():
    async def reads_nothing():
        pass

    signal = Signal("lamp", kernel=kernel(), poll=Poller(reads_nothing))

    with pytest.raises(NotOnThisBench, match="lamp"):
        await signal.read()
