"""v1.07-K1: up to 1.13 a healthy contactor raised error 26 where the output decays slowly.

Claimed is the healthy behaviour, on condition A: the output falls with a time constant of 60 s.
"""

import pytest

from rig import Bench, chosen, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.07-K1")
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
CONTACTOR_FAILURE = 26
CHECKED = chosen(seconds(20), "8 s until the contactor opens, and 10 s to see that it did")


@pytest.mark.needs(
    link_capacitance_f=chosen(0.030, "condition A: less than 1 V down after 1 s"),
    link_bleed_ohm=chosen(2_000.0, "condition A: more than 1 V down after 5 s"),
)
async def test_healthy_contactor_raises_no_error_26_where_the_output_decays_slowly(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await bench.running()

    state = bench.gx.register("state")
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=milliseconds(100))
    await expect(bench.gx.register("error")).never(CONTACTOR_FAILURE, for_=CHECKED)
    await expect(state).is_(STANDBY)
