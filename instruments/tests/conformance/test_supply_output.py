"""What every supply does at its terminals, on a resistor."""

import pytest

from instruments.models import Kind
from instruments.protocols import (
    CommandRefused,
    Regulation,
    Trip,
)
from instruments.tests.conformance.envelope import (
    COUPLED_OVP,
    SETTLES_S,
    Point,
    bring_to,
    every_supply,
    having,
)
from instruments.tests.conformance.subject import Subject, of

# The output.


@every_supply
async def test_output_on_and_off_are_seen(subject: Subject, point: Point) -> None:
    before = await subject.driver.output_is_on()
    await bring_to(subject, point)
    on = await subject.driver.output_is_on()
    await subject.driver.output_off()

    assert (before, on, await subject.driver.output_is_on()) == (False, True, False)


@every_supply
async def test_opening_leaves_the_output_on(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)

    await subject.driver.open()

    assert await subject.driver.output_is_on()


@every_supply
async def test_reset_switches_the_output_off(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)

    await subject.driver.reset()

    assert not await subject.driver.output_is_on()


@every_supply
async def test_constant_voltage_is_measured_as_the_resistor_has_it(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)
    reading = await subject.driver.measure()

    off_v = subject.driver.voltage_uncertainty_v(point.voltage_v) + 0.01
    off_a = subject.driver.current_uncertainty_a(point.current_a) + 0.01 * point.current_a
    assert reading.voltage_v == pytest.approx(point.voltage_v, abs=off_v)
    assert reading.current_a == pytest.approx(point.current_a, abs=off_a)
    assert reading.power_w == pytest.approx(reading.voltage_v * reading.current_a, rel=0.02, abs=1)
    assert await subject.driver.regulation() is Regulation.CV


@every_supply
async def test_constant_current_is_measured_as_the_resistor_has_it(
    subject: Subject, point: Point
) -> None:
    ohm = subject.wired.resistor_ohm
    await bring_to(subject, point, limit_a=point.half_a)
    reading = await subject.driver.measure()

    off_a = subject.driver.current_uncertainty_a(point.half_a) + 0.01 * point.half_a
    off_v = subject.driver.voltage_uncertainty_v(point.half_a * ohm) + off_a * ohm
    assert reading.current_a == pytest.approx(point.half_a, abs=off_a)
    assert reading.voltage_v == pytest.approx(point.half_a * ohm, abs=off_v)
    assert await subject.driver.regulation() is Regulation.CC


@every_supply
async def test_two_hundred_readings_lie_within_the_uncertainty(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)
    readings = [await subject.driver.measure() for _ in range(200)]

    off_v = subject.driver.voltage_uncertainty_v(point.voltage_v) + 0.01
    worst_v = max(abs(reading.voltage_v - point.voltage_v) for reading in readings)
    assert worst_v <= off_v
    assert len({reading.time_us for reading in readings}) == 200


@every_supply
async def test_an_output_that_is_off_measures_nothing(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)
    await subject.driver.output_off()
    await subject.wait(SETTLES_S)
    reading = await subject.driver.measure()

    assert abs(reading.voltage_v) <= subject.driver.voltage_uncertainty_v(0.0) + 0.01
    assert abs(reading.current_a) <= subject.driver.current_uncertainty_a(0.0)
    assert await subject.driver.regulation() is Regulation.OFF


@having("set_slew")
async def test_slew_is_what_the_voltage_moves_with(subject: Subject, point: Point) -> None:
    await bring_to(subject, point)
    await subject.driver.set_slew(point.voltage_v / 20, subject.driver.limits.current_a_max)
    await subject.driver.set_voltage(0.5 * point.voltage_v)
    await subject.wait(4.0)
    during_v = (await subject.driver.measure()).voltage_v
    await subject.wait(8.0)
    after_v = (await subject.driver.measure()).voltage_v

    assert 0.6 * point.voltage_v < during_v < 0.9 * point.voltage_v
    assert after_v == pytest.approx(0.5 * point.voltage_v, rel=0.02)


# Trips.


async def trip_by_over_voltage(subject: Subject, point: Point) -> None:
    """Bring the threshold below the voltage; where that is refused the trip is injected."""
    await bring_to(subject, point)
    if subject.model.name in COUPLED_OVP:
        subject.inject(Trip.OVER_VOLTAGE)
    else:
        await subject.driver.set_ovp(round(0.7 * point.voltage_v, 1))
    await subject.wait(1.0)


@every_supply
async def test_over_voltage_trips_and_latches(subject: Subject, point: Point) -> None:
    await trip_by_over_voltage(subject, point)
    await subject.wait(1.0)

    assert await subject.driver.tripped() == {Trip.OVER_VOLTAGE}
    assert not await subject.driver.output_is_on()
    assert await subject.driver.regulation() is Regulation.OFF


@of(Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY, only=COUPLED_OVP)
async def test_a_threshold_below_the_voltage_is_refused_where_they_are_coupled(
    subject: Subject, point: Point
) -> None:
    await bring_to(subject, point)

    with pytest.raises(CommandRefused):
        await subject.driver.set_ovp(round(0.7 * point.voltage_v, 1))

    assert await subject.driver.output_is_on()


@every_supply
async def test_clearing_a_trip_never_switches_on(subject: Subject, point: Point) -> None:
    await trip_by_over_voltage(subject, point)
    await subject.driver.set_ovp(point.ovp_v)
    await subject.driver.clear_trip()
    await subject.wait(1.0)

    assert await subject.driver.tripped() == frozenset()
    assert not await subject.driver.output_is_on()


@every_supply
async def test_after_a_trip_was_cleared_the_output_can_be_switched_on(
    subject: Subject, point: Point
) -> None:
    await trip_by_over_voltage(subject, point)
    await subject.driver.set_ovp(point.ovp_v)
    await subject.driver.clear_trip()
    await bring_to(subject, point)

    assert await subject.driver.output_is_on()
    assert await subject.driver.tripped() == frozenset()


# Not the PSB: reading its errors acknowledges what has ended.
@of(Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY, without=("psb10000",))
async def test_a_latched_trip_is_there_for_who_opens_anew(subject: Subject, point: Point) -> None:
    await trip_by_over_voltage(subject, point)

    await subject.driver.open()

    assert await subject.driver.tripped() == {Trip.OVER_VOLTAGE}
