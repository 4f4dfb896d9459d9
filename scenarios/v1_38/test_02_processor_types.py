"""v1.38-02: an update brings each battery the image for its processor.

Two LFP batteries, of which the second was made with another processor (chosen: from 2023 on).
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import updates_its_batteries

pytestmark = pytest.mark.item("v1.38-02")
SERIALS = chosen(("HQ17200047", "HQ23300048"), "of 2017, and of 2023, with its other processor")


@pytest.mark.needs(serials=SERIALS, battery_releases=("1.30", "1.30"))
async def test_batteries_of_two_processor_types_are_updated(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    await updates_its_batteries(bench)
