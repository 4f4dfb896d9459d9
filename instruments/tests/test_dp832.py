"""The bench supply DP832: its driver on its twin."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from instruments.drivers.dp832 import Dp832
from instruments.protocols import (
    CommandRefused,
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    Regulation,
    SetpointNotTaken,
    Supply,
    Trip,
)
from instruments.session import Session
from instruments.tests.stand import Battery, Clock
from instruments.twins.dp832 import Dp832Twin
from instruments.visa import TwinLibrary

ADDRESS = "TCPIP::bench-psu.bench::5555::SOCKET"


@dataclass
class Stand:
    clock: Clock
    twin: Dp832Twin
    circuits: list[Battery]
    library: TwinLibrary

    def session(self) -> Session:
        return self.library.open_session(
            ADDRESS, now_us=self.clock.now_us, settle=self.clock.settle
        )

    async def driver(self, channel: int = 1) -> Dp832:
        driver = Dp832(self.session(), channel=channel)
        await driver.open()
        return driver

    def ask(self, *messages: str) -> str:
        """The answer to the last of these messages, all of them in order."""
        peer = self.twin.conversation()
        return [peer.receive(f"{message}\n".encode()).decode() for message in messages][-1]


def made(settle_s: float = 0.0) -> Stand:
    clock = Clock()
    twin = Dp832Twin(serial="DP8C1", dice=random.Random(1), now_us=clock.now_us, settle_s=settle_s)
    circuits = []
    for number in (1, 2, 3):
        circuit = Battery(twin.stage(number).demand, emf_v=0.0, resistance_ohm=10.0)
        twin.connect(circuit, number)
        circuits.append(circuit)
    library = TwinLibrary.create()
    library.register(ADDRESS, twin)
    return Stand(clock, twin, circuits, library)


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = made()
    yield stand
    stand.library.close_all()


async def switch_on(driver: Dp832, *, voltage_v: float = 4.0, current_a: float = 1.0) -> None:
    await driver.set_ovp(5.2)
    await driver.set_ocp(2.5)
    await driver.set_voltage(voltage_v)
    await driver.set_current_limit(current_a)
    await driver.output_on()


async def test_driver_is_a_supply(stand: Stand) -> None:
    assert isinstance(await stand.driver(), Supply)


@pytest.mark.parametrize("channel", [1, 2, 3])
async def test_each_channel_delivers_its_own_voltage(stand: Stand, channel: int) -> None:
    driver = await stand.driver(channel)
    await switch_on(driver, voltage_v=4.0)

    reading = await driver.measure()

    assert reading.voltage_v == pytest.approx(4.0, abs=0.01)
    assert reading.current_a == pytest.approx(0.4, abs=0.005)
    assert reading.power_w == pytest.approx(1.6, abs=0.05)
    assert [stage.on for stage in stand.twin.supervised.stages] == [
        number == channel for number in (1, 2, 3)
    ]


async def test_channels_share_a_session_and_not_their_set_points(stand: Stand) -> None:
    session = stand.session()
    first, third = Dp832(session, channel=1), Dp832(session, channel=3)
    await first.open()

    await first.set_voltage(12.0)
    await third.set_voltage(3.3)

    assert await first.voltage_setpoint() == 12.0
    assert await third.voltage_setpoint() == 3.3


def test_there_is_no_channel_4(stand: Stand) -> None:
    with pytest.raises(ValueError, match="channels 1 to 3"):
        Dp832(stand.session(), channel=4)


async def test_limit_of_current_rules_when_it_is_reached_first(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver, voltage_v=5.0, current_a=0.25)

    reading = await driver.measure()

    assert reading.current_a == pytest.approx(0.25, abs=0.005)
    assert await driver.regulation() is Regulation.CC


async def test_regulation_is_off_then_constant_voltage(stand: Stand) -> None:
    driver = await stand.driver()
    before = await driver.regulation()

    await switch_on(driver)

    assert (before, await driver.regulation()) == (Regulation.OFF, Regulation.CV)


@pytest.mark.parametrize(
    ("channel", "voltage_v"), [(1, 32.1), (2, 32.1), (3, 5.31), (1, -0.1), (1, float("nan"))]
)
async def test_voltage_outside_the_rating_is_not_even_sent(
    stand: Stand, channel: int, voltage_v: float
) -> None:
    driver = await stand.driver(channel)

    with pytest.raises(OutsideRating, match="outside the rating"):
        await driver.set_voltage(voltage_v)

    assert stand.ask("SYST:ERR?") == '0,"No error"\n'


@pytest.mark.parametrize("missing", ["ovp", "ocp"])
async def test_output_stays_off_without_an_envelope(stand: Stand, missing: str) -> None:
    driver = await stand.driver()
    if missing == "ocp":
        await driver.set_ovp(10.0)
    else:
        await driver.set_ocp(1.0)

    with pytest.raises(NoEnvelope, match="must be set"):
        await driver.output_on()

    assert not stand.twin.stage().on


async def test_envelope_at_the_maximum_is_none(stand: Stand) -> None:
    driver = await stand.driver(3)
    await driver.set_ovp(5.5)
    await driver.set_ocp(1.0)

    with pytest.raises(NoEnvelope, match="maximum"):
        await driver.output_on()


@pytest.mark.parametrize("command", ["OUTP:OVP CH1,OFF", "OUTP:OCP CH1,OFF", "OUTP:OVP:VAL CH1,20"])
async def test_envelope_that_somebody_moved_is_none(stand: Stand, command: str) -> None:
    driver = await stand.driver()
    await driver.set_ovp(10.0)
    await driver.set_ocp(1.0)
    stand.ask(command)

    with pytest.raises(NoEnvelope, match="was s"):
        await driver.output_on()


async def test_reset_forgets_the_envelope(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver)

    await driver.reset()

    assert not stand.twin.stage().on
    with pytest.raises(NoEnvelope):
        await driver.output_on()


async def test_over_current_switches_off_and_latches(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver, voltage_v=5.0, current_a=3.0)
    stand.circuits[0].resistance_ohm = 1.0

    assert await driver.tripped() == {Trip.OVER_CURRENT}
    assert not await driver.output_is_on()


async def test_voltage_from_outside_trips_the_over_voltage_protection(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver)
    stand.circuits[0].emf_v = 6.0

    assert await driver.tripped() == {Trip.OVER_VOLTAGE}
    assert not stand.twin.stage().on


async def test_channel_that_tripped_goes_on_only_after_it_was_cleared(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver)
    stand.circuits[0].emf_v = 6.0
    await driver.tripped()
    stand.circuits[0].emf_v = 0.0

    with pytest.raises(CommandRefused):
        await driver.output_on()
    await driver.clear_trip()
    assert not await driver.output_is_on()
    await driver.output_on()

    assert await driver.tripped() == frozenset()


async def test_output_that_went_off_again_at_once_is_told_with_its_reason(stand: Stand) -> None:
    driver = await stand.driver()
    await driver.set_ovp(10.0)
    await driver.set_ocp(0.2)
    await driver.set_voltage(5.0)
    await driver.set_current_limit(3.0)

    with pytest.raises(CommandRefused, match="over-current"):
        await driver.output_on()


async def test_safe_state_takes_current_and_output_away(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver)

    await driver.safe_state()

    assert (stand.twin.stage().current_a, stand.twin.stage().on) == (0.0, False)


async def test_safe_state_of_one_channel_leaves_the_others(stand: Stand) -> None:
    first, second = await stand.driver(1), await stand.driver(2)
    await switch_on(first)
    await switch_on(second)

    await first.safe_state()

    assert stand.twin.stage(2).on


async def test_local_leaves_the_output_on(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver)

    await driver.local()

    assert stand.twin.stage().on


@pytest.mark.parametrize("what", ["power limit", "over-power", "slew", "watchdog", "feed"])
async def test_what_the_model_lacks_is_said(stand: Stand, what: str) -> None:
    driver = await stand.driver()
    calls = {
        "power limit": driver.set_power_limit(1.0),
        "over-power": driver.set_opp(1.0),
        "slew": driver.set_slew(1.0, 1.0),
        "watchdog": driver.set_watchdog(1.0),
        "feed": driver.feed_watchdog(),
    }

    for name, call in calls.items():
        if name == what:
            with pytest.raises(NotOnThisModel, match="DP832 has no"):
                await call
        else:
            call.close()


async def test_driver_waits_until_a_reading_has_settled() -> None:
    stand = made(settle_s=0.1)
    driver = await stand.driver()

    await switch_on(driver, voltage_v=5.0)
    reading = await driver.measure()

    assert reading.voltage_v == pytest.approx(5.0, abs=0.06)
    assert stand.ask("VOLT 0", "MEAS?").startswith(("4.9", "5.0"))
    stand.library.close_all()


async def test_set_point_that_is_not_taken_is_noticed(stand: Stand) -> None:
    driver = await stand.driver()
    stand.twin.channels[0].stage.program = lambda **_: None  # type: ignore[method-assign]

    with pytest.raises(SetpointNotTaken, match="set 7 V, read back 0 V"):
        await driver.set_voltage(7.0)


async def test_readings_stay_within_the_stated_uncertainty(stand: Stand) -> None:
    driver = await stand.driver()
    await switch_on(driver, voltage_v=5.0)

    readings = [await driver.measure() for _ in range(100)]

    assert max(abs(r.voltage_v - 5.0) for r in readings) <= driver.voltage_uncertainty_v(5.0)
    assert max(abs(r.current_a - 0.5) for r in readings) <= driver.current_uncertainty_a(0.5)
    assert len({r.voltage_v for r in readings}) > 1
