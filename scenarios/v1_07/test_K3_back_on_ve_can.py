"""v1.07-K3: after the CAN errors of a rebooting GX device the device is on VE.Can again, by itself.

On the releases before 1.14 it is gone until it is restarted.
"""

import pytest

from rig import CLOSED, Bench, above, chosen, expect, seconds
from scenarios.procedures import says_its_version

pytestmark = pytest.mark.item("v1.07-K3")
BACK_WITHIN = chosen(seconds(30), "six of the 5 s periods in which registers are told")


async def test_device_is_heard_again_after_a_gx_reboot_without_a_restart(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await bench.gx.reboot()
    frames = bench.ve_can.count(lambda frame: frame.identifier & 0xFF == bench.gx.device_address)
    await expect(frames).becomes(above(0), within=BACK_WITHIN)
    await says_its_version(bench)
    await expect(bench.contactor).is_(CLOSED)
