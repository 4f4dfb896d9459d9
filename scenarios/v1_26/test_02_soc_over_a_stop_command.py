"""v1.26-02: the state of charge is kept when a combined system is stopped by a command.

After it has restarted, which an update to the same release does, it tells what it told before.
Before, the value was lost: it began with 50 % (how it was lost is chosen).
"""

import math

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, seconds
from scenarios.procedures import beside_the_grid

pytestmark = [pytest.mark.item("v1.26-02"), pytest.mark.needs(parallel=1, soc_pct=75)]

COMBINED, YES = 0x0377, b"\x01"  # public: VE.Can register
DEVICE_MODE = chosen(0x0200, "v1.25-09a: the register that starts and stops")
OFF = b"\x04"  # public: device mode, VE.Direct HEX protocol
LOAD_A, LASTING = chosen((115.0, seconds(115)), "half of the capacity in an hour, for 1.6 %")
NEAR_PCT = chosen(0.1, "what the master's own consumption may take")


async def test_state_of_charge_is_the_same_after_stop_command_and_restart(bench: Bench) -> None:
    soc_pct = bench.gx.register("soc_pct")
    async with bench.arrange():
        await bench.gx.write(COMBINED, YES)
        await bench.running()
        await bench.load.draw(LOAD_A)
        await bench.wait(LASTING)
        await bench.load.off()
        await bench.wait(seconds(6))
        before_pct = (await soc_pct.read()).value
        await bench.gx.write(DEVICE_MODE, OFF)
        await bench.wait(seconds(20))  # stated: the contactor opens after 8 s (change log, 1.09)
        obeyed = (await bench.contactor.read()).value is OPEN
        await beside_the_grid(bench)
        await bench.install_release_under_test()

    await bench.press_start_stop()
    await expect(bench.contactor).becomes(CLOSED, within=seconds(30))
    await bench.wait(seconds(7))
    kept_pct = (await soc_pct.read()).value if obeyed else math.nan
    low_pct, high_pct = before_pct - NEAR_PCT, before_pct + NEAR_PCT
    expect.measure("state of charge", kept_pct, "%", low=low_pct, high=high_pct)
