"""v1.32-06b: the service warning sets bit 31 of the status flags.

Bit 31 of VE_REG_BMS_FLAGS (0x2100); it goes with the warning, here of a broken terminal sensor
(v1.22-02). Before, no bit told of it.
"""

import pytest

from rig import Bench, chosen, expect, seconds, with_bit, without_bit

pytestmark = [pytest.mark.item("v1.32-06b"), pytest.mark.needs(battery="HE100", parallel=1)]

SERVICE = 31
BEFORE, BY = chosen((seconds(17), seconds(23)), "on both sides of the 20 s of v1.22-02")


async def test_a_broken_terminal_sensor_sets_bit_31_until_it_is_mended(bench: Bench) -> None:
    flags = bench.gx.register("flags")
    async with bench.arrange():
        await bench.running()

    await expect(flags).stays(without_bit(SERVICE), for_=BY)
    fault = await bench.inject("terminal temperature open", battery=0, terminal="positive")
    await expect(flags).becomes(with_bit(SERVICE), within=BY, after=BEFORE)
    await fault.clear()
    await expect(flags).becomes(without_bit(SERVICE), within=seconds(3))
