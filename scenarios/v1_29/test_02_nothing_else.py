"""v1.29-02: nothing else differs from 1.28: equal traces under the reference stimuli."""

import pytest

from rig import Bench
from scenarios import reference_stimuli as stimuli

pytestmark = pytest.mark.item("v1.29-02")


@pytest.mark.needs(soc_pct=60, link_capacitance_f=0.100, link_bleed_ohm=2_000)
async def test_a_day_of_a_24_v_system_is_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.day_of_a_24_v_system)


@pytest.mark.needs(soc_pct=60, link_capacitance_f=0.030, link_bleed_ohm=2_000)
async def test_a_protective_trip_is_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.trips)


async def test_a_lost_battery_and_a_rebooting_gx_are_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.lost_battery_and_rebooting_gx)


@pytest.mark.needs(soc_pct=10.5)
async def test_a_low_start_is_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.low_start)


@pytest.mark.needs(link_load_ohm=20, precharge_ohm=10)
async def test_a_slow_pre_charge_is_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.slow_pre_charge)


@pytest.mark.needs(battery="HE100", temperature_c=25)
async def test_heat_is_met_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.heat)


@pytest.mark.needs(battery="LFP 24 V 280 Ah", series=2, parallel=2, hardware="Lynx Ion BMS 600")
async def test_an_inverter_is_told_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.inverter_system)


@pytest.mark.needs(parallel=1, soc_pct=99.4, capacity_pct=150)
async def test_a_full_battery_is_treated_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.full_battery)


async def test_broken_sensors_are_treated_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.broken_sensors)


@pytest.mark.needs(hardware="Lynx Ion BMS 150")
async def test_an_overload_is_treated_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.overload)


async def test_two_masters_do_the_same(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimuli.two_masters)


@pytest.mark.needs(starts_on="1.13")
async def test_an_update_from_1_13_ends_the_same(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("external_protocol", 1)

    await stimuli.same_traces(bench, stimuli.inverter_system)
