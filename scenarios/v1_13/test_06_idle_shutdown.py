"""v1.13-06: almost discharged and no energy flowing for 1 h: shut down; never while energy flows.

No flow is less than 1 A either way; both are of the project's own choice. Before, a small charge
passed for no flow, and the system shut down while it was charged. The lowest cell reads almost
discharged all the time, whatever flows.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.13-06"),
    pytest.mark.needs(parallel=1),
]
RUNNING, SHUTTING_DOWN = 9, 12  # public: register 0x0371
ALMOST_DISCHARGED_V = chosen(3.00, "75 mV below the almost discharged level, far above the next")
LIMIT_V = chosen(28.0, "above the battery's voltage, below 3500 mV a cell")
FLOWING_A, NOT_FLOWING_A = chosen((1.3, 0.75), "a small current, and one that is none")
SETTING_TIME = seconds(10)  # public: LFP series manual, until almost discharged is set
SHORTER, LONGER = chosen((seconds(59 * 60), seconds(61 * 60)), "1 h, less and plus a minute")


async def almost_discharged(bench: Bench) -> None:
    """To the instant at which the level is set."""
    await bench.running()
    bench.battery(0).cell(3).reads(ALMOST_DISCHARGED_V)
    await bench.wait(SETTING_TIME)


async def test_1_h_without_energy_flow_shuts_it_down_and_none_with_it(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await almost_discharged(bench)

    await bench.charger.charge(FLOWING_A, LIMIT_V)
    await bench.wait(LONGER)
    await expect(state).is_(RUNNING)
    await bench.charger.off()
    await bench.load.draw(FLOWING_A)
    await bench.wait(LONGER)
    await expect(state).is_(RUNNING)
    await bench.load.draw(NOT_FLOWING_A)
    await bench.wait(SHORTER)
    await expect(state).is_(RUNNING)
    await expect(state).becomes(SHUTTING_DOWN, within=LONGER - SHORTER)


async def test_charge_of_less_than_1_a_is_no_energy_flow(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await almost_discharged(bench)

    await bench.charger.charge(NOT_FLOWING_A, LIMIT_V)
    await bench.wait(SHORTER)
    await expect(state).is_(RUNNING)
    await expect(state).becomes(SHUTTING_DOWN, within=LONGER - SHORTER)
