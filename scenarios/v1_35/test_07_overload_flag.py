"""v1.35-07: a current above what the master is made for sets bit 29 of the status flags.

Bit 29 of VE_REG_BMS_FLAGS (0x2100) is the alarm for high current; before, no bit told of it. After
10 s (chosen), and in both directions.
"""

import pytest

from rig import Bench, chosen, expect, seconds, with_bit, without_bit

pytestmark = [
    pytest.mark.item("v1.35-07"),
    pytest.mark.needs(hardware="Lynx Ion BMS 150", parallel=1, soc_pct=50),
]

HIGH_CURRENT = 29
MOST_A = 150.0  # public: the model's name
WITHIN, BEYOND = chosen((0.97, 1.03), "3 % on both sides of what the model supports")
BEFORE, BY = chosen((seconds(9), seconds(11)), "on both sides of the 10 s that an overload lasts")


@pytest.mark.parametrize("is_charged", [False, True], ids=["discharge", "charge"])
async def test_a_current_above_the_masters_sets_bit_29_while_it_flows(
    bench: Bench, is_charged: bool
) -> None:
    flags = bench.gx.register("flags")

    async def flows(current_a: float) -> None:
        if is_charged:
            await bench.charger.charge(current_a, chosen(28.0, "above the battery's voltage"))
        else:
            await bench.load.draw(current_a)

    async with bench.arrange():
        await bench.running()

    await flows(WITHIN * MOST_A)
    await expect(flags).stays(without_bit(HIGH_CURRENT), for_=chosen(seconds(20), "twice 10 s"))
    await flows(BEYOND * MOST_A)
    await expect(flags).becomes(with_bit(HIGH_CURRENT), within=BY, after=BEFORE)
    await flows(WITHIN * MOST_A)
    await expect(flags).becomes(without_bit(HIGH_CURRENT), within=seconds(5))
