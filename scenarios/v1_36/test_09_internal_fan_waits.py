"""v1.36-09: the master's internal fan starts only once there is valid measurement data.

Before, it ran at each start until its temperature was known (the project's reading).
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.36-09"),
    pytest.mark.needs(hardware="Lynx Ion BMS 1000", parallel=1),
]

RUNNING = 9  # public: register 0x0371
HOT_C = chosen(60.0, "far above the 50 degC from which the fan runs")
MEASURED = chosen(seconds(2.5), "a temperature is averaged over 2 s first")


async def test_the_fan_does_not_run_at_the_start_of_a_cool_master(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.wait(seconds(2))

    await bench.press_start_stop()
    await expect(bench.fan).never(True, for_=seconds(10))
    await expect(state).becomes(RUNNING, within=seconds(30))
    await bench.inject("hot soak", temperature_c=HOT_C, reaching="surroundings")
    await expect(bench.fan).becomes(True, within=seconds(1))


async def test_the_fan_of_a_hot_master_starts_once_that_is_known(bench: Bench) -> None:
    async with bench.arrange():
        await bench.inject("hot soak", temperature_c=HOT_C, reaching="surroundings")
        await bench.wait(seconds(2))

    await bench.press_start_stop()
    await expect(bench.fan).becomes(True, within=MEASURED, after=seconds(1))
    await expect(bench.fan).stays(True, for_=seconds(20))
