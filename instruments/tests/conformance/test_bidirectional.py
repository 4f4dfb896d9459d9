"""The sink quadrant of every two-quadrant supply, at a battery."""

from math import nan

import pytest

from instruments.models import Kind
from instruments.protocols import (
    InstrumentTimeout,
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    Regulation,
    Trip,
)
from instruments.tests.conformance.envelope import SETTLES_S, has, set_envelope
from instruments.tests.conformance.subject import Subject, Wiring, models_of, of
from instruments.twins.twin import Fault

every = of(Kind.BIDIRECTIONAL_SUPPLY)
# Drawn from the battery; each of them tells it from nothing in spite of its uncertainty.
SINK_A = 30.0
SETTERS = {
    "set_sink_current_limit": ("A", "sink_current_a_max"),
    "set_sink_power_limit": ("W", "sink_power_w_max"),
    "set_sink_ocp": ("A", "sink_current_a_max"),
}
setters = pytest.mark.parametrize(
    ("model", "setter"),
    [
        pytest.param(model, setter, id=f"{model.name}-{setter}")
        for model in models_of(Kind.BIDIRECTIONAL_SUPPLY)
        for setter in SETTERS
        if has(model, setter)
    ],
)


@pytest.fixture
def wiring() -> Wiring:
    return Wiring.BATTERY


@pytest.fixture
def battery_v(subject: Subject) -> float:
    if subject.wired.battery_v is None:
        pytest.skip("needs --battery")
    return subject.wired.battery_v


async def take_in(subject: Subject, battery_v: float, *, voltage_v: float | None = None) -> None:
    """Take SINK_A in, at a set voltage well below the battery's."""
    await set_envelope(subject, ovp_v=battery_v + 10.0, ocp_a=60.0, limit_a=20.0)
    await subject.driver.set_sink_current_limit(SINK_A)
    await subject.driver.set_voltage(battery_v - 10.0 if voltage_v is None else voltage_v)
    await subject.driver.output_on()
    await subject.wait(SETTLES_S)


@setters
async def test_a_sink_value_is_read_back(subject: Subject, setter: str) -> None:
    await getattr(subject.driver, setter)(40.0)

    set_headers = {text.split()[0] for text in subject.commands()}
    assert subject.sent
    assert {f"{header}?" for header in set_headers} <= set(subject.sent)


@setters
@pytest.mark.parametrize("times", [2.0, -0.1, nan], ids=["above", "below", "nan"])
async def test_a_sink_value_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, setter: str, times: float
) -> None:
    unit, limit = SETTERS[setter]
    value = times * getattr(subject.driver.limits, limit)

    with pytest.raises(OutsideRating, match=subject.session.name) as raised:
        await getattr(subject.driver, setter)(value)

    assert f"{abs(value):g} {unit}" in str(raised.value)
    assert subject.sent == []


@every
async def test_a_sink_power_limit_works_or_is_named_missing(subject: Subject) -> None:
    if has(subject.model, "set_sink_power_limit"):
        await subject.driver.set_sink_power_limit(100.0)
        assert subject.sent
        return

    with pytest.raises(NotOnThisModel, match=subject.session.name):
        await subject.driver.set_sink_power_limit(100.0)

    assert subject.sent == []


@every
async def test_current_taken_in_is_negative_and_held_at_the_sinks_limit(
    subject: Subject, battery_v: float
) -> None:
    ohm = subject.wired.battery_ohm
    await take_in(subject, battery_v)
    reading = await subject.driver.measure()

    off_a = subject.driver.current_uncertainty_a(SINK_A) + 0.01 * SINK_A
    off_v = subject.driver.voltage_uncertainty_v(battery_v) + off_a * ohm
    assert reading.current_a == pytest.approx(-SINK_A, abs=off_a)
    assert reading.voltage_v == pytest.approx(battery_v - SINK_A * ohm, abs=off_v)
    assert reading.power_w == pytest.approx(reading.voltage_v * reading.current_a, rel=0.02, abs=1)
    assert await subject.driver.regulation() is Regulation.CC_SINK


@every
async def test_at_the_batterys_voltage_it_takes_in_what_the_resistance_lets(
    subject: Subject, battery_v: float
) -> None:
    ohm = subject.wired.battery_ohm
    voltage_v = battery_v - 20.0 * ohm
    await take_in(subject, battery_v, voltage_v=voltage_v)
    reading = await subject.driver.measure()

    off_v = subject.driver.voltage_uncertainty_v(voltage_v) + 0.01
    off_a = subject.driver.current_uncertainty_a(20.0) + off_v / ohm
    assert reading.voltage_v == pytest.approx(voltage_v, abs=off_v)
    assert reading.current_a == pytest.approx(-20.0, abs=off_a)
    assert await subject.driver.regulation() is Regulation.CV


