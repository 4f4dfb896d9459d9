"""v1.25-09b: the green LED of a combined system that is off tells what it waits for.

A short pulse: service mode (chosen: its button has stopped it). As long on as off: it waits for a
start command. A long pulse: it is ready, since the output has the battery's voltage. Before, the
LED was dark. The classes are duty cycles, which hold on any hardware: below a quarter, about a
half, above three quarters.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, milliseconds, seconds

pytestmark = [pytest.mark.item("v1.25-09b"), pytest.mark.needs(parallel=1)]

COMBINED, YES = 0x0377, b"\x01"  # public: VE.Can register
SAMPLES, EVERY = chosen((190, milliseconds(53)), "10 s, at all moments of a flash")
SHORT_PCT, HALF_PCT, LONG_PCT = chosen(
    ((2.0, 25.0), (30.0, 70.0), (75.0, 98.0)), "below a quarter, about a half, above three quarters"
)
SETTLES = chosen(seconds(3), "the LED follows, and the master looks at least once a second")
LIMIT_A = chosen(2.0, "what a link of some 10 mF takes at once")
APART_V = chosen(0.7, "more than what is the same voltage, by as much as it can be less")
THERE_V = chosen(16.5, "below the 18 V that tell of a charger, and not gone")
NEAR_V = chosen(0.3, "less than what is the same voltage")


async def duty_pct(bench: Bench) -> float:
    """How much of the time the green LED is on; a steady one is 0 or 100."""
    on = 0
    for _ in range(SAMPLES):
        await bench.wait(EVERY)
        on += (await bench.green_led.read()).value
    return 100.0 * on / SAMPLES


async def test_waits_for_a_command_then_is_ready_at_the_batterys_voltage(bench: Bench) -> None:
    async with bench.arrange():
        await bench.gx.write(COMBINED, YES)
        # A voltage that is there when the device restarts is no charger that comes.
        await bench.charger.charge(LIMIT_A, THERE_V)
        await bench.wait(SETTLES)
        await bench.install_release_under_test()
        battery_v = (await bench.battery_voltage.read()).value
        await bench.wait(SETTLES)

    expect.measure("waiting", await duty_pct(bench), "%", low=HALF_PCT[0], high=HALF_PCT[1])
    await bench.charger.charge(LIMIT_A, battery_v - APART_V)
    await bench.wait(SETTLES)
    expect.measure(
        "too low an output", await duty_pct(bench), "%", low=HALF_PCT[0], high=HALF_PCT[1]
    )
    await bench.charger.charge(LIMIT_A, battery_v - NEAR_V)
    await bench.wait(SETTLES)
    expect.measure("ready", await duty_pct(bench), "%", low=LONG_PCT[0], high=LONG_PCT[1])
    await bench.charger.charge(LIMIT_A, battery_v + APART_V)
    await bench.wait(SETTLES)
    expect.measure(
        "too high an output", await duty_pct(bench), "%", low=HALF_PCT[0], high=HALF_PCT[1]
    )


async def test_is_in_service_mode_once_its_button_has_stopped_it(bench: Bench) -> None:
    async with bench.arrange():
        await bench.gx.write(COMBINED, YES)
        await bench.running()
        await bench.stopped()
        await expect(bench.contactor).is_(OPEN)
        await bench.wait(SETTLES)

    expect.measure("in service", await duty_pct(bench), "%", low=SHORT_PCT[0], high=SHORT_PCT[1])


async def test_a_system_of_its_own_is_dark_and_flashes_once_it_is_combined(bench: Bench) -> None:
    async with bench.arrange():
        await bench.wait(SETTLES)

    expect.measure("off", await duty_pct(bench), "%", high=0.0)
    await bench.gx.write(COMBINED, YES)
    await bench.wait(SETTLES)
    expect.measure("waiting", await duty_pct(bench), "%", low=HALF_PCT[0], high=HALF_PCT[1])
