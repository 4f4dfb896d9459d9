"""v1.30-02: a battery type that joined with 1.30 is taken: LFP 24 V 320 Ah, with terminal sensors.

The log names none, but knows batteries that measure both terminals. Before, the start ended with
error 2, as if there were no battery.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import lfp, serves

pytestmark = [
    pytest.mark.item("v1.30-02"),
    pytest.mark.needs(battery="LFP 24 V 320 Ah", parallel=1, soc_pct=99.4),
]


async def test_an_lfp_battery_with_both_terminal_sensors_is_served(bench: Bench) -> None:
    async with bench.arrange():
        battery = lfp(chosen(320, "the type is ours: the log names none"))

    await serves(bench, battery)
