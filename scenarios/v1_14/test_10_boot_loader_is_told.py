"""v1.14-10: the version of the boot loader is told to the diagnostic tool."""

import pytest

from rig import Bench, expect
from scenarios.procedures import boot_loader_version

pytestmark = [pytest.mark.item("v1.14-10"), pytest.mark.needs(parallel=1)]


async def test_the_tool_reads_the_boot_loaders_version(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    told = await boot_loader_version(bench)
    expect.that("it is 1.04 or newer", holds=told is not None and told >= (1, 4))
