"""v1.17-05: VE.Can has the device state and the combined state.

The combined state is told while the system pre-charges, 1, and runs, 2, and in no other state.
Before, both registers were unknown. The codes of the device state are chosen.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import tells

pytestmark = [pytest.mark.item("v1.17-05"), pytest.mark.needs(parallel=1)]

DEVICE_STATE, COMBINED_STATE = 0x0201, 0x0378  # public: VE.Can registers
PRE_CHARGING, RUNNING = 1, 2  # public: combined state
OFF, UNDER_CONTROL = chosen((0, 252), "the codes of the public VE.Direct protocol")
NOT_AVAILABLE = 0xFF


async def first_byte(bench: Bench, register: int) -> int | None:
    """What a request for a register is answered with; None for a refusal, or nothing."""
    answer = await bench.gx.request(register)
    return None if answer is None or answer.kind != "data" else answer.raw[0]


async def test_both_states_are_told_from_the_start_to_the_stop(bench: Bench) -> None:
    combined = bench.gx.register("combined_state")
    async with bench.arrange():
        await bench.wait(seconds(2))

    holds = await first_byte(bench, DEVICE_STATE) == OFF
    expect.that("asked for its device state, it says that it is off", holds=holds)
    holds = await first_byte(bench, COMBINED_STATE) == NOT_AVAILABLE
    expect.that("it has no combined state yet", holds=holds)

    await bench.press_start_stop()
    await expect(combined).becomes(PRE_CHARGING, within=seconds(15))
    await expect(combined).becomes(RUNNING, within=seconds(30))
    holds = await first_byte(bench, DEVICE_STATE) == UNDER_CONTROL
    expect.that("its device state says that it runs", holds=holds)

    told = bench.ve_can.count(tells(bench, COMBINED_STATE))
    await bench.wait(seconds(6))
    expect.measure("broadcasts while it runs", told.latest.value if told.latest else 0, "", low=1)
    await bench.press_start_stop()
    await bench.wait(seconds(20))
    told = bench.ve_can.count(lambda frame: frame.data[2:4] == b"\x78\x03")
    await bench.wait(seconds(10))
    expect.measure(
        "broadcasts while it is off", told.latest.value if told.latest else 0, "", high=0
    )
    holds = await first_byte(bench, DEVICE_STATE) == OFF
    expect.that("its device state says that it is off again", holds=holds)
