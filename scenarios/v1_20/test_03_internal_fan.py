"""v1.20-03: the internal fan of the 1000 A master has a hysteresis, and does not chatter.

On above 50, off below 45 degC (both chosen: the log says only that its control was updated).
Before, one threshold did for both.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.20-03"),
    pytest.mark.needs(hardware="Lynx Ion BMS 1000", parallel=1),
]

COOL_C, WARM_C, ABOVE_OFF_C, BELOW_OFF_C = chosen(
    (49.6, 50.4, 45.4, 44.6), "on both sides of the project's 50 and 45 degC"
)
REACTION, KEPT = chosen((seconds(1), seconds(5)), "ten periods of the control; five times that")


async def it_is(bench: Bench, temperature_c: float) -> None:
    """Inside the master it has this temperature; the batteries follow slowly."""
    await bench.inject("hot soak", temperature_c=temperature_c, reaching="surroundings")


async def test_the_fan_runs_above_one_temperature_until_below_another(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await it_is(bench, 30.0)
        await bench.wait(seconds(5))

    await expect(bench.fan).is_(False)
    await it_is(bench, COOL_C)
    await expect(bench.fan).stays(False, for_=KEPT)
    await it_is(bench, WARM_C)
    await expect(bench.fan).becomes(True, within=REACTION)
    for _ in range(5):
        await it_is(bench, COOL_C)
        await expect(bench.fan).stays(True, for_=KEPT)
        await it_is(bench, WARM_C)
        await expect(bench.fan).stays(True, for_=KEPT)
    await it_is(bench, ABOVE_OFF_C)
    await expect(bench.fan).stays(True, for_=KEPT)
    await it_is(bench, BELOW_OFF_C)
    await expect(bench.fan).becomes(False, within=REACTION)
    await it_is(bench, ABOVE_OFF_C)
    await expect(bench.fan).stays(False, for_=KEPT)
