"""v1.20-02: a battery type that joined with 1.20 is taken: LFP with passive balancing.

The log names none, but 1.21 mends the balancing of the new LFP batteries: they were there. Before,
the start ended with error 2, as if there were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import lfp, serves

pytestmark = [
    pytest.mark.item("v1.20-02"),
    pytest.mark.needs(battery="LFP 24 V 100 Ah passive", parallel=1, soc_pct=99.4),
]


async def test_an_lfp_battery_with_passive_balancing_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = lfp(chosen(100, "the type is ours: the log names none"))

    await serves(bench, battery)
