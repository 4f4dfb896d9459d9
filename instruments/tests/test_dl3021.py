"""The load DL3021: its driver on its twin."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from instruments.drivers.dl3021 import Dl3021
from instruments.protocols import (
    CommandRefused,
    Load,
    LoadMode,
    NotOnThisModel,
    OutsideRating,
    SetpointNotTaken,
    Trip,
)
from instruments.tests.stand import Battery, Clock
from instruments.twins.dl3021 import Dl3021Twin
from instruments.visa import TwinLibrary

ADDRESS = "TCPIP::small-load.bench::5555::SOCKET"


@dataclass
class Stand:
    clock: Clock
    twin: Dl3021Twin
    circuit: Battery
    library: TwinLibrary

    async def driver(self) -> Dl3021:
        session = self.library.open_session(
            ADDRESS, now_us=self.clock.now_us, settle=self.clock.settle
        )
        driver = Dl3021(session)
        await driver.open()
        return driver


@pytest.fixture
def stand() -> Iterator[Stand]:
    clock = Clock()
    twin = Dl3021Twin(serial="DL3A1", dice=random.Random(1), now_us=clock.now_us)
    circuit = Battery(twin.demand, emf_v=12.0, resistance_ohm=0.1)
    twin.connect(circuit)
    library = TwinLibrary.create()
    library.register(ADDRESS, twin)
    yield Stand(clock, twin, circuit, library)
    library.close_all()


async def drawing(stand: Stand, mode: LoadMode, level: float) -> Dl3021:
    load = await stand.driver()
    await load.set_mode(mode)
    await load.set_level(level)
    await load.input_on()
    return load


async def test_driver_is_a_load(stand: Stand) -> None:
    assert isinstance(await stand.driver(), Load)


@pytest.mark.parametrize(
    ("mode", "level", "voltage_v", "current_a"),
    [
        (LoadMode.CC, 5.0, 11.5, 5.0),
        (LoadMode.CV, 11.0, 11.0, 10.0),
        (LoadMode.CP, 100.0, 11.099, 9.01),
        (LoadMode.CR, 5.9, 11.8, 2.0),
        (LoadMode.CR, 23.9, 11.95, 0.5),
    ],
)
async def test_each_mode_holds_its_quantity(
    stand: Stand, mode: LoadMode, level: float, voltage_v: float, current_a: float
) -> None:
    load = await drawing(stand, mode, level)

    reading = await load.measure()

    assert reading.voltage_v == pytest.approx(voltage_v, abs=0.03)
    assert reading.current_a == pytest.approx(current_a, abs=0.02)
    assert reading.power_w == pytest.approx(voltage_v * current_a, abs=0.4)


async def test_mode_switches_the_input_off(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 5.0)

    await load.set_mode(LoadMode.CP)

    assert not stand.twin.stage.on


@pytest.mark.parametrize("call", ["set_level", "input_on"])
async def test_mode_comes_first(stand: Stand, call: str) -> None:
    load = await stand.driver()

    with pytest.raises(CommandRefused, match="set_mode comes before"):
        await (load.set_level(1.0) if call == "set_level" else load.input_on())


@pytest.mark.parametrize(
    ("mode", "level"),
    [
        (LoadMode.CC, 40.1),
        (LoadMode.CC, -0.1),
        (LoadMode.CV, 151.0),
        (LoadMode.CP, 201.0),
        (LoadMode.CR, 0.07),
        (LoadMode.CR, 15_001.0),
    ],
)
async def test_level_outside_the_rating_is_not_even_sent(
    stand: Stand, mode: LoadMode, level: float
) -> None:
    load = await stand.driver()
    await load.set_mode(mode)

    with pytest.raises(OutsideRating, match="outside the rating"):
        await load.set_level(level)

    assert await load.errors() == []


async def test_resistance_of_the_other_range_is_refused_while_it_draws(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CR, 100.0)

    with pytest.raises(CommandRefused, match="other range"):
        await load.set_level(10.0)

    assert stand.twin.demand.level == 100.0


async def test_slew_is_set_in_amperes_a_microsecond(stand: Stand) -> None:
    load = await stand.driver()

    await load.set_slew(250_000.0)

    assert await load.session.query("CURR:SLEW?") == "0.250"


async def test_slew_slower_than_it_can_is_refused(stand: Stand) -> None:
    load = await stand.driver()

    with pytest.raises(OutsideRating):
        await load.set_slew(500.0)


@pytest.mark.parametrize("what", ["short", "under-voltage"])
async def test_what_the_model_lacks_is_said(stand: Stand, what: str) -> None:
    load = await stand.driver()

    with pytest.raises(NotOnThisModel, match="DL3021"):
        await (load.short(True) if what == "short" else load.set_uvp(10.0))


async def test_no_under_voltage_cut_off_can_be_asked_for(stand: Stand) -> None:
    load = await stand.driver()

    await load.set_uvp(None)

    assert await load.errors() == []


async def test_over_voltage_switches_off_and_is_kept_though_reading_forgets_it(
    stand: Stand,
) -> None:
    load = await drawing(stand, LoadMode.CC, 1.0)
    await load.session.command("CURR:VLIM 13")
    stand.circuit.emf_v = 14.0
    first = await load.tripped()
    stand.circuit.emf_v = 12.0
    await load.session.command("*CLS")

    assert first == await load.tripped() == {Trip.OVER_VOLTAGE}
    assert not await load.input_is_on()


@pytest.mark.parametrize(
    ("limit", "level", "trip"),
    [("CURR:ILIM 4", 5.0, Trip.OVER_CURRENT), ("CURR:ILIM 70", 30.0, Trip.OVER_POWER)],
    ids=["over-current", "over-power"],
)
async def test_input_that_goes_off_again_at_once_is_told_with_its_reason(
    stand: Stand, limit: str, level: float, trip: Trip
) -> None:
    load = await stand.driver()
    await load.set_mode(LoadMode.CC)
    await load.session.command(limit)
    await load.set_level(level)

    with pytest.raises(CommandRefused, match=str(trip)):
        await load.input_on()

    assert trip in await load.tripped()


async def test_reversed_battery_trips_before_anything_is_drawn(stand: Stand) -> None:
    load = await stand.driver()
    stand.circuit.emf_v = -12.0

    assert await load.tripped() == {Trip.REVERSE_VOLTAGE}


async def test_clearing_a_trip_leaves_the_input_off(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 1.0)
    await load.session.command("CURR:VLIM 13")
    stand.circuit.emf_v = 14.0
    await load.tripped()
    stand.circuit.emf_v = 12.0

    await load.clear_trip()

    assert await load.tripped() == frozenset()
    assert not await load.input_is_on()


async def test_trip_whose_cause_persists_cannot_be_cleared(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 1.0)
    await load.session.command("CURR:VLIM 13")
    stand.circuit.emf_v = 14.0

    with pytest.raises(CommandRefused, match="over-voltage persists"):
        await load.clear_trip()


async def test_safe_state_takes_input_and_level_away(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 5.0)

    await load.safe_state()

    assert (stand.twin.stage.on, stand.twin.demand.level) == (False, 0.0)


async def test_safe_state_ends_a_discharge(stand: Stand) -> None:
    load = await stand.driver()
    await load.prepare_discharge(2.0, stop_voltage_v=5.0)
    await load.input_on()

    await load.safe_state()

    assert not stand.twin.stage.on


async def test_discharge_stops_at_its_voltage(stand: Stand) -> None:
    load = await stand.driver()
    await load.prepare_discharge(2.0, stop_voltage_v=10.5)
    await load.input_on()
    before = await load.input_is_on()
    stand.circuit.emf_v = 10.6

    assert before
    assert not await load.input_is_on()


async def test_discharge_stops_at_its_charge_and_counts_it(stand: Stand) -> None:
    load = await stand.driver()
    await load.prepare_discharge(3.6, stop_voltage_v=5.0, stop_charge_mah=10.0)
    await load.input_on()
    due_us = stand.twin.due_us()
    assert due_us is not None
    assert due_us - stand.clock.now == pytest.approx(10_000_000, abs=200_000)

    stand.clock.now = due_us
    stand.twin.supervise()

    assert not stand.twin.stage.on
    assert await load.discharged_mah() == 10.0


async def test_discharge_stops_after_its_time(stand: Stand) -> None:
    load = await stand.driver()
    await load.prepare_discharge(1.0, stop_voltage_v=5.0, stop_after_s=65.0)
    await load.input_on()

    stand.clock.now += 66_000_000
    stand.twin.supervise()

    assert not stand.twin.stage.on
    assert await load.session.query("MEAS:DISCT?") == "0:1:6"


async def test_reset_forgets_the_mode(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 5.0)

    await load.reset()

    assert not stand.twin.stage.on
    with pytest.raises(CommandRefused):
        await load.input_on()


async def test_level_that_is_not_taken_is_noticed(stand: Stand) -> None:
    load = await stand.driver()
    await load.set_mode(LoadMode.CC)
    stand.twin.settings.numbers = _Stuck(stand.twin.settings.numbers)

    with pytest.raises(SetpointNotTaken, match="set 5 A, read back 0 A"):
        await load.set_level(5.0)


class _Stuck(dict[str, float]):
    def __setitem__(self, key: str, value: float) -> None:
        """Keep what there was."""


async def test_readings_stay_within_the_stated_uncertainty(stand: Stand) -> None:
    load = await drawing(stand, LoadMode.CC, 5.0)

    readings = [await load.measure() for _ in range(100)]

    assert max(abs(r.voltage_v - 11.5) for r in readings) <= load.voltage_uncertainty_v(11.5)
    assert max(abs(r.current_a - 5.0) for r in readings) <= load.current_uncertainty_a(5.0)
    assert len({r.current_a for r in readings}) > 1
