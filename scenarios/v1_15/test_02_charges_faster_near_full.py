"""v1.15-02: near full DVCC charges faster, so that the state of charge is synchronised sooner.

And the measure of the DVCC chain, on five packs drawn by the seed.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import leads_the_charger, stores_energy

pytestmark = [
    pytest.mark.item("v1.15-02"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=99.0),
]

MOVEMENT_PCT = chosen(152.0, "between the 178 % of 1.14 and the 116 % of 1.15")
FULL_WITHIN_S = chosen(200.0, "between the 131 s of 1.15 and the more than 600 s of 1.14")
LONGEST = chosen(seconds(600), "longer than any release takes")


async def test_a_battery_led_by_dvcc_is_synchronised_at_full_soon(bench: Bench) -> None:
    async with bench.arrange():
        soc_pct = bench.gx.register("soc_pct")
        await bench.running()

    begun_us = bench.now_us
    await expect(bench.allow_charge).is_(True)
    while (await bench.allow_charge.read()).value and bench.now_us - begun_us < LONGEST:
        await leads_the_charger(bench)
    taken_s = (bench.now_us - begun_us) / seconds(1)
    expect.measure("time until fully charged", taken_s, "s", low=30.0, high=FULL_WITHIN_S)
    await expect(soc_pct).becomes(100.0, within=seconds(2))


@pytest.mark.parametrize("pack", ["a", "b", "c", "d", "e"])
async def test_charge_limits_move_little_near_full(bench: Bench, pack: str) -> None:
    async with bench.arrange():
        await bench.running()

    movement = await stores_energy(bench, seconds(240), pack)
    expect.measure("movement of the limits", movement.pct, "%", low=2.0, high=MOVEMENT_PCT)
