"""v1.07-01: passive balancing bleeds the highest cell, and ends at the target spread.

No release precedes 1.07: the counter-case is a build 1.06 (chosen), whose bleed never ends.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import cells_read

pytestmark = [
    pytest.mark.item("v1.07-01"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=50.0, soc_spread_pct=0.0),
]

REST_V = 3.838  # public: a cell of this chemistry at 50 %
ONLY_THE_FOURTH = 1 << 3


async def test_the_highest_cell_is_bled_until_it_is_within_the_target(bench: Bench) -> None:
    balancing = bench.private_can.signal("private.balancing", 0)
    cells = bench.private_can.signal("private.mask", 0)
    async with bench.arrange():
        await bench.running()

    cells_read(bench, REST_V, chosen(40.0, "more than all targets"))
    await expect(balancing).becomes(1, within=seconds(chosen(960, "a rest of 15 min first")))
    await expect(cells).is_(ONLY_THE_FOURTH)
    cells_read(bench, REST_V, chosen(4.5, "less than all targets"))
    await expect(balancing).becomes(0, within=seconds(15))
    await expect(balancing).stays(0, for_=seconds(chosen(330, "longer than it rests today")))
