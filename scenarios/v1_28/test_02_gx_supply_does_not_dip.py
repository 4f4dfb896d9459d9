"""v1.28-02: when a VUP update starts, the GX supply from the BMS's IO connector does not dip.

Before, a GX with other loads at that supply restarted: the update did not start, and the BMS
recovered by itself. A GX that is alone at the supply rides through.
"""

import pytest

from rig import Bench, UpdatePath, chosen, expect
from scenarios.procedures import runs_the_release_under_test

pytestmark = [pytest.mark.item("v1.28-02"), pytest.mark.needs(parallel=1)]
LOADS_W = [
    pytest.param(chosen(3.0, "a GX alone"), id="light load"),
    pytest.param(chosen(12.0, "a GX with a display and a modem"), id="load"),
]


@pytest.mark.parametrize("load_w", LOADS_W)
async def test_vup_by_a_gx_that_the_bms_supplies_is_completed(bench: Bench, load_w: float) -> None:
    async with bench.arrange():
        bench.gx.is_supplied_by_the_dut(load_w)
        await bench.tool.firmware()

    outcome = await bench.update(bench.firmware, UpdatePath.VUP)
    expect.that("the update is completed", holds=outcome.completed)
    await runs_the_release_under_test(bench)
