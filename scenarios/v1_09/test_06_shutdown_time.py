"""v1.09-06: the contactor opens 8 s after the user's stop request, in state 12; before, 2 s."""

import pytest

from rig import CLOSED, OPEN, Bench, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.09-06")
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371


async def test_contactor_opens_8_s_after_the_stop_request(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    state = bench.gx.register("state")
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=milliseconds(100))
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(7_700))
    await expect(state).is_(SHUTTING_DOWN)
    await expect(bench.contactor).becomes(OPEN, within=milliseconds(300))
    await expect(state).becomes(STANDBY, within=seconds(20))
