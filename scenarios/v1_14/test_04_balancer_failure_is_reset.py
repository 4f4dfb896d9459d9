"""v1.14-04: a battery whose balancer failed is balanced again once the cause is gone.

Before, the failure stayed, and the battery was balanced no more.
"""

import pytest

from rig import Bench, expect, other_than, seconds

pytestmark = [
    pytest.mark.item("v1.14-04"),
    pytest.mark.needs(
        battery="LFP 24 V 180 Ah",
        parallel=1,
        soc_pct=99.25,
        soc_spread_pct=1.5,
        soc_spread_exact=True,
    ),
]


async def test_balancing_goes_on_after_its_failure(bench: Bench) -> None:
    balancing = bench.private_can.signal("private.balancing", 0)
    cells = bench.private_can.signal("private.mask", 0)
    async with bench.arrange():
        await bench.running()
        await expect(balancing).becomes(1, within=seconds(15))

    fault = await bench.inject("balancer failed", battery=0)
    await expect(balancing).becomes(0, within=seconds(2))
    await expect(cells).becomes(0, within=seconds(15))
    await bench.wait(seconds(60))
    await fault.clear()
    await expect(cells).becomes(other_than(0), within=seconds(15))
    await expect(balancing).becomes(1, within=seconds(2))
