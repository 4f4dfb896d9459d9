"""v1.09-K1: two masters on one VE.Can leave it nearly idle.

On 1.09 they answer each other's state of charge without end, and the bus is fully loaded.
"""

import pytest

from rig import Bench, above, chosen, expect, seconds
from scenarios.procedures import STATE_OF_CHARGE, says_its_version, tells

pytestmark = pytest.mark.item("v1.09-K1")
A_PERIOD = chosen(seconds(6), "more than the 5 s period in which the register is told")
LOAD_PCT_MAX = chosen(15.0, "several times what the periodic traffic of two masters takes")


async def test_two_masters_leave_ve_can_nearly_idle(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        second = await bench.second_master()
        await second.running()

    told = bench.ve_can.count(tells(bench, STATE_OF_CHARGE))
    await expect(told).becomes(above(0), within=A_PERIOD)
    load_pct = await bench.ve_can.load_pct(over_s=2.0)
    expect.measure("load of VE.Can", load_pct, "%", high=LOAD_PCT_MAX)
    await says_its_version(bench)
