"""v1.23-01: a battery type that joined with 1.23 is taken: RS176.

The log names none; RS176's manual asks for a Master LV of 1.23 or later. Before, the start ended
with error 2, as if there were no battery.
"""

import pytest

from rig import Bench
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.23-01"),
    pytest.mark.needs(battery="RS176", parallel=1, soc_pct=77),
]


async def test_a_battery_of_176_ah_of_the_rs_series_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(176, cells=12)

    await serves(bench, battery)
