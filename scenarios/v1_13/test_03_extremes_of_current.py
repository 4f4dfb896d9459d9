"""v1.13-03: the highest and the lowest current are tracked values. Before, they were not.

Charging is positive.
"""

import math

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.13-03")

CHARGES_A, DRAWS_A = chosen((60.0, 90.0), "within what the batteries take and give")
LESS_A = chosen(20.0, "smaller currents come afterwards, and change nothing")
OFF_A = chosen(1.5, "for the charger's settling and the device's own shunt")


async def test_highest_and_lowest_current_are_told(bench: Bench) -> None:
    voltage_v = chosen(28.0, "above the batteries' voltage")
    async with bench.arrange():
        await bench.running()
        await bench.charger.charge(CHARGES_A, voltage_v)
        await bench.wait(seconds(15))
        await bench.charger.charge(LESS_A, voltage_v)
        await bench.wait(seconds(15))
        await bench.charger.off()
        await bench.load.draw(DRAWS_A)
        await bench.wait(seconds(15))
        await bench.load.draw(LESS_A)
        await bench.wait(seconds(15))

    told = await answer_or_none(bench.tool.history()) or {}
    for name, true_a in (("current_a_max", CHARGES_A), ("current_a_min", -DRAWS_A)):
        expect.measure(name, told.get(name, math.nan), "A", low=true_a - OFF_A, high=true_a + OFF_A)
