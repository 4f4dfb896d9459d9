"""v1.25-06: after bus-off on the private bus the master comes back by itself, and reports it.

Its attempts get rarer while the disturbance lasts. Before, it stayed away until it was restarted,
and the system ended in fail-safe.
"""

import pytest

from rig import CLOSED, Bench, above, chosen, expect, other_than, seconds
from scenarios.procedures import RUNNING, new_events

pytestmark = pytest.mark.item("v1.25-06")

LASTS = chosen(seconds(1), "several attempts, and no battery falls asleep meanwhile")
BACK_WITHIN = chosen(seconds(4), "as long again as the disturbance has lasted, at most")
UNNOTICED_FOR = chosen(seconds(40), "a lost battery is an error within that time (v1.12-01)")


async def test_master_leaves_bus_off_with_rarer_attempts_and_logs_it(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        logged = len(await bench.tool.events())
        beacon = bench.private_can.signal("private.beacon_counter")
        await expect(beacon).becomes(above(0), within=seconds(2))
        errors = bench.private_can.errors()

    disturbance = await bench.inject("master CAN disturbed")
    await bench.wait(LASTS)
    first = (await errors.read()).value
    await bench.wait(LASTS)
    later = (await errors.read()).value - first
    expect.that("it tries to come back while it is disturbed", holds=later > 0)
    expect.that("its attempts get rarer", holds=later < first)
    await disturbance.clear()
    last = (await beacon.read()).value
    await expect(beacon).becomes(other_than(last), within=BACK_WITHIN)
    await bench.wait(UNNOTICED_FOR)
    await expect(bench.gx.register("state")).is_(RUNNING)
    await expect(bench.contactor).is_(CLOSED)
    expect.that("the log tells of it", holds=bool(await new_events(bench, logged)))
