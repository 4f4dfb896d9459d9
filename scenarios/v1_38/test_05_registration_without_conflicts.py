"""v1.38-05: RS batteries that announce themselves at one moment are all registered.

After the master's call each waits for a time that its serial number decides. Before, two that
waited equally long could be taken for one, and the start ended in fail-safe.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import starts

APART = chosen(97, "serial numbers so far apart wait equally long")
SERIALS = tuple(f"HQ2320{1 + APART * index:04}" for index in range(3))

pytestmark = [
    pytest.mark.item("v1.38-05"),
    pytest.mark.needs(battery="RS176", parallel=3, serials=SERIALS),
]


async def test_batteries_that_announce_themselves_at_one_moment_are_all_registered(
    bench: Bench,
) -> None:
    async with bench.arrange():
        pass

    await starts(bench)
    await expect(bench.gx.register("batteries")).becomes(3, within=seconds(2))
    await expect(bench.gx.register("capacity_ah")).becomes(3 * 176, within=seconds(2))
