"""v1.32-05b: a pressed emergency stop shows as error 38 of VE_REG_BMS_ERROR (0x2101).

It opens the contactor directly; that it is an input of its own is the project's choice. Before, it
showed as the contactor's error 26.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, milliseconds, seconds

pytestmark = [pytest.mark.item("v1.32-05b"), pytest.mark.needs(parallel=1)]

EMERGENCY_STOP = 38  # public: register 0x2101
DIRECTLY = chosen(milliseconds(500), "a tenth of the delay of a protective opening")
AT_ONCE = chosen(seconds(2), "a change is told within 1 s")


async def test_a_pressed_emergency_stop_shows_as_error_38(bench: Bench) -> None:
    error = bench.gx.register("error")
    async with bench.arrange():
        await bench.running()
        await expect(error).is_(0)

    await bench.press_emergency_stop()
    await expect(bench.contactor).becomes(OPEN, within=DIRECTLY)
    await expect(error).becomes(EMERGENCY_STOP, within=AT_ONCE)
    await bench.release_emergency_stop()
    await expect(error).stays(EMERGENCY_STOP, for_=seconds(5))


async def test_a_start_with_a_pressed_emergency_stop_ends_with_error_38(bench: Bench) -> None:
    error = bench.gx.register("error")
    async with bench.arrange():
        await bench.press_emergency_stop()

    await bench.press_start_stop()
    await expect(error).becomes(EMERGENCY_STOP, within=seconds(30))
    await expect(bench.contactor).is_(OPEN)
    await bench.release_emergency_stop()
    await bench.press_start_stop()
    await expect(error).becomes(0, within=AT_ONCE)
    await bench.wait(seconds(1))
    await bench.press_start_stop()
    await expect(bench.contactor).becomes(CLOSED, within=seconds(30))
