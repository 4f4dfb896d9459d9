"""v1.09-04: the programmable relay takes one of eight functions, with set points of their own.

Disabled, system activated, warning, fail safe, current, battery temperature, battery cell voltage,
state of charge. Before, there was nothing to choose.
"""

import pytest

from rig import CLOSED, OPEN, Bench, below, between, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.09-04"), pytest.mark.needs(parallel=1)]

REACTION = chosen(seconds(2), "a period of the sensors, one of the control, and room for both")
KEPT = chosen(seconds(5), "more than twice as long as a reaction may take")
ERROR = 10  # public: register 0x0371


async def chosen_with_set_points(bench: Bench, function: str, **points: float) -> None:
    """Choose a function and its set points; what the device has not, it does not take."""
    for name, value in points.items():
        await sets(bench, name, value)
    await sets(bench, "relay_function", function)


async def test_disabled_it_stays_open_and_activated_it_tells_that_the_system_runs(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await chosen_with_set_points(bench, "system activated")
        await expect(bench.relay).is_(OPEN)
        await bench.running()

    await expect(bench.relay).becomes(CLOSED, within=REACTION)
    await sets(bench, "relay_function", "disabled")
    await expect(bench.relay).becomes(OPEN, within=REACTION)
    await sets(bench, "relay_function", "system activated")
    await expect(bench.relay).becomes(CLOSED, within=REACTION)
    await bench.press_start_stop()
    await expect(bench.relay).becomes(OPEN, within=REACTION)


async def test_warning_closes_it_between_the_warning_and_its_end(bench: Bench) -> None:
    cell = bench.battery(0).cell(1)
    async with bench.arrange():
        await chosen_with_set_points(bench, "warning")
        await bench.running()

    # Public: LFP warns from 3600 mV, 20 s after the charged level of 3520 mV is set; clear below.
    cell.reads(3.59)
    await expect(bench.relay).stays(OPEN, for_=seconds(45))
    cell.reads(3.61)
    await expect(bench.relay).becomes(CLOSED, within=seconds(22), after=seconds(18))
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
    cell.reads(3.50)
    await expect(bench.relay).becomes(OPEN, within=seconds(22), after=seconds(18))


async def test_fail_safe_closes_it_and_a_warning_does_not(bench: Bench) -> None:
    cell, state = bench.battery(0).cell(1), bench.gx.register("state")
    async with bench.arrange():
        await chosen_with_set_points(bench, "fail safe")
        await bench.running()

    cell.reads(3.62)  # public: LFP warns from 3600 mV, and is critical from 3650 mV
    await expect(bench.relay).stays(OPEN, for_=seconds(60))
    cell.reads(3.70)
    await expect(bench.relay).becomes(CLOSED, within=seconds(10))
    await expect(state).becomes(ERROR, within=seconds(1))


async def test_current_switches_it_at_two_set_points(bench: Bench) -> None:
    async with bench.arrange():
        await chosen_with_set_points(
            bench, "current", relay_current_on_a=-60.0, relay_current_off_a=-40.0
        )
        await bench.running()

    for draw_a, contact in ((58.0, OPEN), (62.0, CLOSED), (42.0, CLOSED), (38.0, OPEN)):
        await bench.load.draw(draw_a)
        await expect(bench.relay).becomes(contact, within=REACTION)
        await expect(bench.relay).stays(contact, for_=KEPT)
    await bench.load.off()
    await bench.charger.charge(60.0, chosen(27.0, "above the batteries' voltage"))
    await expect(bench.charger.current).becomes(between(55.0, 65.0), within=seconds(10))
    await expect(bench.relay).stays(OPEN, for_=KEPT)


READINGS = [
    pytest.param(
        "temperature", "c", 40.0, 38.0, (39.5, 40.5, 38.5, 37.5), id="temperature, upwards"
    ),
    pytest.param("temperature", "c", 5.0, 7.0, (5.5, 4.5, 6.5, 7.5), id="temperature, downwards"),
    pytest.param(
        "cell_voltage", "v", 3.40, 3.36, (3.39, 3.41, 3.37, 3.35), id="cell voltage, upwards"
    ),
    pytest.param(
        "cell_voltage", "v", 3.20, 3.24, (3.21, 3.19, 3.23, 3.25), id="cell voltage, downwards"
    ),
]


@pytest.mark.parametrize(("what", "unit", "on", "off", "readings"), READINGS)
async def test_a_reading_switches_it_at_two_set_points(
    bench: Bench, what: str, unit: str, on: float, off: float, readings: tuple[float, ...]
) -> None:
    battery = bench.battery(0)
    reads = battery.cell(2).reads if what == "cell_voltage" else battery.temperature_reads
    async with bench.arrange():
        points = {f"relay_{what}_on_{unit}": on, f"relay_{what}_off_{unit}": off}
        await chosen_with_set_points(bench, f"battery {what.replace('_', ' ')}", **points)
        await bench.running()

    for reading, contact in zip(readings, (OPEN, CLOSED, CLOSED, OPEN), strict=True):
        reads(reading)
        await expect(bench.relay).becomes(contact, within=REACTION)
        await expect(bench.relay).stays(contact, for_=KEPT)


@pytest.mark.needs(parallel=1, soc_pct=50.5)
async def test_state_of_charge_switches_it_at_two_set_points(bench: Bench) -> None:
    soc_pct = bench.gx.register("soc_pct")
    async with bench.arrange():
        await chosen_with_set_points(
            bench, "state of charge", relay_soc_on_pct=50.0, relay_soc_off_pct=50.4
        )
        await bench.running()

    await expect(bench.relay).is_(OPEN)
    await bench.load.draw(200.0)
    await expect(soc_pct).becomes(below(50.1), within=seconds(60))
    await expect(bench.relay).is_(OPEN)
    await expect(bench.relay).becomes(CLOSED, within=seconds(20))
    await expect(soc_pct).is_(between(49.9, 50.1))
    await bench.load.off()
    await bench.charger.charge(200.0, chosen(28.0, "above the batteries' voltage under charge"))
    await expect(soc_pct).becomes(between(50.25, 50.35), within=seconds(60))
    await expect(bench.relay).is_(CLOSED)
    await expect(bench.relay).becomes(OPEN, within=seconds(20))
    await expect(soc_pct).is_(between(50.3, 50.5))
