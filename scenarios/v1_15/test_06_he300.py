"""v1.15-06: a battery type that joined with 1.15 is taken: HE300.

The log names none; which one it is, is chosen. Before, the start ended with error 2, as if there
were no battery.
"""

import pytest

from rig import Bench
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.15-06"),
    pytest.mark.needs(battery="HE300", parallel=1, soc_pct=77),
]


async def test_a_battery_of_300_ah_of_the_he_series_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(300, cells=7)

    await serves(bench, battery)
