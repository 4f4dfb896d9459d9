"""v1.22-01: a battery type that joined with 1.22 is taken: HE250, without terminal sensors.

The log names none, but knows batteries without that temperature. Before, the start ended with error
2, as if there were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import nmc, serves

pytestmark = [
    pytest.mark.item("v1.22-01"),
    pytest.mark.needs(battery="HE250", parallel=1, soc_pct=77),
]


async def test_a_battery_without_terminal_sensors_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = nmc(chosen(250, "the type is ours: the log names none"), cells=7)

    await serves(bench, battery)
