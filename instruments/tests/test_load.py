"""The load: its driver on its twin, and what only the twin can show."""

import pytest

from instruments.drivers.chroma63206a import Chroma63206A
from instruments.protocols import CommandRefused, Load, LoadMode, OutsideRating, Trip
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

    with pytest.raises(OutsideRating, match="601 A is outside the rating, 0 to 600 A"):
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


async def draw(load: Chroma63206A, current_a: float) -> None:
    await load.set_mode(LoadMode.CC)
    await load.set_level(current_a)
    await load.input_on()


async def test_current_follows_the_slew_in_steps(bench: Bench, load: Chroma63206A) -> None:
    bench.load_twin.latency_s = 0.0
    await load.set_mode(LoadMode.CC)
    await load.set_slew(5000.0)
    await load.set_level(100.0)
    await load.input_on()
    start_us = bench.clock.now

    # 100 A at 5000 A/s: 20 ms, in steps of 1 ms.
    assert bench.load_twin.demand.level == 0.0
    assert bench.load_twin.due_us() == start_us + 1_000
    bench.clock.now = start_us + 10_000
    bench.load_twin.supervise()
    assert bench.load_twin.demand.level == pytest.approx(50.0)
    bench.clock.now = start_us + 20_000
    bench.load_twin.supervise()
    assert bench.load_twin.demand.level == 100.0
    assert bench.load_twin.due_us() is None


async def test_slew_outside_the_range_is_refused(load: Chroma63206A) -> None:
    with pytest.raises(OutsideRating):
        await load.set_slew(1000.0)


async def test_it_stops_below_the_under_voltage_and_begins_again(
    bench: Bench, load: Chroma63206A
) -> None:
    await load.set_uvp(45.0)
    await draw(load, 20.0)

    bench.load_circuit.emf_v = 46.9  # 44.9 V under 20 A
    bench.load_twin.supervise()
    assert (bench.load_twin.demand.enabled, await load.tripped()) == (False, frozenset())
    bench.load_circuit.emf_v = 44.0
    assert (await load.measure()).current_a == 0.0
    bench.load_circuit.emf_v = 50.0

    assert (await load.measure()).current_a == pytest.approx(20.0, abs=0.3)


async def test_latched_start_voltage_only_begins(bench: Bench, load: Chroma63206A) -> None:
    await load.session.command("CONF:VOLT:ON 45;LATC ON")
    await draw(load, 20.0)

    bench.load_circuit.emf_v = 40.0

    assert (await load.measure()).current_a == pytest.approx(20.0, abs=0.3)


async def test_short_needs_the_input_on(load: Chroma63206A) -> None:
    await load.set_mode(LoadMode.CC)

    with pytest.raises(CommandRefused, match="input_on"):
        await load.short(True)


async def test_short_replaces_the_level_and_gives_it_back(bench: Bench, load: Chroma63206A) -> None:
    bench.load_circuit.resistance_ohm = 1.0
    await draw(load, 20.0)

    await load.short(True)
    shorted_a = (await load.measure()).current_a
    await load.short(False)

    assert shorted_a == pytest.approx(50.0, abs=0.5)
    assert (await load.measure()).current_a == pytest.approx(20.0, abs=0.3)


async def test_dynamic_mode_draws_two_levels_in_turn(bench: Bench, load: Chroma63206A) -> None:
    bench.load_twin.latency_s = 0.0
    await load.session.command("MODE CCDH;:CURR:DYN:L1 10;L2 30;T1 0.5;T2 0.2;REP 2;:LOAD ON")
    start_us = bench.clock.now
    drawn = []
    while (due_us := bench.load_twin.due_us()) is not None:
        drawn.append((bench.clock.now - start_us, bench.load_twin.demand.level))
        bench.clock.now = due_us
        bench.load_twin.supervise()

    assert [level for _, level in drawn] == [10.0, 30.0, 10.0, 30.0]
    assert [time_us for time_us, _ in drawn] == [0, 500_000, 700_000, 1_200_000]
    assert not bench.load_twin.demand.enabled


async def test_limit_of_current_in_cv_is_what_it_draws_at_most(
    bench: Bench, load: Chroma63206A
) -> None:
    await load.session.command("MODE CVH;:VOLT:STAT:L1 40;ILIM 25")

    assert bench.load_twin.demand.current_limit_a == 25.0
    assert await load.session.query("VOLT:STAT:ILIM?") == "25.0000"


async def test_range_bounds_slew_and_resolution(bench: Bench, load: Chroma63206A) -> None:
    await load.session.command("MODE CCM;:CURR:STAT:L1 100.0011")

    assert await load.session.query("CURR:STAT:L1?;RISE?") == "100.0020;21.000000"


async def test_injected_trip_is_found_and_can_be_cleared(bench: Bench, load: Chroma63206A) -> None:
    await draw(load, 20.0)

    bench.load_twin.inject_trip(Trip.OVER_TEMPERATURE)

    assert await load.tripped() == {Trip.OVER_TEMPERATURE}
    assert not await load.input_is_on()
    await load.clear_trip()
    await load.input_on()
