"""v1.38-03: what is tracked is saved when a fail-safe triggers.

Power is cut right after, and nothing up to the trigger is lost. Before, what came since the last
save was.
"""

import math

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.38-03")

DRAWS_A = chosen(150.0, "within what the batteries give")
LASTS = chosen(seconds(300), "shorter than the quarter of an hour after which it is saved anyhow")
OVER_TEMPERATURE = 15  # public: register 0x2101
TOO_HOT_C = chosen(70.0, "beyond every limit of a cell")
LOST_KWH = chosen(0.004, "of some 0.35: what flows from the trigger to the cut")


async def test_nothing_up_to_the_trigger_is_lost(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.load.draw(DRAWS_A)
        await bench.wait(LASTS)
        for battery in bench.batteries:
            battery.temperature_reads(TOO_HOT_C)
        await expect(bench.gx.register("error")).becomes(OVER_TEMPERATURE, within=seconds(40))
        before = await bench.tool.history()
        today = await bench.tool.today()

    await bench.power_cycle()
    await bench.wait(seconds(2))
    after = await answer_or_none(bench.tool.history()) or {}
    after_today = await answer_or_none(bench.tool.today()) or {}
    expect.measure(
        "discharged energy that is still known",
        after.get("discharged_kwh", math.nan),
        "kWh",
        low=before["discharged_kwh"] - LOST_KWH,
        high=before["discharged_kwh"],
    )
    for name in ("voltage_v_min", "temperature_c_max", "cell_voltage_v_min"):
        same = abs(after.get(name, math.nan) - before[name]) < 0.01
        expect.that(f"{name} is still known", holds=same)
    same = abs(after_today.get("discharged_kwh", math.nan) - today["discharged_kwh"]) <= LOST_KWH
    expect.that("the summary of today is still known", holds=same)
