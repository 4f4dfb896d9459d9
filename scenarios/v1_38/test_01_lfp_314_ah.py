"""v1.38-01: a battery type that joined with 1.38 is taken: LFP 24 V 314 Ah.

The log names none; which one it is, is chosen. Before, the start ended with error 2, as if there
were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import lfp, serves

pytestmark = [
    pytest.mark.item("v1.38-01"),
    pytest.mark.needs(battery="LFP 24 V 314 Ah", parallel=1, soc_pct=99.4),
]


async def test_an_lfp_battery_of_314_ah_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = lfp(chosen(314, "the type is ours: the log names none"))

    await serves(bench, battery)
