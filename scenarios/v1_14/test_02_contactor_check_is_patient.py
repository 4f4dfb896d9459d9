"""v1.14-02: a healthy contactor logs no event 26 where the output decays slowly (condition A)."""

import pytest

from rig import Bench, chosen, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.14-02")
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
CONTACTOR_FAILURE = 26
CHECKED = chosen(seconds(20), "8 s until the contactor opens, and 10 s to see that it did")


@pytest.mark.needs(
    link_capacitance_f=chosen(0.030, "condition A: less than 1 V down after 1 s"),
    link_bleed_ohm=chosen(2_000.0, "condition A: more than 1 V down after 5 s"),
)
async def test_healthy_contactor_logs_no_event_26_where_the_output_decays_slowly(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await bench.running()

    state = bench.gx.register("state")
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=milliseconds(100))
    await bench.wait(CHECKED)
    logged = [event.number for event in await bench.tool.events()]
    expect.that("the event log has no event 26", holds=CONTACTOR_FAILURE not in logged)
    await expect(state).is_(STANDBY)
