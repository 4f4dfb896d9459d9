"""v1.25-02: a battery type that joined with 1.25 is taken: RS132 14S.

The log names none; which one it is, is chosen. Before, the start ended with error 2, as if there
were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.25-02"),
    pytest.mark.needs(battery="RS132 14S", parallel=1, soc_pct=77),
]


async def test_an_rs_battery_of_14_cells_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(chosen(132, "the type is ours: the log names none"), cells=14)

    await serves(bench, battery)
