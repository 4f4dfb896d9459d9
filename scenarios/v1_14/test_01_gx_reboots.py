"""v1.14-01: through the CAN errors of one GX reboot after another the device stays on VE.Can.

Each time it tells its state of charge again unasked, and answers; before, it was gone for good.
"""

import pytest

from rig import Bench, above, chosen, expect, seconds
from scenarios.procedures import STATE_OF_CHARGE, says_its_version, tells

pytestmark = pytest.mark.item("v1.14-01")
REBOOTS = chosen(3, "error counters that were not reset would add up")
BACK_WITHIN = chosen(seconds(30), "six of the 5 s periods in which registers are told")


async def test_device_tells_and_answers_after_every_gx_reboot(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    for _ in range(REBOOTS):
        await bench.gx.reboot()
        told = bench.ve_can.count(tells(bench, STATE_OF_CHARGE))
        await expect(told).becomes(above(0), within=BACK_WITHIN)
        await says_its_version(bench)