@every
async def test_with_a_sink_limit_of_nothing_it_takes_nothing_in(
    subject: Subject, battery_v: float
) -> None:
    await take_in(subject, battery_v)
    await subject.driver.set_sink_current_limit(0.0)
    await subject.wait(SETTLES_S)

    current_a = (await subject.driver.measure()).current_a
    assert abs(current_a) <= subject.driver.current_uncertainty_a(0.0) + 0.05


@every
async def test_above_the_battery_it_delivers_up_to_the_current_limit(
    subject: Subject, battery_v: float
) -> None:
    await take_in(subject, battery_v, voltage_v=battery_v + 5.0)
    reading = await subject.driver.measure()

    off_a = subject.driver.current_uncertainty_a(20.0) + 0.2
    assert reading.current_a == pytest.approx(20.0, abs=off_a)
    assert await subject.driver.regulation() is Regulation.CC


@of(Kind.BIDIRECTIONAL_SUPPLY, without=("rp7900",))
async def test_power_taken_in_is_held_at_its_limit(subject: Subject, battery_v: float) -> None:
    await set_envelope(subject, ovp_v=battery_v + 10.0, ocp_a=60.0, limit_a=20.0)
    await subject.driver.set_sink_power_limit(500.0)
    await subject.driver.set_sink_current_limit(SINK_A)
    await subject.driver.set_voltage(battery_v - 10.0)
    await subject.driver.output_on()
    await subject.wait(SETTLES_S)
    reading = await subject.driver.measure()

    off_w = subject.driver.current_uncertainty_a(10.0) * battery_v + 10.0
    assert reading.power_w == pytest.approx(-500.0, abs=off_w)
    assert await subject.driver.regulation() is Regulation.CP_SINK


@of(Kind.BIDIRECTIONAL_SUPPLY, without=("rp7900",))
async def test_current_taken_in_above_the_sinks_protection_trips(
    subject: Subject, battery_v: float
) -> None:
    await take_in(subject, battery_v)
    await subject.driver.set_sink_ocp(10.0)
    await subject.wait(1.0)

    assert await subject.driver.tripped() == {Trip.OVER_CURRENT}
    assert not await subject.driver.output_is_on()


@of(Kind.BIDIRECTIONAL_SUPPLY, only=("rp7900",))
async def test_a_protection_that_is_a_ceiling_brings_the_sinks_limit_down(
    subject: Subject, battery_v: float
) -> None:
    await take_in(subject, battery_v)
    await subject.driver.set_sink_ocp(10.0)
    await subject.wait(SETTLES_S)

    current_a = (await subject.driver.measure()).current_a
    assert current_a == pytest.approx(-10.0, abs=subject.driver.current_uncertainty_a(10.0) + 0.1)
    with pytest.raises(OutsideRating, match="set_sink_ocp"):
        await subject.driver.set_sink_current_limit(10.1)


# Not the IT6000C: its one threshold, that of set_ocp, guards both directions.
@of(Kind.BIDIRECTIONAL_SUPPLY, without=("it6000c",))
async def test_a_sink_that_may_take_in_without_its_protection_stays_off(
    subject: Subject, battery_v: float
) -> None:
    driver = subject.driver
    await driver.set_ovp(battery_v + 10.0)
    await driver.set_ocp(60.0)
    if has(subject.model, "set_opp"):
        await driver.set_opp(2000.0)
    await driver.set_sink_current_limit(SINK_A)

    with pytest.raises(NoEnvelope):
        await driver.output_on()

    assert not await driver.output_is_on()


@every
async def test_safe_state_takes_nothing_in_any_more(subject: Subject, battery_v: float) -> None:
    await take_in(subject, battery_v)
    await subject.driver.safe_state()
    await subject.wait(SETTLES_S)

    current_a = (await subject.driver.measure()).current_a
    assert abs(current_a) <= subject.driver.current_uncertainty_a(0.0)
    assert not await subject.driver.output_is_on()


@every
async def test_safe_state_that_got_no_answer_still_ended_the_sink(
    subject: Subject, battery_v: float
) -> None:
    await take_in(subject, battery_v)
    subject.suffer(Fault.MUTE)
    with pytest.raises(InstrumentTimeout) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)

    assert len(raised.value.__notes__) >= 2
    assert not await subject.driver.output_is_on()
