"""v1.08-03: allow-to-charge depends on the charge current besides the highest cell.

At a high current it is withdrawn at once where, without current, the same voltage is still allowed
for a while. Before, the charged level alone decided, whatever flowed.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.08-03"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=60),
]

ABOVE_V, BELOW_V = chosen((3.526, 3.514), "on both sides of the charged level of LFP, 3520 mV")
HIGH_V, TOO_HIGH_V = chosen((3.555, 3.565), "on both sides of 40 mV more, ours without current")
HIGH_A = chosen(115.0, "0.5 C, what the battery is charged with")
FOR_A_WHILE = chosen(seconds(15), "less than the 20 s of the level's two timers")
AT_ONCE = chosen(seconds(1.5), "a few control periods")


async def test_without_current_charging_is_allowed_above_the_charged_level(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    bench.battery(0).cell(2).reads(ABOVE_V)
    await expect(bench.allow_charge).stays(True, for_=FOR_A_WHILE)
    await bench.charger.charge(HIGH_A, 28.6)
    await expect(bench.allow_charge).becomes(False, within=AT_ONCE)


async def test_at_a_high_current_it_is_withdrawn_at_once_above_that_level(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.charger.charge(HIGH_A, 28.6)
        bench.battery(0).cell(2).reads(BELOW_V)

    await expect(bench.allow_charge).stays(True, for_=FOR_A_WHILE)
    bench.battery(0).cell(2).reads(ABOVE_V)
    await expect(bench.allow_charge).becomes(False, within=AT_ONCE)


async def test_without_current_it_is_withdrawn_at_once_40_mv_above_that_level(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await bench.running()
        bench.battery(0).cell(2).reads(HIGH_V)

    await expect(bench.allow_charge).stays(True, for_=FOR_A_WHILE)
    bench.battery(0).cell(2).reads(TOO_HIGH_V)
    await expect(bench.allow_charge).becomes(False, within=AT_ONCE)
