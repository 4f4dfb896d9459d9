"""v1.15-01: a healthy contactor raises no event 26, however slowly the output decays.

A welded one does. Condition B: the output falls with a time constant of 200 s, so that 5 s after
the contactor has opened it is still within 1 V of the battery.
"""

import pytest

from rig import Bench, chosen, expect, milliseconds, seconds

pytestmark = [
    pytest.mark.item("v1.15-01"),
    pytest.mark.needs(
        link_capacitance_f=chosen(0.100, "condition B: less than 1 V down after 5 s"),
        link_bleed_ohm=chosen(2_000.0, "condition B: more than 0.2 V down after 10 s"),
    ),
]
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
CONTACTOR_FAILURE = 26
CHECKED = chosen(seconds(20), "8 s until the contactor opens, and 10 s to see that it did")
CHECKED_BY = chosen(seconds(19), "these 18 s, and one in which it is told")


async def test_healthy_contactor_raises_no_event_26_where_the_output_hardly_decays(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await bench.running()

    state = bench.gx.register("state")
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=milliseconds(100))
    await expect(bench.gx.register("error")).never(CONTACTOR_FAILURE, for_=CHECKED)
    await expect(state).is_(STANDBY)
    logged = [event.number for event in await bench.tool.events()]
    expect.that("the event log has no event 26", holds=CONTACTOR_FAILURE not in logged)


async def test_welded_contactor_raises_event_26(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        bench.contactor_welds()

    await bench.press_start_stop()
    await expect(bench.gx.register("error")).becomes(CONTACTOR_FAILURE, within=CHECKED_BY)
    logged = [event.number for event in await bench.tool.events()]
    expect.that("the event log has event 26", holds=CONTACTOR_FAILURE in logged)
