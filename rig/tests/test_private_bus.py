"""The private bus of a whole system: its load, a full bus, a babbling node, loss and return."""

import asyncio

import pytest

from rig.can.frame import Frame
from rig.expect import above, expect, other_than
from rig.faults.tests.stand import bench_of
from rig.kernel import seconds
from rig.tests.virtual import virtual
from rig.views import CLOSED, OPEN

FRAME_US, REPORT_FRAMES = 536.0, 4  # of an LFP battery, with the gap after each
MOST_BATTERIES = 38  # that report ten times a second; with more of them each does less often
FIRST, LAST = 0x18000000, 0x1FFFFF00  # more, and less, urgent than whatever is said there


async def load_while_current_flows(batteries):
    async with bench_of(parallel=batteries) as (bench, _parts):
        await bench.running()
        await bench.load.draw(60.0)
        await asyncio.sleep(2)
        return await bench.private_can.load_pct(over_s=4)


@pytest.mark.parametrize("batteries", [1, 4, 16, 38, 60])
def test_load_follows_the_number_of_batteries_up_to_five_sixths(batteries):
    loads = []

    @virtual
    async def measured():
        loads.append(await load_while_current_flows(batteries))

    measured()
    reports = min(batteries, MOST_BATTERIES) * REPORT_FRAMES * 10
    assert loads[0] == pytest.approx(reports * FRAME_US / 1e4, rel=0.06, abs=0.6)


def babble(parts, identifier, until_us):
    """A node that says the same as often as the wire lets it."""
    node = parts._system.private.attach("babbler", None)

    def again():
        node.send(Frame(identifier, bytes(8), True))
        if parts.kernel.now_us < until_us:
            parts.kernel.after(400, again)

    again()


@virtual
async def test_a_babbling_node_of_the_lowest_priority_harms_nobody():
    async with bench_of(parallel=2) as (bench, parts):
        await bench.running()
        babble(parts, LAST, parts.kernel.now_us + seconds(3))

        assert await bench.private_can.load_pct(over_s=2) > 97
        counter = bench.private_can.signal("private.status_counter", 0)
        await expect(counter).becomes(above(0), within=seconds(2))
        await asyncio.sleep(2)
        await expect(bench.gx.register("error")).is_(0)
        await expect(bench.contactor).is_(CLOSED)


@virtual
async def test_a_babbling_node_of_the_highest_priority_ends_in_fail_safe():
    async with bench_of(parallel=2) as (bench, parts):
        await bench.running()
        babble(parts, FIRST, parts.kernel.now_us + seconds(33))
        await asyncio.sleep(29)
        await expect(bench.contactor).is_(CLOSED)

        await expect(bench.gx.register("error")).becomes(39, within=seconds(3))
        await expect(bench.contactor).becomes(OPEN, within=seconds(6))


@pytest.mark.parametrize("away_s", [3, 8], ids=["still awake", "asleep meanwhile"])
def test_a_battery_that_was_away_is_heard_again(away_s):
    @virtual
    async def away():
        async with bench_of(parallel=2) as (bench, _parts):
            await bench.running()
            counter = bench.private_can.signal("private.status_counter", 1)
            await expect(counter).becomes(above(0), within=seconds(2))
            wire = await bench.inject("battery CAN cut", battery=1)
            await asyncio.sleep(away_s)
            before = counter.latest.value
            await wire.clear()

            await expect(counter).becomes(other_than(before), within=seconds(4))
            await asyncio.sleep(30)
            await expect(bench.gx.register("error")).is_(0)
            await expect(bench.contactor).is_(CLOSED)

    away()
