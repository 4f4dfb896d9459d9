"""v1.32-05c: a battery that is no longer heard shows as error 39, communication time-out.

Before, as error 23, battery failure.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.32-05c")

COMMUNICATION_TIMEOUT = 39  # public: register 0x2101
WITHIN = chosen(seconds(40), "the project takes 30 s for critical, as the log names no time")


async def test_a_silent_battery_shows_as_communication_timeout(bench: Bench) -> None:
    error = bench.gx.register("error")
    async with bench.arrange():
        await bench.running()

    bench.battery(1).fall_silent()
    await expect(error).becomes(COMMUNICATION_TIMEOUT, within=WITHIN)
