"""v1.35-04: the NMEA 2000 boot loader sleeps if an update is not completed, and can be woken.

What it takes for itself tells: before, it stayed awake for as long as nobody came. It sleeps after
a minute in which the update does not go on (chosen), and an update wakes it.
"""

import pytest

from rig import Bench, UpdatePath, above, below, chosen, expect, firmware_file, seconds
from scenarios.procedures import runs_the_release_under_test

pytestmark = [pytest.mark.item("v1.35-04"), pytest.mark.needs(parallel=1)]
AWAKE_A = chosen(0.030, "a processor that works; asleep it takes a fraction of that")
ASLEEP_A = chosen(0.012, "as much as the device takes while it is off, and room for it")
SLOW, PATIENCE = chosen((seconds(50), seconds(40)), "on both sides of a minute's silence")


@pytest.mark.parametrize("path", [UpdatePath.TOOL, UpdatePath.VUP], ids=["tool", "VUP"])
async def test_boot_loader_sleeps_after_an_update_that_does_not_go_on(
    bench: Bench, path: UpdatePath
) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    outcome = await bench.update([firmware_file(bench.firmware)], path, blocks=1)
    expect.that("the device took the beginning", holds=outcome.step == "leaving")
    await expect(bench.consumption).becomes(above(AWAKE_A), within=seconds(5))
    # For an update that is only slow it stays awake.
    await expect(bench.consumption).stays(above(AWAKE_A), for_=SLOW)
    await expect(bench.consumption).becomes(below(ASLEEP_A), within=PATIENCE)
    again = await bench.update(bench.firmware, path)
    expect.that("an update that is begun again is completed", holds=again.completed)
    await runs_the_release_under_test(bench)
