"""v1.09-14: batteries are registered whenever they were made.

Release 1.07 did not support serial numbers from HQ1746 on, that is, from week 46 of 2017.
"""

import pytest

from rig import Bench, expect, seconds
from scenarios.procedures import starts

pytestmark = [
    pytest.mark.item("v1.09-14"),
    pytest.mark.parametrize(
        (),
        [
            pytest.param(
                marks=pytest.mark.needs(parallel=2, serials=("HQ17459998", "HQ17459999")),
                id="HQ1745",
            ),
            pytest.param(
                marks=pytest.mark.needs(parallel=2, serials=("HQ17460001", "HQ17460002")),
                id="HQ1746",
            ),
        ],
    ),
]


async def test_batteries_of_this_week_are_registered(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await starts(bench)
    await expect(bench.gx.register("batteries")).becomes(2, within=seconds(2))
