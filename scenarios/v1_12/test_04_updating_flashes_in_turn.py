"""v1.12-04: while the master updates a battery (state 13), the LED flashes green and red in turn.

Never both; before, another pattern.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.12-04"), pytest.mark.needs(parallel=1)]
UPDATING, STANDBY = 13, 14  # public: register 0x0371
CHANGE = chosen(seconds(1.5), "longer than a flash")


async def test_green_and_red_flash_after_each_other(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.update_batteries()

    await expect(bench.gx.register("state")).becomes(UPDATING, within=seconds(2))
    for _ in range(2):
        await expect(bench.green_led).becomes(True, within=CHANGE)
        await expect(bench.red_led).is_(False)
        await expect(bench.red_led).becomes(True, within=CHANGE)
        await expect(bench.green_led).is_(False)
    await expect(bench.gx.register("state")).becomes(STANDBY, within=seconds(60))
