"""v1.13-02: the fans of HE batteries run above 30 degC and stop below 29 (Default strategy).

In Performance they run above 35 degC and stop below 34. Before, one temperature did for both.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.13-02"), pytest.mark.needs(battery="HE100", parallel=1)]

# The strategy by its code (public: register 0x0376), because 1.24 renames one.
STRATEGIES = [
    pytest.param(0, 30.0, 29.0, id="default"),
    pytest.param(1, 35.0, 34.0, id="performance"),
]
MILD_C, WARM_C = chosen((25.0, 40.0), "below, and above, every threshold")
BESIDE_K = chosen(0.5, "less than the degree between a pair, more than the resolution")


@pytest.mark.parametrize(("strategy", "on_above_c", "off_below_c"), STRATEGIES)
async def test_fan_runs_above_one_threshold_until_below_the_other(
    bench: Bench, strategy: int, on_above_c: float, off_below_c: float
) -> None:
    battery = bench.battery(0)
    async with bench.arrange():
        fan = battery.fan
        await bench.tool.set("battery_strategy", strategy)
        await bench.power_cycle()  # before 1.23 it took effect when the master was started
        await bench.running()
        # Before 1.11 the fans ran on after their test until they had once been needed (v1.11-05).
        battery.temperature_reads(WARM_C)
        await bench.wait(chosen(seconds(10), "the test has ended, too"))
        battery.temperature_reads(MILD_C)
        await expect(fan).becomes(0, within=seconds(30))

    battery.temperature_reads(on_above_c - BESIDE_K)
    await expect(fan).stays(0, for_=seconds(5))
    battery.temperature_reads(on_above_c + BESIDE_K)
    await expect(fan).becomes(1, within=seconds(2))
    battery.temperature_reads(off_below_c + BESIDE_K)
    await expect(fan).stays(1, for_=seconds(5))
    battery.temperature_reads(off_below_c - BESIDE_K)
    await expect(fan).becomes(0, within=seconds(2))
