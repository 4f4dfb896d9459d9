"""v1.18-01: combined systems feed the same loads; when one opens or fails, the bus stays fed.

Two systems in parallel, one load that either can carry; a GX device finds limits to steer by. The
system under test is stopped, and it fails. Before, register 0x0377 was unknown.
"""

import pytest

from rig import CLOSED, OPEN, Bench, above, chosen, expect, milliseconds, seconds
from rig.bench import SecondMaster

pytestmark = [pytest.mark.item("v1.18-01"), pytest.mark.needs(parallel=1)]

COMBINED, ON = 0x0377, b"\x01"  # public: VE.Can register
LOAD_A = chosen(60.0, "either battery of 230 Ah carries it alone")
CRITICAL_V = chosen(3.70, "above the critical level of LFP, 3650 mV")
FED_V = chosen(25.0, "less than a loaded LFP battery has, far more than an unfed bus")


async def combine(bench: Bench, second: SecondMaster) -> None:
    """Claim: both are set to work with others, and start; the load is shared."""
    answer = await bench.gx.write(COMBINED, ON)
    expect.that(
        "the device takes the setting 0x0377", holds=answer is not None and answer.code == 0
    )
    await second.tool.set("combined", 1)
    await bench.press_start_stop()
    await expect(bench.contactor).becomes(CLOSED, within=seconds(30))
    await expect(second.contactor).becomes(CLOSED, within=seconds(30))  # by itself: it sees a bus
    await bench.wait(seconds(15))
    await bench.load.draw(LOAD_A)
    for limit in ("charge_current_limit_a", "discharge_current_limit_a"):
        await expect(bench.gx.register(limit)).becomes(above(10.0), within=seconds(6))
    shared_a = chosen(above(-0.8 * LOAD_A), "the other carries a good part of it")
    await expect(bench.gx.register("current_a")).becomes(shared_a, within=seconds(7))


async def stays_fed(bench: Bench, second: SecondMaster) -> None:
    """Claim: the other carries the load alone."""
    await expect(bench.contactor).becomes(OPEN, within=seconds(60))
    await expect(second.contactor).is_(CLOSED)
    await expect(bench.system_voltage).stays(above(FED_V), for_=seconds(20))
    load_a = (await bench.load.current.read()).value
    expect.measure("load that is carried", load_a, "A", low=LOAD_A - 1.0, high=LOAD_A + 1.0)


async def test_the_bus_stays_fed_when_one_system_is_stopped(bench: Bench) -> None:
    async with bench.arrange():
        second = await bench.second_master(in_parallel=True)

    await combine(bench, second)
    await bench.press_start_stop()
    await stays_fed(bench, second)
    await expect(bench.gx.register("state")).becomes(14, within=seconds(15))  # public: 0x0371


async def test_the_bus_stays_fed_when_one_system_fails(bench: Bench) -> None:
    async with bench.arrange():
        second = await bench.second_master(in_parallel=True)

    await combine(bench, second)
    bench.battery(0).cell(1).reads(CRITICAL_V)
    await expect(bench.gx.register("error")).becomes(13, within=seconds(60))  # public: 0x2101
    await stays_fed(bench, second)
    await expect(bench.system_voltage).stays(above(FED_V), for_=milliseconds(500))
