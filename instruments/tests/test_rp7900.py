"""The RP7935A: its driver on its twin at a battery."""

from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.rp7900 import Rp7900
from instruments.protocols import (
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    SetpointNotTaken,
    Trip,
)
from instruments.tests.two_quadrants import Stand as TwoQuadrantStand
from instruments.tests.two_quadrants import stand_of, switch_on
from instruments.twins.rp7900 import Rp7900Twin

Stand = TwoQuadrantStand[Rp7900Twin]


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = stand_of(Rp7900Twin)
    yield made
    made.library.close_all()


@pytest.fixture
async def supply(stand: Stand) -> AsyncIterator[Rp7900]:
    driver = Rp7900(stand.session())
    await driver.open(serial="1234")
    yield driver
    await driver.close()


async def test_identity_has_the_makers_four_fields(stand: Stand) -> None:
    assert stand.say("*IDN?").startswith("Keysight Technologies,RP7935A,1234,")
    assert stand.say("*IDN?").count(",") == 3


async def test_reading_is_one_acquisition(stand: Stand, supply: Rp7900) -> None:
    await switch_on(stand, supply)

    reading = await supply.measure()

    assert stand.say("FETC:VOLT?") == f"{reading.voltage_v:+.8E}"
    assert stand.say("FETC:CURR?") == f"{reading.current_a:+.8E}"


@pytest.mark.parametrize(
    ("setter", "value"),
    [
        ("set_voltage", 80.5),
        ("set_voltage", -0.1),
        ("set_voltage", float("nan")),
        ("set_current_limit", 250.5),
        ("set_sink_current_limit", 250.5),
        ("set_sink_current_limit", -1.0),
        ("set_ovp", 96.5),
        ("set_ocp", 251.0),
        ("set_sink_ocp", 251.0),
        ("set_watchdog", 0.5),
        ("set_watchdog", 3601.0),
        ("trip_at_limit", 0.3),
    ],
)
async def test_value_outside_the_rating_is_refused_before_it_is_sent(
    stand: Stand, supply: Rp7900, setter: str, value: float
) -> None:
    await supply.set_watchdog(None)
    stand.sent.clear()

    with pytest.raises(OutsideRating):
        await getattr(supply, setter)(value)

    assert not [text for text in stand.sent if f"{value:g}" in text]


@pytest.mark.parametrize("setter", ["set_power_limit", "set_sink_power_limit", "set_opp"])
async def test_what_the_model_cannot_do_is_named(supply: Rp7900, setter: str) -> None:
    with pytest.raises(NotOnThisModel):
        await getattr(supply, setter)(1000.0)


@pytest.mark.parametrize(("ovp_v", "ocp_a"), [(96.0, 200.0), (70.0, 250.0)])
async def test_envelope_at_the_maximum_is_none(supply: Rp7900, ovp_v: float, ocp_a: float) -> None:
    await supply.set_ovp(ovp_v)
    await supply.set_ocp(ocp_a)

    with pytest.raises(NoEnvelope, match="maximum"):
        await supply.output_on()


@pytest.mark.parametrize("moved", ["VOLT:PROT 80", "CURR:LIM 240", "CURR:LIM:NEG -240"])
async def test_envelope_that_somebody_moved_is_none(
    stand: Stand, supply: Rp7900, moved: str
) -> None:
    await supply.set_ovp(70.0)
    await supply.set_ocp(200.0)
    await supply.set_sink_ocp(200.0)
    stand.say(moved)

    with pytest.raises(NoEnvelope):
        await supply.output_on()


async def test_ceiling_brings_a_higher_limit_down(stand: Stand, supply: Rp7900) -> None:
    await supply.set_current_limit(120.0)

    await supply.set_ocp(60.0)

    assert stand.say("CURR:LIM?") == "+6.00000000E+01"


async def test_limit_above_the_ceiling_is_refused(stand: Stand, supply: Rp7900) -> None:
    await supply.set_ocp(60.0)
    await supply.set_sink_ocp(40.0)

    with pytest.raises(OutsideRating, match="above 60 A of set_ocp"):
        await supply.set_current_limit(61.0)
    with pytest.raises(OutsideRating, match="above 40 A of set_sink_ocp"):
        await supply.set_sink_current_limit(41.0)


