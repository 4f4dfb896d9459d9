"""The load: its driver on its twin, and what only the twin can show."""

import pytest

from instruments.drivers.chroma_63206a import Chroma63206A
from instruments.protocols import CommandRefused, Load, LoadMode, Trip
from instruments.tests.stand import LOAD, Bench


async def test_driver_is_a_load(load: Chroma63206A) -> None:
    assert isinstance(load, Load)


@pytest.mark.parametrize(
    ("mode", "level", "current_a"),
    [
        (LoadMode.CC, 20.0, 20.0),
        (LoadMode.CV, 48.0, 20.0),
        (LoadMode.CP, 960.0, 20.0),
        (LoadMode.CR, 2.4, 20.0),
    ],
)
async def test_mode_holds_its_own_quantity(
    load: Chroma63206A, mode: LoadMode, level: float, current_a: float
) -> None:
    await load.set_mode(mode)
    await load.set_level(level)
    await load.input_on()

    reading = await load.measure()

    assert reading.current_a == pytest.approx(current_a, abs=0.3)
    assert reading.voltage_v == pytest.approx(48.0, abs=0.05)
    assert reading.power_w == pytest.approx(960.0, abs=15.0)


async def test_readings_stay_within_the_published_uncertainty(load: Chroma63206A) -> None:
    await load.set_mode(LoadMode.CC)
    await load.set_level(20.0)
    await load.input_on()

    readings = [await load.measure() for _ in range(200)]

    assert max(abs(r.voltage_v - 48.0) for r in readings) <= load.voltage_uncertainty_v(48.0)
    assert max(abs(r.current_a - 20.0) for r in readings) <= load.current_uncertainty_a(20.0)


async def test_choosing_a_mode_switches_the_input_off(bench: Bench, load: Chroma63206A) -> None:
    await load.set_mode(LoadMode.CC)
    await load.input_on()

    await load.set_mode(LoadMode.CP)

    assert not bench.load_twin.demand.enabled


async def test_level_is_refused_before_a_mode_is_chosen(load: Chroma63206A) -> None:
    with pytest.raises(CommandRefused, match="set_mode"):
        await load.set_level(1.0)


async def test_input_is_refused_before_a_mode_is_chosen(load: Chroma63206A) -> None:
    with pytest.raises(CommandRefused, match="set_mode"):
        await load.input_on()


async def test_level_out_of_range_is_refused(load: Chroma63206A) -> None:
    await load.set_mode(LoadMode.CC)

    with pytest.raises(CommandRefused, match="-222"):
        await load.set_level(601.0)


async def test_low_range_of_current_ends_at_60_a(bench: Bench, load: Chroma63206A) -> None:
    await load.session.command("MODE CCL")

    with pytest.raises(CommandRefused, match="-222"):
        await load.session.command("CURR:STAT:L1 61")


async def test_each_mode_keeps_its_own_level(bench: Bench, load: Chroma63206A) -> None:
    await load.set_mode(LoadMode.CC)
    await load.set_level(20.0)
    await load.set_mode(LoadMode.CP)
    assert bench.load_twin.demand.level == 0.0

    await load.set_mode(LoadMode.CC)

    assert bench.load_twin.demand.level == 20.0


async def test_over_power_switches_off_and_latches(bench: Bench, load: Chroma63206A) -> None:
    bench.load_circuit.resistance_ohm = 0.01
    await load.set_mode(LoadMode.CC)
    await load.set_level(200.0)
    await load.session.command("LOAD ON")

    assert await load.tripped() == {Trip.OVER_POWER}
    assert not bench.load_twin.demand.enabled


async def test_input_is_refused_until_the_trip_is_cleared(bench: Bench, load: Chroma63206A) -> None:
    bench.load_circuit.resistance_ohm = 0.01
    await load.set_mode(LoadMode.CC)
    await load.set_level(200.0)
    with pytest.raises(CommandRefused, match="over-power"):
        await load.input_on()
    await load.set_level(20.0)
    with pytest.raises(CommandRefused):
        await load.input_on()

    await load.clear_trip()
    await load.input_on()

    assert bench.load_twin.demand.enabled


async def test_circuit_is_settled_with_the_old_demand_before_each_change(
    bench: Bench, load: Chroma63206A
) -> None:
    await load.set_mode(LoadMode.CC)
    await load.set_level(20.0)
    bench.load_circuit.settled.clear()

    await load.set_level(30.0)

    assert bench.load_circuit.settled[0] == (False, 20.0)


async def test_safe_state_switches_off_and_takes_the_level_away(
    bench: Bench, load: Chroma63206A
) -> None:
    await load.set_mode(LoadMode.CC)
    await load.set_level(20.0)
    await load.input_on()

    await load.safe_state()

    assert (bench.load_twin.demand.enabled, bench.load_twin.demand.level) == (False, 0.0)


async def test_maker_s_spellings_are_understood(bench: Bench) -> None:
    session = bench.session(LOAD)
    await session.command("MODE CPH")
    await session.command("POW:STAT:L1 1.5kW")

    assert await session.query("POWer:STATic:L1?") == "1500.0000"
    assert await session.query("FETC:CURR?") == "0.0000"
    assert await session.query("LOAD?") == "OFF"
