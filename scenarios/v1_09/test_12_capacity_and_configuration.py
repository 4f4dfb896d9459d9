"""v1.09-12: capacity and configuration are not available until every battery has registered.

Then they are right, and not available again once the system is off. Before, they were zero without
batteries (chosen: the log says only that their invalidation was fixed).
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.09-12"), pytest.mark.needs(parallel=2)]

CAPACITY, CONFIGURATION = 0x1000, 0x0380  # public: VE.Can registers
NO_CAPACITY, NO_CONFIGURATION = b"\xff\xff", b"\xff\xff\xff\xff"
AH, SHAPE = 2 * 230, (2, 8, 2, 1)  # public: data sheet of the battery; two of eight cells
REGISTERING = chosen(seconds(1), "batteries have heard the call, and the time to register goes on")


async def knows_no_system(bench: Bench) -> None:
    """Claim: it answers requests for both registers by 'not available'."""
    for register, nothing in ((CAPACITY, NO_CAPACITY), (CONFIGURATION, NO_CONFIGURATION)):
        answer = await bench.gx.request(register)
        told = None if answer is None or answer.kind != "data" else answer.raw[: len(nothing)]
        expect.that(f"register {register:#06x} is not available", holds=told == nothing)


async def knows_its_system(bench: Bench) -> None:
    """Claim: both registers become those of the batteries that are there."""
    gx = bench.gx
    await expect(gx.register("capacity_ah")).becomes(AH, within=seconds(5))
    fields = ("batteries", "cells_per_battery", "parallel", "series")
    for field, value in zip(fields, SHAPE, strict=True):
        await expect(gx.register(field)).becomes(value, within=seconds(2))


async def test_both_are_not_available_before_and_right_after_registration(bench: Bench) -> None:
    async with bench.arrange():
        await bench.wait(seconds(2))

    await knows_no_system(bench)
    await bench.press_start_stop()
    await bench.wait(REGISTERING)
    await knows_no_system(bench)
    await knows_its_system(bench)


async def test_both_are_not_available_when_the_system_is_off_again(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.stopped()
        await bench.wait(seconds(10))

    await knows_no_system(bench)
    await bench.press_start_stop()
    await knows_its_system(bench)
