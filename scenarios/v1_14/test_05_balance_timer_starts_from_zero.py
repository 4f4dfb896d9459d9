"""v1.14-05: the time of rest before passive balancing is counted from zero at each start.

Before, what the last run had left counted, and balancing began at once.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import cells_read

pytestmark = [
    pytest.mark.item("v1.14-05"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=50.0, soc_spread_pct=0.0),
]

REST_V = 3.838  # public: a cell of this chemistry at 50 %
REST_MIN_S, REST_MAX_S = chosen((270, 930), "5 min from 1.36 on, 15 min before; ours")


async def test_balancing_waits_for_a_whole_rest_after_each_start(bench: Bench) -> None:
    balancing = bench.private_can.signal("private.balancing", 0)
    async with bench.arrange():
        await bench.running()
        cells_read(bench, REST_V, chosen(24.8, "balanced after a rest, and not at once"))
        await bench.wait(seconds(960))
        await bench.stopped()
        await bench.running()

    await expect(balancing).becomes(1, within=seconds(REST_MAX_S), after=seconds(REST_MIN_S))