async def test_trip_leaves_the_programmed_state_and_clearing_brings_the_output_back(
    stand: Stand, supply: Rp7900
) -> None:
    await switch_on(stand, supply)
    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)
    assert (stand.say("OUTP?"), stand.say("STAT:QUES:COND?")) == ("1", "16")
    stand.pass_s(0.1)
    assert float(stand.say("MEAS:CURR?")) == pytest.approx(0.0, abs=0.25)

    stand.say("OUTP:PROT:CLE")

    assert float(stand.say("MEAS:CURR?")) > 15.0


async def test_driver_clears_a_trip_with_the_output_off(stand: Stand, supply: Rp7900) -> None:
    await switch_on(stand, supply)
    stand.twin.inject_trip(Trip.OVER_TEMPERATURE)

    await supply.clear_trip()

    assert await supply.tripped() == frozenset()
    assert not await supply.output_is_on()
    assert stand.say("OUTP?") == "0"


@pytest.mark.parametrize(
    ("voltage_v", "bit"), [(60.0, 2), (40.0, 2)], ids=["charging", "discharging"]
)
async def test_over_current_trips_when_the_limit_has_lasted(
    stand: Stand, supply: Rp7900, voltage_v: float, bit: int
) -> None:
    await switch_on(stand, supply, voltage_v=voltage_v)
    assert await supply.tripped() == frozenset()

    await supply.trip_at_limit(0.2)
    assert await supply.tripped() == frozenset()
    stand.pass_s(0.25)

    assert int(stand.say("STAT:QUES1:COND?")) == bit
    assert await supply.tripped() == {Trip.OVER_CURRENT}


async def test_inhibit_switches_off_and_latches(stand: Stand, supply: Rp7900) -> None:
    await supply.latch_inhibit(True)
    await switch_on(stand, supply)

    stand.twin.inhibit(True)
    stand.twin.inhibit(False)

    assert await supply.tripped() == {Trip.INTERLOCK}
    assert not await supply.output_is_on()


async def test_under_voltage_trips_a_discharge(stand: Stand, supply: Rp7900) -> None:
    await supply.set_uvp(45.0)
    await switch_on(stand, supply, voltage_v=40.0, sink_a=30.0)
    assert await supply.output_is_on()

    stand.battery.emf_v = 47.0
    stand.pass_s(0.1)
    stand.pass_s(0.1)

    assert await supply.tripped() == {Trip.UNDER_VOLTAGE}
    assert (stand.say("STAT:QUES1:COND?"), stand.say("STAT:QUES2:COND?")) == ("0", "64")


async def test_under_voltage_waits_until_the_voltage_was_reached(
    stand: Stand, supply: Rp7900
) -> None:
    stand.battery.emf_v = 30.0
    await supply.set_uvp(45.0)

    await switch_on(stand, supply, voltage_v=48.0, current_a=20.0)
    stand.pass_s(1.0)

    assert await supply.output_is_on()


async def test_slew_ramps_the_current(stand: Stand, supply: Rp7900) -> None:
    await supply.set_slew(1000.0, 5.0)
    await switch_on(stand, supply, current_a=20.0)
    half_way_a = (await supply.measure()).current_a
    stand.pass_s(3.0)

    assert half_way_a == pytest.approx(10.0, abs=1.0)
    assert (await supply.measure()).current_a == pytest.approx(20.0, abs=0.25)


async def test_opening_takes_voltage_priority(stand: Stand) -> None:
    stand.say("FUNC CURR")

    await Rp7900(stand.session()).open()

    assert stand.say("FUNC?") == "VOLT"


async def test_set_point_that_is_not_taken_is_noticed(
    stand: Stand, supply: Rp7900, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.twin.kept, "_store", lambda *_: None)

    with pytest.raises(SetpointNotTaken, match="set 40 V, read back 0 V"):
        await supply.set_voltage(40.0)
