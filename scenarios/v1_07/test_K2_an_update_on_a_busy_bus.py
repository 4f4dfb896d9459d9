"""v1.07-K2: a firmware update could fail, here on a busy bus, and could be started again.

Claimed is the healthy behaviour, with the boot loader that came with the release: the update is
completed. Whether it was or not, one on a bus that is free is.
"""

import pytest

from rig import Bench, UpdatePath
from scenarios.procedures import updates_on_a_busy_bus

pytestmark = [pytest.mark.item("v1.07-K2"), pytest.mark.needs(parallel=1)]


async def test_update_by_the_tool_is_completed_on_a_busy_bus(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    await updates_on_a_busy_bus(bench, UpdatePath.TOOL)
