"""v1.28-01: an update by VUP works on the Lynx Ion BMS 1000 PC+.

The old boot loader refused the image, which carries the product id of all models, as one for
another product.
"""

import pytest

from rig import Bench, UpdatePath, expect
from scenarios.procedures import runs_the_release_under_test

pytestmark = [
    pytest.mark.item("v1.28-01"),
    pytest.mark.needs(hardware="Lynx Ion BMS 1000 PC+", parallel=1),
]


async def test_vup_installs_a_release_on_the_1000_pc_plus(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    outcome = await bench.update(bench.firmware, UpdatePath.VUP)
    expect.that("the update is completed", holds=outcome.completed)
    await runs_the_release_under_test(bench)
