"""What both two-quadrant supplies do alike, each driver on its twin at a battery."""

from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.it6000c import It6000c
from instruments.drivers.rp7900 import Rp7900
from instruments.protocols import (
    AnswerGarbled,
    BidirectionalSupply,
    CommandRefused,
    IdentityMismatch,
    InstrumentTimeout,
    NoEnvelope,
    Regulation,
    Trip,
)
from instruments.tests.two_quadrants import Stand as TwoQuadrantStand
from instruments.tests.two_quadrants import stand_of, switch_on
from instruments.twins.it6000c import It6000cTwin
from instruments.twins.rp7900 import Rp7900Twin
from instruments.twins.twin import Fault

Stand = TwoQuadrantStand[Rp7900Twin] | TwoQuadrantStand[It6000cTwin]
Supply = Rp7900 | It6000c


@pytest.fixture(params=["rp7900", "it6000c"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    made: Stand = stand_of(Rp7900Twin) if request.param == "rp7900" else stand_of(It6000cTwin)
    yield made
    made.library.close_all()


def driver_on(stand: Stand) -> Supply:
    driver = Rp7900 if isinstance(stand.twin, Rp7900Twin) else It6000c
    return driver(stand.session())


@pytest.fixture
async def supply(stand: Stand) -> AsyncIterator[Supply]:
    driver = driver_on(stand)
    await driver.open(serial="1234")
    yield driver
    await driver.close()


async def test_driver_is_a_bidirectional_supply(supply: Supply) -> None:
    assert isinstance(supply, BidirectionalSupply)


async def test_another_model_is_refused(stand: Stand) -> None:
    stand.twin.fault = Fault.WRONG_IDENTITY

    with pytest.raises(IdentityMismatch):
        await driver_on(stand).open()


async def test_current_limit_rules_while_charging(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply, voltage_v=60.0, current_a=20.0)

    reading = await supply.measure()

    assert reading.current_a == pytest.approx(20.0, abs=supply.current_uncertainty_a(20.0))
    assert reading.voltage_v == pytest.approx(52.0, abs=supply.voltage_uncertainty_v(52.0))
    assert reading.power_w == pytest.approx(1040.0, abs=32.0)
    assert await supply.regulation() is Regulation.CC


async def test_current_is_negative_while_discharging(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply, voltage_v=40.0, sink_a=30.0)

    reading = await supply.measure()

    assert reading.current_a == pytest.approx(-30.0, abs=supply.current_uncertainty_a(30.0))
    assert reading.voltage_v == pytest.approx(47.0, abs=supply.voltage_uncertainty_v(47.0))
    assert await supply.regulation() is Regulation.CC_SINK


async def test_voltage_rules_when_it_is_reached_first(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply, voltage_v=51.0, current_a=100.0)

    reading = await supply.measure()

    assert reading.voltage_v == pytest.approx(51.0, abs=supply.voltage_uncertainty_v(51.0))
    assert await supply.regulation() is Regulation.CV


async def test_readings_stay_within_the_published_uncertainty(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply, voltage_v=60.0, current_a=20.0)

    readings = [await supply.measure() for _ in range(100)]

    assert max(abs(r.voltage_v - 52.0) for r in readings) <= supply.voltage_uncertainty_v(52.0)
    assert max(abs(r.current_a - 20.0) for r in readings) <= supply.current_uncertainty_a(20.0)
    assert len({r.voltage_v for r in readings}) > 1


async def test_reading_carries_the_time_of_the_question(stand: Stand, supply: Supply) -> None:
    stand.clock.now = 9_000_000

    reading = await supply.measure()

    assert reading.time_us == 9_000_000


@pytest.mark.parametrize("missing", ["set_ovp", "set_ocp"])
async def test_output_stays_off_without_an_envelope(
    stand: Stand, supply: Supply, missing: str
) -> None:
    for setter in {"set_ovp", "set_ocp"} - {missing}:
        await getattr(supply, setter)(70.0)

    with pytest.raises(NoEnvelope):
        await supply.output_on()

    assert not stand.twin.stage.on


@pytest.mark.parametrize("again", ["set_ovp", "set_ocp"])
async def test_half_an_envelope_from_before_reopening_is_none(
    stand: Stand, supply: Supply, again: str
) -> None:
    await switch_on(stand, supply)
    await supply.output_off()
    await supply.open()
    await getattr(supply, again)(70.0)

    with pytest.raises(NoEnvelope):
        await supply.output_on()


async def test_over_voltage_switches_off_and_latches(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    stand.battery.emf_v = 75.0
    stand.pass_s(0.1)
    stand.pass_s(0.1)
    stand.battery.emf_v = 50.0
    stand.pass_s(0.1)

    assert await supply.tripped() == {Trip.OVER_VOLTAGE}
    assert not await supply.output_is_on()
    assert await supply.regulation() is Regulation.OFF


async def test_over_voltage_that_persists_cannot_be_cleared(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    stand.battery.emf_v = 75.0
    stand.pass_s(0.1)
    stand.pass_s(0.1)

    with pytest.raises(CommandRefused, match="over-voltage persists"):
        await supply.clear_trip()


async def test_clearing_a_trip_leaves_the_output_off(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)
    assert await supply.tripped() == {Trip.OVER_TEMPERATURE}

    await supply.clear_trip()

    assert await supply.tripped() == frozenset()
    assert not stand.twin.stage.on
    assert stand.say("OUTP?") == "0"


async def test_output_is_refused_while_a_protection_stands_and_is_not_left_waiting(
    stand: Stand, supply: Supply
) -> None:
    await supply.set_ovp(70.0)
    await supply.set_ocp(200.0)
    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)

    with pytest.raises(CommandRefused):
        await supply.output_on()

    assert stand.say("OUTP?") == "0"


async def test_watchdog_trips_in_silence_and_latches(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    await supply.set_watchdog(3.0)

    stand.pass_s(2.9)
    assert stand.twin.stage.on
    stand.pass_s(0.2)

    assert not stand.twin.stage.on
    assert await supply.tripped() == {Trip.WATCHDOG}


async def test_watchdog_is_fed_by_any_message(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    await supply.set_watchdog(3.0)

    for _ in range(5):
        stand.pass_s(2.0)
        await supply.feed_watchdog()

    assert await supply.output_is_on()


async def test_watchdog_that_is_disarmed_stays_quiet(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)
    await supply.set_watchdog(3.0)
    await supply.set_watchdog(None)

    stand.pass_s(10.0)

    assert await supply.output_is_on()


async def test_safe_state_takes_current_and_output_away(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)

    await supply.safe_state()

    stage = stand.twin.stage
    assert (stage.on, stage.current_a, stage.sink_current_a) == (False, 0.0, 0.0)


async def test_safe_state_tries_the_output_though_the_current_failed(
    stand: Stand, supply: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch_on(stand, supply)

    async def fail(_current_a: float) -> None:
        raise InstrumentTimeout("first")

    monkeypatch.setattr(supply, "set_current_limit", fail)

    with pytest.raises(InstrumentTimeout, match="first"):
        await supply.safe_state()
    assert not stand.twin.stage.on


async def test_reset_switches_off_and_forgets_the_envelope(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)

    await supply.reset()

    assert not stand.twin.stage.on
    with pytest.raises(NoEnvelope):
        await supply.output_on()


async def test_opening_leaves_a_running_output_alone(stand: Stand, supply: Supply) -> None:
    await switch_on(stand, supply)

    await driver_on(stand).open()

    assert stand.twin.stage.on


async def test_garbage_instead_of_a_reading_is_named_so(stand: Stand, supply: Supply) -> None:
    stand.twin.fault = Fault.GARBAGE

    with pytest.raises(AnswerGarbled):
        await supply.measure()
