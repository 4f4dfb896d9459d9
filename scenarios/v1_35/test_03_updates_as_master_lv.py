"""v1.35-03: a device that is set to be a Master LV (v1.35-02) can be updated over NMEA 2000.

Its boot loader introduces itself as the device does, so that who updates finds it again.
"""

import pytest

from rig import Bench, UpdatePath, chosen, expect, seconds
from scenarios.procedures import runs_the_release_under_test, sets

pytestmark = [pytest.mark.item("v1.35-03"), pytest.mark.needs(parallel=1)]
MASTER_LV = 1
CLAIMED = chosen(seconds(3), "the claim under the new NAME, and time for it to be heard")


@pytest.mark.parametrize("identity", [0, MASTER_LV], ids=["Lynx Ion BMS", "Master LV"])
async def test_update_is_completed_under_either_identity(bench: Bench, identity: int) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    taken = await sets(bench, "identity", identity)
    await bench.wait(CLAIMED)
    outcome = await bench.update(bench.firmware, UpdatePath.VUP)
    completed = taken and outcome.completed
    expect.that("the device takes the identity, and is updated under it", holds=completed)
    await runs_the_release_under_test(bench)
