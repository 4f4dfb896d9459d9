"""v1.21-01: the shutdown that protects an almost discharged battery is one of the last errors, 18.

VE_REG_LAST_ERRORS (0x2110) begins with the newest. Before, it left this shutdown out.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.21-01"), pytest.mark.needs(parallel=1)]

LAST_ERRORS, UNDER_CHARGE_STANDBY = 0x2110, 18  # public: VE.Can register, and its code
ALMOST_DISCHARGED_V = chosen(3.00, "75 mV below the almost discharged level, far above the next")
IDLE = chosen(seconds(61 * 60), "1 h, and a minute: what the project takes for no use (v1.13-06)")


async def test_the_shutdown_that_protects_the_battery_is_the_last_error(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        bench.battery(0).cell(3).reads(ALMOST_DISCHARGED_V)

    await bench.wait(IDLE)
    await expect(bench.contactor).is_(OPEN)
    told = await bench.gx.request(LAST_ERRORS)
    newest = None if told is None else told.values.get("last_error_1")
    expect.that("the newest of the last errors is 18", holds=newest == UNDER_CHARGE_STANDBY)
    now = await bench.gx.request(0x2101)  # public: the error of this moment
    expect.that("it is no error of this moment", holds=now is not None and now.values["error"] == 0)
