"""v1.23-03: a contactor that does not close is event 26, a failed pre-charge 25; before, both 25.

That a welded contactor is event 26 is v1.15-01's.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.23-03")
PRE_CHARGE_FAULT, CONTACTOR_FAULT = 25, 26  # public: register 0x2101
GOING_TO_RUN = 15  # public: register 0x0371
AFTER_ITS_COIL = chosen(seconds(0.9), "the contact is waited for for 0.5 s")
STARTED_WITHIN = chosen(seconds(60), "longer than a start with the longest pre-charge")


async def expect_error_and_event(
    bench: Bench, number: int, after_going_to_run: int | None = None
) -> None:
    """Claim: a start ends with this error, which is in the event log as well."""
    await bench.press_start_stop()
    error = bench.gx.register("error")
    if after_going_to_run is not None:
        await expect(bench.gx.register("state")).becomes(GOING_TO_RUN, within=STARTED_WITHIN)
        await expect(error).becomes(number, within=after_going_to_run)
    await expect(error).becomes(number, within=STARTED_WITHIN)
    logged = [event.number for event in await bench.tool.events()]
    expect.that(f"the event log has event {number}, once", holds=logged.count(number) == 1)
    await expect(error).stays(number, for_=seconds(8))
    await expect(bench.contactor).is_(OPEN)


async def test_contactor_that_does_not_close_is_event_26(bench: Bench) -> None:
    async with bench.arrange():
        await bench.inject("contactor stuck open")

    await expect_error_and_event(bench, CONTACTOR_FAULT, AFTER_ITS_COIL)


@pytest.mark.needs(
    link_load_ohm=chosen(2.0, "holds the system bus down, whatever comes through the pre-charge"),
)
async def test_failed_precharge_is_event_25(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await expect_error_and_event(bench, PRE_CHARGE_FAULT)
