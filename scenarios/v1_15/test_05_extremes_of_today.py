"""v1.15-05: the daily summary has four more values. Before, it had none of them.

The highest charge current, the highest discharge current, the highest and the lowest system
voltage.
"""

import math

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.15-05")

CHARGES_A, DRAWS_A = chosen((100.0, 150.0), "within what the batteries take and give")
OFF_A = chosen(1.5, "for the charger's settling and the device's own shunt")
OFF_V = chosen(0.06, "for the divider of the device, and what moves within a second")


async def test_the_summary_has_the_extremes_of_current_and_voltage(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.charger.charge(CHARGES_A, chosen(28.0, "above the batteries' voltage"))
        await bench.wait(seconds(30))
        highest_v = (await bench.system_voltage.read()).value
        await bench.charger.off()
        await bench.wait(seconds(5))
        await bench.load.draw(DRAWS_A)
        await bench.wait(seconds(30))
        lowest_v = (await bench.system_voltage.read()).value
        await bench.load.off()
        await bench.wait(seconds(5))

    told = await answer_or_none(bench.tool.today()) or {}
    for name, true, unit, off in (
        ("charge_current_a_max", CHARGES_A, "A", OFF_A),
        ("discharge_current_a_max", DRAWS_A, "A", OFF_A),
        ("system_voltage_v_max", highest_v, "V", OFF_V),
        ("system_voltage_v_min", lowest_v, "V", OFF_V),
    ):
        expect.measure(name, told.get(name, math.nan), unit, low=true - off, high=true + off)
