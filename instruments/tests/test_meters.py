"""Multimeters: the drivers on their twins."""

from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.dmm6500 import Dmm6500
from instruments.drivers.truevolt34465a import Truevolt34465a
from instruments.protocols import (
    IdentityMismatch,
    Measurand,
    Meter,
    NotOnThisModel,
    OutsideRating,
    Quality,
    SetpointNotTaken,
)
from instruments.tests.stand_meters import ADDRESS, KINDS, Made, make
from instruments.twins.metering import Quantity


@pytest.fixture(params=list(KINDS))
def made(request: pytest.FixtureRequest) -> Iterator[Made]:
    made = make(request.param)
    yield made
    made.library.close_all()


@pytest.fixture
async def meter(made: Made) -> AsyncIterator[Truevolt34465a | Dmm6500]:
    driver = next(d for t, d in KINDS.values() if isinstance(made.twin, t))
    session = made.library.open_session(ADDRESS, now_us=made.clock.now_us, settle=made.clock.settle)
    meter = driver(session)
    await meter.open(serial="MY5")
    yield meter
    await meter.close()


@pytest.fixture
def truevolt() -> Iterator[Made]:
    made = make("34465A")
    yield made
    made.library.close_all()


@pytest.fixture
def keithley() -> Iterator[Made]:
    made = make("DMM6500")
    yield made
    made.library.close_all()


# Both drivers.


def test_driver_is_a_meter(meter: Truevolt34465a | Dmm6500) -> None:
    assert isinstance(meter, Meter)


@pytest.mark.parametrize(
    ("measurand", "quantity", "value"),
    [
        pytest.param(Measurand.DC_VOLTAGE, Quantity.DC_VOLTAGE, 53.2, id="V"),
        pytest.param(Measurand.DC_VOLTAGE, Quantity.DC_VOLTAGE, -0.075, id="shunt"),
        pytest.param(Measurand.DC_CURRENT, Quantity.DC_CURRENT, -1.25, id="A"),
        pytest.param(Measurand.RESISTANCE, Quantity.RESISTANCE, 4700.0, id="ohm"),
        pytest.param(Measurand.RESISTANCE_4W, Quantity.RESISTANCE, 12.0, id="ohm 4W"),
        pytest.param(Measurand.TEMPERATURE, Quantity.TEMPERATURE, -18.5, id="degC"),
    ],
)
async def test_readings_lie_within_the_published_uncertainty(
    made: Made,
    meter: Truevolt34465a | Dmm6500,
    measurand: Measurand,
    quantity: Quantity,
    value: float,
) -> None:
    made.inputs.values[quantity] = value
    await meter.configure(measurand)

    errors = [abs((await meter.read()).value - value) for _ in range(100)]

    assert 0 < max(errors) <= meter.uncertainty(measurand, value)


async def test_overload_is_a_quality_not_a_number(
    made: Made, meter: Truevolt34465a | Dmm6500
) -> None:
    await meter.configure(Measurand.DC_VOLTAGE, range_max=1.0)

    reading = await meter.read()

    assert reading.quality is Quality.OVERLOAD


async def test_open_terminals_have_no_resistance(
    made: Made, meter: Truevolt34465a | Dmm6500
) -> None:
    await meter.configure(Measurand.RESISTANCE)

    assert (await meter.read()).quality is Quality.OVERLOAD


async def test_longer_integration_is_quieter(made: Made, meter: Truevolt34465a | Dmm6500) -> None:
    spreads = []
    for nplc in (0.02, 10.0):
        await meter.configure(Measurand.DC_VOLTAGE, range_max=100.0, nplc=nplc)
        values = [(await meter.read()).value for _ in range(50)]
        spreads.append(max(values) - min(values))

    assert spreads[0] > 3 * spreads[1]


async def test_longer_integration_takes_longer(made: Made, meter: Truevolt34465a | Dmm6500) -> None:
    await meter.configure(Measurand.DC_VOLTAGE, nplc=10.0)
    before_us = made.clock.now

    await meter.read()

    # 10 cycles twice, for autozero: 0.33 s at 60 Hz, 0.4 s at 50 Hz.
    assert 0.3 < (made.clock.now - before_us) / 1e6 < 0.5


