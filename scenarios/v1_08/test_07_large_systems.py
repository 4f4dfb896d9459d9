"""v1.08-07: a large system starts, and its private bus is without error frames.

Before, the master read the bits of so long a bus with so many batteries too early.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import starts

pytestmark = [
    pytest.mark.item("v1.08-07"),
    pytest.mark.needs(
        parallel=chosen(24, "many for one master"),
        private_bus_m=chosen(204.0, "some eight metres from each to the next"),
    ),
]
LISTENS = chosen(seconds(3), "the old master misreads one frame in fifty: dozens in that time")


async def test_no_error_frames_with_many_batteries_on_a_long_bus(bench: Bench) -> None:
    async with bench.arrange():
        errors = bench.private_can.errors()

    await starts(bench)
    await expect(errors).stays(0, for_=LISTENS)
