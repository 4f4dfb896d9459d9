"""v1.23-06: another battery strategy takes effect at once, without a reboot of the master.

Seen by the charge voltage of HE batteries, cells well inside both strategies' limits. Before, the
limits stayed what they had been when the master was started.
"""

import pytest

from rig import CLOSED, Bench, above, below, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [
    pytest.mark.item("v1.23-06"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=50),
]

DEFAULT, PERFORMANCE = 0, 1  # public: register 0x0376
# Public: boundary limits of NMC; charged is 4.05 and 4.20 V, of 7 cells 28.35 and 29.40 V.
LOW_V, HIGH_V = below(28.6), above(29.2)
WITHIN = chosen(seconds(3), "a limit is told within 1 s, and follows the cells' reports")


async def test_the_limits_follow_the_strategy_while_the_system_runs(bench: Bench) -> None:
    limit_v = bench.gx.register("charge_voltage_limit_v")
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(6))  # public: the register is told every 5 s

    for strategy, expected_v in ((PERFORMANCE, HIGH_V), (DEFAULT, LOW_V)):
        await sets(bench, "battery_strategy", strategy)
        await expect(limit_v).becomes(expected_v, within=WITHIN)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(5))
