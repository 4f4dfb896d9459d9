"""v1.13-04: near full the charge voltage limit is steady.

The measure of the DVCC chain, on five packs drawn by the seed.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import stores_energy

pytestmark = [
    pytest.mark.item("v1.13-04"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=99.0),
]

MOVEMENT_PCT = chosen(380.0, "between the 606 % of 1.12 and the 178 % of 1.13")


@pytest.mark.parametrize("pack", ["a", "b", "c", "d", "e"])
async def test_charge_limits_move_little_near_full(bench: Bench, pack: str) -> None:
    async with bench.arrange():
        await bench.running()

    movement = await stores_energy(bench, seconds(240), pack)
    expect.measure("movement of the limits", movement.pct, "%", low=2.0, high=MOVEMENT_PCT)
