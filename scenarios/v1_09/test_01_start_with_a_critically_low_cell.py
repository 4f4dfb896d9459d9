"""v1.09-01: a start with a critically low cell leaves the user time; before, it was refused.

2 minutes to begin charging with at least 4 A, 10 minutes to bring the cell above the warning level
of LFP, 2600 mV. Time counts from the running state. Once it has recovered, a critically low cell
ends in fail-safe as ever.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, milliseconds, seconds

pytestmark = [
    pytest.mark.item("v1.09-01"),
    # What the DC system itself takes is no charge: here it takes 5 mA.
    pytest.mark.needs(link_bleed_ohm=chosen(5_000.0, "leaves the battery the supply's current")),
]
RUNNING, SHUTTING_DOWN = 9, 12  # public: register 0x0371
UNDER_VOLTAGE = 14  # public: register 0x2101

LOW_CELL = 3
CRITICALLY_LOW_V = chosen(2.30, "100 mV below the critical level of LFP")
STILL_LOW_V, RECOVERED_V = chosen((2.45, 2.75), "150 mV off the warning level, 2600 mV")
NOT_CRITICAL_V, CRITICAL_V = 2.41, 2.39  # public: on both sides of LFP's 2400 mV
LIMIT_V = chosen(28.0, "above the battery's voltage, below 3500 mV a cell")
ENOUGH_A = 4.1
JUDGED_AFTER = seconds(3)  # while state 12 still lasts
SETTING_TIME = milliseconds(50)  # what the supply takes to be set, at most


async def start_with_a_critically_low_cell(bench: Bench) -> None:
    """Claim: the system starts."""
    async with bench.arrange():
        bench.battery(0).cell(LOW_CELL).reads(CRITICALLY_LOW_V)

    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(20))


@pytest.mark.parametrize(
    ("begin_s", "then"),
    [
        pytest.param(1 * 60 + 59, RUNNING, id="after 1 min 59 s: runs"),
        pytest.param(2 * 60 + 1, SHUTTING_DOWN, id="after 2 min 1 s: shuts down"),
    ],
)
async def test_charging_has_to_begin_within_2_minutes(
    bench: Bench, begin_s: int, then: int
) -> None:
    await start_with_a_critically_low_cell(bench)

    await bench.wait(seconds(begin_s))
    await bench.charger.charge(ENOUGH_A, LIMIT_V)
    await bench.wait(JUDGED_AFTER)
    await expect(bench.gx.register("state")).is_(then)


@pytest.mark.parametrize(
    ("current_a", "then"),
    [
        pytest.param(4.1, RUNNING, id="with 4.1 A: runs"),
        pytest.param(3.9, SHUTTING_DOWN, id="with 3.9 A: shuts down"),
    ],
)
async def test_charging_has_to_be_with_4_a(bench: Bench, current_a: float, then: int) -> None:
    await start_with_a_critically_low_cell(bench)

    await bench.charger.charge(current_a, LIMIT_V)
    await expect(bench.gx.register("state")).stays(RUNNING, for_=seconds(119))
    await bench.wait(JUDGED_AFTER)
    await expect(bench.gx.register("state")).is_(then)


async def test_cell_above_the_warning_level_after_9_min_59_s_keeps_it_running(
    bench: Bench,
) -> None:
    await start_with_a_critically_low_cell(bench)

    await bench.charger.charge(ENOUGH_A, LIMIT_V)
    await bench.wait(seconds(9 * 60 + 59) - SETTING_TIME)
    bench.battery(0).cell(LOW_CELL).reads(RECOVERED_V)
    await bench.wait(JUDGED_AFTER)
    await expect(bench.gx.register("state")).is_(RUNNING)


async def test_cell_above_the_warning_level_only_after_10_min_1_s_shuts_it_down(
    bench: Bench,
) -> None:
    await start_with_a_critically_low_cell(bench)

    await bench.charger.charge(ENOUGH_A, LIMIT_V)
    await bench.wait(seconds(9 * 60 + 59) - SETTING_TIME)
    await expect(bench.gx.register("state")).is_(RUNNING)
    bench.battery(0).cell(LOW_CELL).reads(STILL_LOW_V)
    await bench.wait(seconds(2))
    bench.battery(0).cell(LOW_CELL).reads(RECOVERED_V)
    await bench.wait(JUDGED_AFTER - seconds(2))
    await expect(bench.gx.register("state")).is_(SHUTTING_DOWN)


async def test_a_cell_that_is_critically_low_later_ends_in_fail_safe(bench: Bench) -> None:
    await start_with_a_critically_low_cell(bench)

    cell, error = bench.battery(0).cell(LOW_CELL), bench.gx.register("error")
    await bench.charger.charge(ENOUGH_A, LIMIT_V)
    await bench.wait(JUDGED_AFTER)
    cell.reads(RECOVERED_V)
    await bench.wait(JUDGED_AFTER)
    cell.reads(NOT_CRITICAL_V)
    await expect(error).stays(0, for_=seconds(60))
    cell.reads(CRITICAL_V)
    await expect(error).becomes(
        UNDER_VOLTAGE, within=milliseconds(5_800), after=milliseconds(4_500)
    )
    await expect(bench.contactor).becomes(OPEN, within=seconds(6))
