"""v1.36-07: after an update the secondary boot loader waits until the batteries have restarted.

Before, it did not wait as long as they need, and one was missing.
"""

import pytest

from rig import Bench
from scenarios.procedures import updates_its_batteries

pytestmark = pytest.mark.item("v1.36-07")


@pytest.mark.needs(battery="RS176", parallel=2)
async def test_all_batteries_are_there_after_their_update(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    await updates_its_batteries(bench)
