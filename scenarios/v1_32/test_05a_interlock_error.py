"""v1.32-05a: an open interlock loop shows as error 37 of VE_REG_BMS_ERROR (0x2101).

Before, as the contactor's error 26, which the loop opens.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [
    pytest.mark.item("v1.32-05a"),
    pytest.mark.needs(hardware="Lynx Ion BMS 400, interlock", parallel=1),
]

INTERLOCK = 37  # public: register 0x2101
AT_ONCE = chosen(seconds(2), "the loop opens directly, and a change is told within 1 s")


async def test_an_open_interlock_loop_shows_as_error_37(bench: Bench) -> None:
    error = bench.gx.register("error")
    async with bench.arrange():
        await sets(bench, "interlock", "on")
        await bench.running()
        await expect(error).is_(0)

    await bench.open_interlock()
    await expect(error).becomes(INTERLOCK, within=AT_ONCE)


async def test_a_start_with_an_open_interlock_loop_shows_as_error_37(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "interlock", "on")
        await bench.open_interlock()

    await bench.press_start_stop()
    await expect(bench.gx.register("error")).becomes(INTERLOCK, within=seconds(30))
