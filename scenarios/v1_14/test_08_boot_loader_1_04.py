"""v1.14-08: boot loader 1.04: an update completes on a busy bus; only the tool installs it.

An update by VRM leaves the boot loader as it was.
"""

import pytest

from rig import Bench, UpdatePath, expect
from scenarios.procedures import (
    boot_loader_version,
    runs_the_release_under_test,
    updates_on_a_busy_bus,
)

pytestmark = [pytest.mark.item("v1.14-08"), pytest.mark.needs(parallel=1)]
SINCE = 1, 4


async def test_update_by_the_gx_device_is_completed_on_a_busy_bus(bench: Bench) -> None:
    async with bench.arrange():
        await bench.gx.request(0x0100)

    await updates_on_a_busy_bus(bench, UpdatePath.VUP)


@pytest.mark.needs(starts_on="1.13")
async def test_only_the_tool_brings_the_boot_loader(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    await bench.update(bench.firmware, UpdatePath.VRM)
    await runs_the_release_under_test(bench)
    old = await boot_loader_version(bench)
    expect.that("after VRM the boot loader is an older one", holds=old is not None and old < SINCE)
    await bench.update(bench.firmware, UpdatePath.TOOL)
    new = await boot_loader_version(bench)
    expect.that("after the tool it is 1.04 or newer", holds=new is not None and new >= SINCE)
