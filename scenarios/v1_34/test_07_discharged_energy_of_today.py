"""v1.34-07: discharged energy of today is the integral of the power that is drawn.

Before, it deviated; how is not told: the charge, as if at the nominal voltage (chosen).
That a new day begins with nothing is not shown here.
"""

import math

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = [
    pytest.mark.item("v1.34-07"),
    # Full NMC cells are 15 % above their nominal voltage.
    pytest.mark.needs(battery="HE200", parallel=1, soc_pct=95),
]

PARTS_A = chosen((60.0, 150.0, 30.0), "within what the battery gives, and unlike one another")
EACH_S = chosen(100, "a hundred watt-hours or so in all, which the tool tells to one")
OFF_PCT = chosen(2.5, "the device's shunt and dividers, a fifth of how far the voltage is off")


async def test_it_is_the_integral_of_the_discharge_power(bench: Bench) -> None:
    true_kwh = 0.0
    async with bench.arrange():
        await bench.running()
        before = await answer_or_none(bench.tool.today()) or {}
        for draw_a in PARTS_A:
            await bench.load.draw(draw_a)
            for _ in range(EACH_S // 20):
                await bench.wait(seconds(20))
                current_a = (await bench.load.current.read()).value
                voltage_v = (await bench.battery_voltage.read()).value
                true_kwh += current_a * voltage_v * 20 / 3.6e6
        await bench.load.off()
        # What is charged is no discharge, and does not take away from it.
        await bench.charger.charge(chosen(40.0, "some charge"), chosen(29.0, "as far as it goes"))
        await bench.wait(seconds(60))

    told = await answer_or_none(bench.tool.today()) or {}
    expect.measure(
        "discharged energy of today, more than before",
        told.get("discharged_kwh", math.nan) - before.get("discharged_kwh", 0.0),
        "kWh",
        low=true_kwh * (1 - OFF_PCT / 100),
        high=true_kwh * (1 + OFF_PCT / 100),
    )
