"""v1.31-01: a battery type that joined with 1.31 is taken: LFP 48 V 150 Ah.

The log names none; which one it is, is chosen. Before, the start ended with error 2, as if there
were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import lfp, serves

pytestmark = [
    pytest.mark.item("v1.31-01"),
    pytest.mark.needs(battery="LFP 48 V 150 Ah", parallel=1, soc_pct=99.4, link_bleed_ohm=2_000),
]


async def test_an_lfp_battery_of_48_v_and_150_ah_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = lfp(chosen(150, "the type is ours: the log names none"), cells=16)

    await serves(bench, battery)
