"""v1.34-01: a battery type that joined with 1.34 is taken: RS230.

The log names none here; 1.38 knows the RS230 (12 cells and 230 Ah: chosen). Before, the start ended
with error 2, as if there were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.34-01"),
    pytest.mark.needs(battery="RS230", parallel=1, soc_pct=77),
]


async def test_a_battery_of_230_ah_of_the_rs_series_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(chosen(230, "as its name says"), cells=12)

    await serves(bench, battery)
