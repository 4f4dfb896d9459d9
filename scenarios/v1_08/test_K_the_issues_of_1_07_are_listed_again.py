"""v1.08-K: the known issues of 1.07, listed again under each release up to 1.13, and gone in 1.14.

Claimed is the healthy behaviour: each test fails on every release that lists the issue.
"""

import pytest

from rig import Bench, UpdatePath, above, chosen, expect, milliseconds, seconds
from scenarios.procedures import (
    STATE_OF_CHARGE,
    outcome_on_a_busy_bus,
    says_its_version,
    tells,
)

pytestmark = pytest.mark.item("v1.08-K")
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
CONTACTOR_FAILURE = 26
BACK_WITHIN = chosen(seconds(30), "six of the 5 s periods in which registers are told")
CHECKED = chosen(seconds(20), "8 s until the contactor opens, and 10 s to see that it did")


async def test_k3_device_is_back_on_ve_can_after_a_gx_reboot(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await bench.gx.reboot()
    told = bench.ve_can.count(tells(bench, STATE_OF_CHARGE))
    await expect(told).becomes(above(0), within=BACK_WITHIN)
    await says_its_version(bench)


@pytest.mark.needs(
    link_capacitance_f=chosen(0.030, "condition A of v1.07-K1: less than 1 V down after 1 s"),
    link_bleed_ohm=chosen(2_000.0, "condition A of v1.07-K1: more than 1 V down after 5 s"),
)
async def test_k1_healthy_contactor_is_no_event_26(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    state = bench.gx.register("state")
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=milliseconds(500))
    await expect(bench.gx.register("error")).never(CONTACTOR_FAILURE, for_=CHECKED)
    await expect(state).is_(STANDBY)
    logged = [event.number for event in await bench.tool.events()]
    expect.that("the event log has no event 26", holds=CONTACTOR_FAILURE not in logged)


async def test_k2_update_is_completed_on_a_busy_bus(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.firmware()

    outcome = await outcome_on_a_busy_bus(bench, UpdatePath.TOOL)
    expect.that("on a busy bus an update is completed", holds=outcome.completed)
    await says_its_version(bench)
