"""v1.25-07: batteries read a long private bus without errors, and come back from bus-off.

On a bus with batteries of both kinds the errors come from those with the old firmware alone: they
end when the old battery is unplugged, and not when the new one is.
"""

import pytest

from rig import Bench, above, chosen, expect, other_than, seconds
from scenarios.procedures import says_its_version, started_if_it_can

pytestmark = pytest.mark.item("v1.25-07")

LONG_M = chosen(264.0, "near the longest for 250 kbit/s: old batteries sample it too early")
OLD = chosen("1.24", "the release before")
DRAWN_A = chosen(20.0, "enough that the batteries report all the time, also from 1.17 on")
LISTENS = chosen(seconds(15), "one frame in a hundred is misread by an old battery")


@pytest.mark.needs(private_bus_m=LONG_M)
async def test_no_errors_on_a_long_bus(bench: Bench) -> None:
    heard = bench.private_can.signal("private.status_counter", source=1)
    async with bench.arrange():
        await started_if_it_can(bench)  # 1.07 does not read so long a bus (v1.08-07)
        await bench.load.draw(DRAWN_A)
        errors = bench.private_can.errors()

    await expect(errors).stays(0, for_=LISTENS)
    await expect(heard).becomes(above(0), within=seconds(3))
    before = (await heard.read()).value
    await expect(heard).becomes(other_than(before), within=seconds(1))
    await says_its_version(bench)


@pytest.mark.needs(private_bus_m=LONG_M, parallel=3, battery_releases=(OLD, "", ""))
async def test_errors_of_a_mixed_bus_end_with_its_old_battery(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.load.draw(DRAWN_A)
        errors = bench.private_can.errors()
        await expect(errors).becomes(above(0), within=LISTENS)
        unplugged = await bench.inject("battery CAN cut", battery=1)
        await expect(bench.private_can.errors()).becomes(above(0), within=LISTENS)
        await unplugged.clear()
        await bench.inject("battery CAN cut", battery=0)
        await bench.wait(chosen(seconds(0.2), "a frame that was under way has broken off"))

    await expect(bench.private_can.errors()).stays(0, for_=seconds(8))
    await says_its_version(bench)


async def test_a_battery_comes_back_from_bus_off(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.load.draw(DRAWN_A)
        counter = bench.private_can.signal("private.status_counter", source=1)
        await expect(counter).becomes(above(0), within=seconds(3))
        disturbance = await bench.inject("battery CAN disturbed", battery=1)
        await bench.wait(chosen(seconds(2), "it is in bus-off, and not yet asleep"))
        await disturbance.clear()
        before = (await counter.read()).value

    await expect(counter).becomes(other_than(before), within=chosen(seconds(3), "as far as chosen"))
