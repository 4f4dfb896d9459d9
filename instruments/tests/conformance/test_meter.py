"""What every multimeter does."""

from math import nan

import pytest

from instruments.models import Kind
from instruments.protocols import Measurand, NotOnThisModel, OutsideRating, Quality
from instruments.tests.conformance.subject import Subject, of
from instruments.twins.metering import Quantity
from instruments.twins.twin import Fault

every = of(Kind.METER)
MEASURED = {
    Measurand.DC_VOLTAGE: Quantity.DC_VOLTAGE,
    Measurand.DC_CURRENT: Quantity.DC_CURRENT,
    Measurand.RESISTANCE: Quantity.RESISTANCE,
    Measurand.RESISTANCE_4W: Quantity.RESISTANCE,
    Measurand.TEMPERATURE: Quantity.TEMPERATURE,
}
UNITS = {
    Measurand.DC_VOLTAGE: "V",
    Measurand.DC_CURRENT: "A",
    Measurand.RESISTANCE: "ohm",
    Measurand.RESISTANCE_4W: "ohm",
}
measurands = pytest.mark.parametrize("measurand", Measurand)
ranged = pytest.mark.parametrize("measurand", UNITS)


@every
@measurands
async def test_two_hundred_readings_lie_within_the_uncertainty(
    subject: Subject, measurand: Measurand
) -> None:
    true = subject.reading(MEASURED[measurand])
    await subject.driver.configure(measurand)
    readings = [await subject.driver.read() for _ in range(200)]

    worst = max(abs(reading.value - true) for reading in readings)
    assert worst <= subject.driver.uncertainty(measurand, true)
    assert {reading.quality for reading in readings} == {Quality.GOOD}
    assert len({reading.time_us for reading in readings}) == 200


@every
@ranged
async def test_in_a_range_that_is_set_the_reading_lies_within_its_uncertainty(
    subject: Subject, measurand: Measurand
) -> None:
    true = subject.reading(MEASURED[measurand])
    await subject.driver.configure(measurand, range_max=2 * true)
    reading = await subject.driver.read()

    assert reading.value == pytest.approx(true, abs=subject.driver.uncertainty(measurand, true))


@every
async def test_uncertainty_grows_with_the_range_that_is_set(subject: Subject) -> None:
    await subject.driver.configure(Measurand.DC_VOLTAGE)
    automatic_v = subject.driver.uncertainty(Measurand.DC_VOLTAGE, 5.0)
    await subject.driver.configure(Measurand.DC_VOLTAGE, range_max=1000.0)

    assert subject.driver.uncertainty(Measurand.DC_VOLTAGE, 5.0) > 2 * automatic_v


@every
async def test_more_than_the_range_shows_is_an_overload(subject: Subject) -> None:
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.DC_VOLTAGE, range_max=true / 20)
    beyond = await subject.driver.read()
    await subject.driver.configure(Measurand.DC_VOLTAGE, range_max=true)
    within = await subject.driver.read()

    assert (beyond.quality, within.quality) == (Quality.OVERLOAD, Quality.GOOD)


@every
async def test_automatic_range_does_not_overload(subject: Subject) -> None:
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.DC_VOLTAGE, range_max=true / 20)
    await subject.driver.configure(Measurand.DC_VOLTAGE)

    assert (await subject.driver.read()).quality is Quality.GOOD


@every
@pytest.mark.parametrize("nplc", [0.02, 0.2, 10.0], ids=["short", "usual", "long"])
async def test_an_integration_time_is_taken(subject: Subject, nplc: float) -> None:
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.DC_VOLTAGE, nplc=nplc)

    value = (await subject.driver.read()).value
    assert value == pytest.approx(true, abs=subject.driver.uncertainty(Measurand.DC_VOLTAGE, true))
    assert any("NPLC?" in text for text in subject.sent)


@every
async def test_a_reading_longer_than_the_time_out_is_waited_for(subject: Subject) -> None:
    longest = {"truevolt34465a": 100.0, "dmm6500": 12.0}[subject.model.name]
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.DC_VOLTAGE, nplc=longest)

    assert (await subject.driver.read()).value == pytest.approx(true, rel=1e-3)


@every
@ranged
@pytest.mark.parametrize("range_max", [0.0, nan, 1e12], ids=["none", "nan", "beyond"])
async def test_a_range_outside_the_rating_is_refused_before_anything_is_set(
    subject: Subject, measurand: Measurand, range_max: float
) -> None:
    with pytest.raises(OutsideRating, match=subject.session.name) as raised:
        await subject.driver.configure(measurand, range_max=range_max)

    assert f"{range_max:g} {UNITS[measurand]}" in str(raised.value)
    assert subject.commands() == []


@every
@pytest.mark.parametrize("nplc", [0.0, -1.0, nan, 1000.0], ids=["none", "past", "nan", "days"])
async def test_an_integration_time_outside_the_rating_is_refused_before_anything_is_set(
    subject: Subject, nplc: float
) -> None:
    with pytest.raises(OutsideRating):
        await subject.driver.configure(Measurand.DC_VOLTAGE, nplc=nplc)

    assert subject.commands() == []


@every
async def test_temperature_has_no_range(subject: Subject) -> None:
    with pytest.raises(NotOnThisModel, match=subject.session.name):
        await subject.driver.configure(Measurand.TEMPERATURE, range_max=100.0)

    assert subject.commands() == []


@every
async def test_reset_measures_dc_voltage(subject: Subject) -> None:
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.RESISTANCE)
    await subject.driver.reset()

    assert (await subject.driver.read()).value == pytest.approx(true, rel=1e-3)


@every
async def test_after_an_answer_that_came_late_the_next_is_its_own(subject: Subject) -> None:
    true = subject.reading(Quantity.DC_VOLTAGE)
    await subject.driver.configure(Measurand.DC_VOLTAGE)
    subject.suffer(Fault.SLOW)
    alive = await subject.driver.alive()
    subject.suffer(None)

    assert not alive
    assert (await subject.driver.read()).value == pytest.approx(true, rel=1e-3)