async def test_range_that_is_asked_for_stays(made: Made, meter: Truevolt34465a | Dmm6500) -> None:
    made.inputs.values[Quantity.DC_VOLTAGE] = 0.01
    await meter.configure(Measurand.DC_VOLTAGE, range_max=60.0)

    await meter.read()

    assert float(made.ask("SENS:VOLT:DC:RANG?")) == 100.0
    assert made.ask("SENS:VOLT:DC:RANG:AUTO?") == "0"


async def test_automatic_range_follows_the_voltage(
    made: Made, meter: Truevolt34465a | Dmm6500
) -> None:
    await meter.configure(Measurand.DC_VOLTAGE)
    spans = []
    for volts in (0.05, 5.0, 500.0, 5.0):
        made.inputs.values[Quantity.DC_VOLTAGE] = volts
        await meter.read()
        spans.append(float(made.ask("SENS:VOLT:DC:RANG?")))

    assert spans == [0.1, 10.0, 1000.0, 10.0]


@pytest.mark.parametrize("range_max", [1500.0, float("nan"), 0.0], ids=str)
async def test_range_outside_the_rating_is_refused(
    meter: Truevolt34465a | Dmm6500, range_max: float
) -> None:
    with pytest.raises(OutsideRating, match="up to 1000 V"):
        await meter.configure(Measurand.DC_VOLTAGE, range_max=range_max)


@pytest.mark.parametrize("nplc", [0.0, 0.0001, 1000.0, float("nan")], ids=str)
async def test_integration_outside_the_rating_is_refused(
    meter: Truevolt34465a | Dmm6500, nplc: float
) -> None:
    with pytest.raises(OutsideRating, match="power line cycles"):
        await meter.configure(Measurand.DC_VOLTAGE, nplc=nplc)


async def test_temperature_has_no_range(meter: Truevolt34465a | Dmm6500) -> None:
    with pytest.raises(NotOnThisModel, match="temperature has no range"):
        await meter.configure(Measurand.TEMPERATURE, range_max=100.0)


async def test_integration_that_the_meter_did_not_take_is_told(
    made: Made, meter: Truevolt34465a | Dmm6500, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = meter.session.query

    async def stubborn(text: str) -> str:
        return "7" if text.endswith("NPLC?") else await asked(text)

    monkeypatch.setattr(meter.session, "query", stubborn)

    with pytest.raises(SetpointNotTaken, match="set 1 cycles, read back 7"):
        await meter.configure(Measurand.DC_VOLTAGE)


async def test_safe_state_and_reset_leave_dc_voltage(
    made: Made, meter: Truevolt34465a | Dmm6500
) -> None:
    await meter.configure(Measurand.RESISTANCE)

    await meter.safe_state()
    await meter.reset()

    assert made.ask("SENS:FUNC?") in {'"VOLT"', '"VOLT:DC"'}


async def test_meter_that_speaks_another_language_is_refused(
    keithley: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = keithley.library.open_session(
        ADDRESS, now_us=keithley.clock.now_us, settle=keithley.clock.settle
    )
    asked = session.query

    async def other(text: str) -> str:
        return "SCPI34401" if text == "*LANG?" else await asked(text)

    monkeypatch.setattr(session, "query", other)

    with pytest.raises(IdentityMismatch, match="speaks SCPI34401"):
        await Dmm6500(session).open()


async def test_hundred_cycles_are_slept_through_not_timed_out(truevolt: Made) -> None:
    session = truevolt.library.open_session(
        ADDRESS, now_us=truevolt.clock.now_us, settle=truevolt.clock.settle
    )
    meter = Truevolt34465a(session)
    await meter.open()
    await meter.configure(Measurand.DC_VOLTAGE, nplc=100.0)
    before_us = truevolt.clock.now

    reading = await meter.read()

    assert reading.value == pytest.approx(12.5, abs=0.002)
    assert (truevolt.clock.now - before_us) / 1e6 >= 4.0
