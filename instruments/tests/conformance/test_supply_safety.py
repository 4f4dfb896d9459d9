"""How every supply is made safe, and what its watchdog does."""

import pytest

from instruments.protocols import (
    InstrumentError,
    InstrumentTimeout,
    Trip,
)
from instruments.tests.conformance.envelope import (
    SETTLES_S,
    Point,
    bring_to,
    every_supply,
    having,
)
from instruments.tests.conformance.subject import Subject
from instruments.twins.twin import Fault

# What its silence is told as; the PSB's watchdog is no alarm.
WATCHDOG_IS_A_TRIP = ("rp7900", "it6000c", "genesys")
# Safety.


@every_supply
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST], ids=["silent", "lost"])
async def test_safe_state_raises_when_nothing_is_heard_and_works_when_it_is_again(
    subject: Subject, point: Point, fault: Fault
) -> None:
    await bring_to(subject, point)
    subject.suffer(fault)
    with pytest.raises(InstrumentError) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)
    still_on = await subject.driver.output_is_on()
    await subject.driver.safe_state()

    # Each step that failed after the first is told in a note: none was left out.
    assert raised.value.__notes__
    assert still_on
    assert not await subject.driver.output_is_on()
    assert await subject.driver.current_limit() == pytest.approx(0.0, abs=0.05)


@every_supply
async def test_safe_state_goes_on_after_a_step_that_got_no_answer(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)
    subject.suffer(Fault.MUTE)
    with pytest.raises(InstrumentTimeout):
        await subject.driver.safe_state()
    subject.suffer(None)

    assert not await subject.driver.output_is_on()
    assert await subject.driver.current_limit() == pytest.approx(0.0, abs=0.05)


@every_supply
async def test_safe_state_leaves_no_current(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)
    await subject.driver.safe_state()
    await subject.wait(SETTLES_S)

    current_a = (await subject.driver.measure()).current_a
    assert abs(current_a) <= subject.driver.current_uncertainty_a(0.0)
    assert not await subject.driver.output_is_on()


@every_supply
async def test_after_local_and_remote_set_points_are_taken(subject: Subject, point: Point) -> None:
    await subject.driver.local()
    await subject.wait(0.5)
    await subject.driver.remote()
    await subject.driver.set_voltage(point.voltage_v)

    assert await subject.driver.voltage_setpoint() == pytest.approx(point.voltage_v, abs=0.02)


# Watchdog.


@having("set_watchdog")
async def test_silence_beyond_the_watchdog_switches_the_output_off(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)
    await subject.driver.set_watchdog(2.0)
    await subject.wait(1.0)
    within = await subject.driver.output_is_on()
    await subject.wait(5.0)

    assert within
    assert not await subject.driver.output_is_on()
    expected = {Trip.WATCHDOG} if subject.model.name in WATCHDOG_IS_A_TRIP else frozenset()
    assert await subject.driver.tripped() == expected


@having("set_watchdog")
async def test_a_watchdog_that_is_fed_lets_the_output_on(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)
    await subject.driver.set_watchdog(2.0)
    for _ in range(5):
        await subject.wait(1.0)
        await subject.driver.feed_watchdog()

    assert await subject.driver.output_is_on()
    assert await subject.driver.tripped() == frozenset()


@having("set_watchdog")
async def test_a_watchdog_that_was_disarmed_does_nothing(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)
    await subject.driver.set_watchdog(2.0)
    await subject.driver.set_watchdog(None)
    await subject.wait(6.0)

    assert await subject.driver.output_is_on()


@having("set_watchdog")
async def test_after_the_watchdog_the_output_can_be_switched_on_again(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)
    await subject.driver.set_watchdog(2.0)
    await subject.wait(6.0)
    await subject.driver.remote()
    await subject.driver.clear_trip()
    off = not await subject.driver.output_is_on()
    await subject.driver.set_watchdog(None)
    await bring_to(subject, point)

    assert off
    assert await subject.driver.output_is_on()
