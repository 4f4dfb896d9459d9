"""v1.14-09: the update makes 'discharge not allowed warning' the programmable relay's function.

Also over a stored choice, once. Normally closed, the relay opens to warn; by state of charge and by
temperature always before allow-to-discharge goes.
"""

import pytest

from rig import CLOSED, OPEN, Bench, below, between, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.14-09")

DISABLED = 0
WARNING = "discharge not allowed warning"
REACTION = chosen(seconds(2), "a period of the sensors, one of the control, and room for both")


async def updated_over_a_stored_choice(bench: Bench) -> None:
    """The user had chosen no function on the old release; then the update, and a start."""
    await bench.tool.set("relay_function", DISABLED)
    await bench.install_release_under_test()
    await bench.running()


@pytest.mark.needs(starts_on="1.13", parallel=1, soc_pct=10.4)
async def test_relay_opens_at_10_pct_before_discharging_is_forbidden(bench: Bench) -> None:
    soc_pct = bench.gx.register("soc_pct")
    async with bench.arrange():
        await updated_over_a_stored_choice(bench)

    await expect(bench.relay).is_(CLOSED)
    await bench.load.draw(230.0)
    await expect(soc_pct).becomes(below(10.2), within=seconds(20))
    await expect(bench.relay).is_(CLOSED)
    await expect(bench.relay).becomes(OPEN, within=seconds(10))
    await expect(soc_pct).is_(between(9.9, 10.1))
    await expect(bench.allow_discharge).stays(True, for_=seconds(5))
    await expect(bench.allow_discharge).becomes(False, within=seconds(400))
    await expect(bench.relay).is_(OPEN)


# Public: the guide's 2 K below the high and 1 K above the low discharge limit; the limits, -20 and
# 55 degC, are the HE data sheet's, which the project takes for LFP too.
TEMPERATURES = [
    pytest.param(52.5, 53.5, 55.5, id="high"),
    pytest.param(-18.5, -19.5, -20.5, id="low"),
]


@pytest.mark.needs(starts_on="1.13", parallel=1)
@pytest.mark.parametrize(("unwarned_c", "warned_c", "forbidden_c"), TEMPERATURES)
async def test_relay_opens_near_a_temperature_limit_before_discharging_is_forbidden(
    bench: Bench, unwarned_c: float, warned_c: float, forbidden_c: float
) -> None:
    battery = bench.battery(0)
    async with bench.arrange():
        await updated_over_a_stored_choice(bench)

    battery.temperature_reads(unwarned_c)
    await expect(bench.relay).stays(CLOSED, for_=seconds(5))
    battery.temperature_reads(warned_c)
    await expect(bench.relay).becomes(OPEN, within=REACTION)
    await expect(bench.allow_discharge).stays(True, for_=seconds(5))
    battery.temperature_reads(forbidden_c)
    await expect(bench.allow_discharge).becomes(False, within=REACTION)
    await expect(bench.relay).is_(OPEN)


@pytest.mark.needs(starts_on="1.13", parallel=1)
async def test_relay_opens_when_the_system_goes_to_shut_down(bench: Bench) -> None:
    state, told = bench.gx.register("state"), bench.gx.register("relay_closed")
    async with bench.arrange():
        await updated_over_a_stored_choice(bench)

    await expect(bench.relay).is_(CLOSED)
    await expect(told).is_(1)
    await bench.press_start_stop()
    await expect(bench.relay).becomes(OPEN, within=REACTION)
    await expect(told).becomes(0, within=seconds(1))
    await expect(bench.contactor).is_(CLOSED)
    await expect(state).is_(12)  # public: register 0x0371, shutting down


@pytest.mark.needs(starts_on="1.13", parallel=1)
async def test_relay_opens_in_fail_safe(bench: Bench) -> None:
    async with bench.arrange():
        await updated_over_a_stored_choice(bench)

    await expect(bench.relay).is_(CLOSED)
    bench.battery(0).cell(1).reads(3.70)  # above the critical level of LFP, 3650 mV
    await expect(bench.relay).becomes(OPEN, within=seconds(60))
    await expect(bench.gx.register("state")).becomes(10, within=seconds(1))  # public: error


@pytest.mark.needs(starts_on="1.13", parallel=1)
async def test_the_update_replaces_a_stored_choice_only_once(bench: Bench) -> None:
    async with bench.arrange():
        await updated_over_a_stored_choice(bench)

    await expect(bench.relay).is_(CLOSED)
    names = await answer_or_none(bench.tool.choices("relay_function")) or {}
    code = await answer_or_none(bench.tool.setting("relay_function"))
    shown = None if code is None else names.get(code)
    expect.that(f"the tool shows {WARNING!r}", holds=shown == WARNING)

    await bench.tool.set("relay_function", DISABLED)
    await expect(bench.relay).becomes(OPEN, within=REACTION)
    await bench.install_release_under_test()
    kept = await answer_or_none(bench.tool.setting("relay_function"))
    expect.that("the user's choice outlives the next installation", holds=kept == DISABLED)
