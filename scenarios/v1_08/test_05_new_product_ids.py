"""v1.08-05: a battery of a product id that joined with 1.08 is taken: HE150.

The log names none; which one it is, is chosen. Before, the start ended with error 2, as if there
were no battery.
"""

import pytest

from rig import Bench
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.08-05"),
    pytest.mark.needs(battery="HE150", parallel=1, soc_pct=77),
]


async def test_a_battery_of_150_ah_of_the_he_series_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(150, cells=7)

    await serves(bench, battery)
