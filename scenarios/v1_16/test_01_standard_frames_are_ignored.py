"""v1.16-01: a frame with an 11 bit identifier on VE.Can is ignored, whatever it says.

Before, one whose identifier looked like the low bits of a known message was taken for that message.
"""

import pytest

from rig import Bench, below, chosen, expect, parse_frame, seconds
from scenarios.procedures import FIRMWARE_VERSION, says_its_version, tells

pytestmark = [pytest.mark.item("v1.16-01"), pytest.mark.needs(soc_pct=60)]
A_WHILE = chosen(seconds(1), "a request is answered within milliseconds")
A_PERIOD = chosen(seconds(6), "more than the 5 s period in which the register is told")

# Their identifier is what the low 11 bits of a frame from 0x20 to 0x50, 1CEF5020, are.
REQUEST = parse_frame("020#669901000201FFFF")  # for register 0x0102
WRITE = parse_frame("020#6699FF0FA00FFFFF")  # 40 % to register 0x0FFF


async def test_a_request_of_11_bits_is_not_answered_and_one_of_29_bits_is(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        answers = bench.ve_can.count(tells(bench, FIRMWARE_VERSION))

    bench.ve_can.send(REQUEST)
    await expect(answers).stays(0, for_=A_WHILE)
    await says_its_version(bench)


async def test_a_write_of_11_bits_changes_nothing(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    bench.ve_can.send(WRITE)
    await expect(bench.gx.register("soc_pct")).never(below(50.0), for_=A_PERIOD)
    await says_its_version(bench)
