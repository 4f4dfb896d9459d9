"""v1.35-07: a current above what the master is made for sets bit 29 of the status flags.

Bit 29 of VE_REG_BMS_FLAGS (0x2100) is the alarm for high current; before, no bit told of it.
"""

import pytest

from rig import Bench, chosen, expect, seconds, with_bit, without_bit

pytestmark = [
    pytest.mark.item("v1.35-07"),
    pytest.mark.needs(hardware="Lynx Ion BMS 150", parallel=1),
]

HIGH_CURRENT = 29
WITHIN = chosen(seconds(20), "the project takes 10 s for an overload, longer than an inrush")


async def test_a_current_above_the_masters_sets_bit_29_while_it_flows(bench: Bench) -> None:
    flags = bench.gx.register("flags")
    async with bench.arrange():
        await bench.running()

    await bench.load.draw(chosen(140.0, "just within the 150 A of the model"))
    await expect(flags).stays(without_bit(HIGH_CURRENT), for_=WITHIN)
    await bench.load.draw(chosen(165.0, "10 % above the 150 A of the model"))
    await expect(flags).becomes(with_bit(HIGH_CURRENT), within=WITHIN)
    await bench.load.draw(140.0)
    await expect(flags).becomes(without_bit(HIGH_CURRENT), within=seconds(5))
