"""v1.12-01: of two batteries one falls silent, and its loss is detected though the other speaks.

While both are heard nothing is reported. Before, the loss of one went unnoticed.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, other_than, seconds

pytestmark = pytest.mark.item("v1.12-01")

NOT_BEFORE, WITHIN = chosen(
    (seconds(28.5), seconds(31.5)), "on both sides of the project's 30 s, as the log names no time"
)


@pytest.mark.parametrize("lost", [0, 1], ids=["the-first", "the-second"])
async def test_the_loss_of_one_of_two_batteries_is_detected(bench: Bench, lost: int) -> None:
    error = bench.gx.register("error")
    async with bench.arrange():
        await bench.running()

    await expect(error).stays(0, for_=WITHIN)
    bench.battery(lost).fall_silent()
    await expect(error).becomes(other_than(0), within=WITHIN, after=NOT_BEFORE)
    await expect(bench.contactor).becomes(OPEN, within=seconds(10))
