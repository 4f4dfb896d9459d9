"""v1.32-06a: the warning of cells far apart in voltage sets bit 30 of the status flags.

Bit 30 of VE_REG_BMS_FLAGS (0x2100); it goes with the warning, v1.17-07. Before, no bit told of it.
"""

import pytest

from rig import Bench, chosen, expect, seconds, with_bit, without_bit
from scenarios.procedures import cells_read

pytestmark = [pytest.mark.item("v1.32-06a"), pytest.mark.needs(parallel=1)]

CELL_IMBALANCE = 30
WITHIN_MV, BEYOND_MV = chosen((95, 106), "on both sides of the 100 mV of v1.17-07")
BEFORE, BY = chosen((seconds(27), seconds(33)), "on both sides of its 30 s")


async def test_cells_apart_set_bit_30_while_they_are(bench: Bench) -> None:
    flags = bench.gx.register("flags")
    async with bench.arrange():
        await bench.running()

    cells_read(bench, 3.28, WITHIN_MV)
    await expect(flags).stays(without_bit(CELL_IMBALANCE), for_=BY)
    cells_read(bench, 3.28, BEYOND_MV)
    await expect(flags).becomes(with_bit(CELL_IMBALANCE), within=BY, after=BEFORE)
    cells_read(bench, 3.28, WITHIN_MV)
    await expect(flags).becomes(without_bit(CELL_IMBALANCE), within=seconds(3))
