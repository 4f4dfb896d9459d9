"""The IT6010C-80-300: its driver on its twin at a battery."""

from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.it6000c import It6000c
from instruments.protocols import (
    NoEnvelope,
    OutsideRating,
    Regulation,
    SetpointNotTaken,
    Trip,
)
from instruments.tests.two_quadrants import Stand as TwoQuadrantStand
from instruments.tests.two_quadrants import stand_of, switch_on
from instruments.twins.it6000c import It6000cTwin

Stand = TwoQuadrantStand[It6000cTwin]


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = stand_of(It6000cTwin)
    yield made
    made.library.close_all()


@pytest.fixture
async def supply(stand: Stand) -> AsyncIterator[It6000c]:
    driver = It6000c(stand.session())
    await driver.open(serial="1234")
    yield driver
    await driver.close()


@pytest.mark.parametrize(
    ("voltage_v", "expected_w", "regulation"),
    [(60.0, 530.0, Regulation.CP), (40.0, -480.0, Regulation.CP_SINK)],
    ids=["delivering", "taking in"],
)
async def test_power_limit_rules_when_it_is_reached_first(
    stand: Stand, supply: It6000c, voltage_v: float, expected_w: float, regulation: Regulation
) -> None:
    await supply.set_power_limit(530.0)
    await supply.set_sink_power_limit(480.0)

    await switch_on(stand, supply, voltage_v=voltage_v, current_a=90.0, sink_a=90.0)

    assert (await supply.measure()).power_w == pytest.approx(expected_w, abs=32.0)
    assert await supply.regulation() is regulation


@pytest.mark.parametrize(
    ("setter", "value"),
    [
        ("set_voltage", 80.5),
        ("set_voltage", -0.1),
        ("set_voltage", float("nan")),
        ("set_current_limit", 300.5),
        ("set_sink_current_limit", 300.5),
        ("set_sink_current_limit", -1.0),
        ("set_power_limit", 10_001.0),
        ("set_sink_power_limit", 10_001.0),
        ("set_ovp", 81.0),
        ("set_ocp", 304.0),
        ("set_sink_ocp", -1.0),
        ("set_opp", 10_300.0),
        ("set_watchdog", 6001.0),
    ],
)
async def test_value_outside_the_rating_is_refused_before_it_is_sent(
    stand: Stand, supply: It6000c, setter: str, value: float
) -> None:
    stand.sent.clear()

    with pytest.raises(OutsideRating):
        await getattr(supply, setter)(value)

    assert not [text for text in stand.sent if f"{value:g}" in text]


@pytest.mark.parametrize(
    "moved",
    ["VOLT:PROT 75", "CURR:PROT 250", "VOLT:PROT:STAT OFF", "CURR:PROT:DEL 30"],
)
async def test_envelope_that_somebody_moved_is_none(
    stand: Stand, supply: It6000c, moved: str
) -> None:
    await supply.set_ovp(70.0)
    await supply.set_ocp(200.0)
    stand.say(moved)

    with pytest.raises(NoEnvelope):
        await supply.output_on()


async def test_envelope_at_the_maximum_is_none(supply: It6000c) -> None:
    await supply.set_ovp(80.8)
    await supply.set_ocp(200.0)

    with pytest.raises(NoEnvelope, match="maximum"):
        await supply.output_on()


async def test_protection_is_switched_on_with_a_short_delay(stand: Stand, supply: It6000c) -> None:
    await supply.set_ovp(70.0)

    assert stand.say("VOLT:PROT:STAT?;DEL?") == "1;0.01"


@pytest.mark.parametrize("sink_first", [True, False])
async def test_lower_of_both_over_current_protections_is_in_force(
    stand: Stand, supply: It6000c, sink_first: bool
) -> None:
    if sink_first:
        await supply.set_sink_ocp(50.0)
        await supply.set_ocp(200.0)
    else:
        await supply.set_ocp(200.0)
        await supply.set_sink_ocp(50.0)

    assert stand.say("CURR:PROT?") == "50"


@pytest.mark.parametrize(
    ("voltage_v", "bit"), [(60.0, 2), (40.0, 4)], ids=["charging", "discharging"]
)
async def test_over_current_trips_in_both_directions(
    stand: Stand, supply: It6000c, voltage_v: float, bit: int
) -> None:
    await switch_on(stand, supply, voltage_v=voltage_v, current_a=40.0, sink_a=40.0)
    await supply.set_ocp(30.0)
    stand.pass_s(0.1)

    assert stand.say("STAT:QUES:COND?") == str(bit)
    assert await supply.tripped() == {Trip.OVER_CURRENT}


@pytest.mark.parametrize(
    ("voltage_v", "bit"), [(60.0, 8), (40.0, 16)], ids=["charging", "discharging"]
)
async def test_over_power_trips_in_both_directions(
    stand: Stand, supply: It6000c, voltage_v: float, bit: int
) -> None:
    await switch_on(stand, supply, voltage_v=voltage_v, current_a=40.0, sink_a=40.0)
    await supply.set_opp(1000.0)
    stand.pass_s(0.1)

    assert stand.say("STAT:QUES:COND?") == str(bit)


async def test_delay_is_waited_for(stand: Stand, supply: It6000c) -> None:
    await switch_on(stand, supply, current_a=40.0)
    stand.say("CURR:PROT:DEL 5")
    stand.say("CURR:PROT 30")

    stand.pass_s(4.0)
    assert stand.twin.stage.on
    stand.pass_s(2.0)

    assert not stand.twin.stage.on


async def test_under_voltage_trips_a_discharge_after_its_warm_up(
    stand: Stand, supply: It6000c
) -> None:
    stand.battery.emf_v = 47.0
    await supply.set_uvp(45.0, warm_up_s=5.0)
    await switch_on(stand, supply, voltage_v=40.0, sink_a=30.0)

    stand.pass_s(2.0)
    assert await supply.output_is_on()
    stand.pass_s(3.0)

    assert await supply.tripped() == {Trip.UNDER_VOLTAGE}


async def test_slew_ramps_the_current(stand: Stand, supply: It6000c) -> None:
    await supply.set_slew(1000.0, 5.0)
    await switch_on(stand, supply, current_a=20.0)
    half_way_a = (await supply.measure()).current_a
    stand.pass_s(3.0)

    assert half_way_a == pytest.approx(10.0, abs=2.0)
    assert (await supply.measure()).current_a == pytest.approx(20.0, abs=0.6)
    assert stand.say("CURR:SLEW:POS?;NEG?;:VOLT:SLEW?") == "0.005;0.005;1"


async def test_opening_takes_voltage_priority_with_the_output_off(stand: Stand) -> None:
    stand.say("FUNC CURR;:OUTP ON")

    await It6000c(stand.session()).open()

    assert stand.say("FUNC?;:OUTP?") == "VOLTage;0"


async def test_set_point_that_is_not_taken_is_noticed(
    stand: Stand, supply: It6000c, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.twin.kept, "_store", lambda *_: None)

    with pytest.raises(SetpointNotTaken, match=r"set 40 V, read back 0.8 V"):
        await supply.set_voltage(40.0)
