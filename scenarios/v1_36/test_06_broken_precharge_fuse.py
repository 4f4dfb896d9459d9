"""v1.36-06: a broken pre-charge fuse is told apart; before, it was a failed pre-charge, event 25.

Told is error 11, hardware failure, and the event of a broken fuse: 65, of the project's own choice.
A failed pre-charge is still event 25.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.36-06")
RUNNING, STANDBY = 9, 14  # public: register 0x0371
NO_ERROR, HARDWARE_FAILURE, PRE_CHARGE_FAULT = 0, 11, 25  # public: register 0x2101
FUSE_BROKEN = chosen(65, "the number after that of the charger, above the public errors")
STARTED_WITHIN = chosen(seconds(60), "longer than a start with the longest pre-charge")


async def logged(bench: Bench) -> list[int]:
    """The numbers of the event log."""
    return [event.number for event in await bench.tool.events()]


async def test_broken_fuse_is_reported_as_such_until_it_is_replaced(bench: Bench) -> None:
    state, error = bench.gx.register("state"), bench.gx.register("error")
    async with bench.arrange():
        fuse = await bench.inject("pre-charge fuse blown")

    await bench.press_start_stop()
    await expect(error).becomes(HARDWARE_FAILURE, within=STARTED_WITHIN)
    numbers = await logged(bench)
    expect.that("the event log has a broken fuse", holds=FUSE_BROKEN in numbers)
    expect.that("it has no failed pre-charge", holds=PRE_CHARGE_FAULT not in numbers)

    await bench.press_start_stop()
    await expect(state).becomes(STANDBY, within=seconds(10))
    await fuse.clear()
    await bench.press_start_stop()
    await expect(state).becomes(RUNNING, within=STARTED_WITHIN)
    await expect(bench.contactor).becomes(CLOSED, within=seconds(1))
    await expect(error).is_(NO_ERROR)
    expect.that("no second fuse is reported", holds=(await logged(bench)).count(FUSE_BROKEN) == 1)


@pytest.mark.needs(
    link_load_ohm=chosen(2.0, "holds the system bus down, whatever comes through the pre-charge"),
)
async def test_precharge_that_fails_for_another_reason_is_event_25(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await bench.press_start_stop()
    await expect(bench.gx.register("error")).becomes(PRE_CHARGE_FAULT, within=STARTED_WITHIN)
    expect.that("the event log has no broken fuse", holds=FUSE_BROKEN not in await logged(bench))
