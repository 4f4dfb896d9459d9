"""v1.21-02: a combined system waits 13 s before it allows charge and discharge.

Meanwhile another system, which sees the voltage of the first, starts by itself. Before, there was
no such wait. A system that is not combined does not wait.
"""

import pytest

from rig import CLOSED, Bench, expect, milliseconds, seconds, together
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.21-02"), pytest.mark.needs(parallel=1)]

COMBINED, ON = 0x0377, b"\x01"  # public: VE.Can register
RUNNING = 9  # public: register 0x0371


async def test_charge_and_discharge_are_allowed_13_s_after_the_start(bench: Bench) -> None:
    async with bench.arrange():
        second = await bench.second_master(in_parallel=True)
        await bench.gx.write(COMBINED, ON)
        await sets(bench, "combined", 1, second.tool)
        await bench.wait(seconds(2))
        await bench.running()
        await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(2))

    await together(
        expect(bench.allow_charge).stays(False, for_=milliseconds(12_600)),
        expect(bench.allow_discharge).stays(False, for_=milliseconds(12_600)),
        expect(second.contactor).becomes(CLOSED, within=seconds(13)),
    )
    await together(
        expect(bench.allow_charge).becomes(True, within=milliseconds(800)),
        expect(bench.allow_discharge).becomes(True, within=milliseconds(800)),
    )


async def test_a_system_of_its_own_does_not_wait(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await expect(bench.allow_charge).becomes(True, within=seconds(2))
    await expect(bench.allow_discharge).becomes(True, within=seconds(2))
