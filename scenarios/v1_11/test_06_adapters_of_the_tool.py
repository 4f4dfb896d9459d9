"""v1.11-06: the diagnostic tool reaches the device over the CAN interface of this bench.

The drivers of its adapters are on the PC, so that every release passes alike.
"""

import pytest

from rig import Bench, chosen, expect
from scenarios.procedures import answer_or_none, sets

pytestmark = pytest.mark.item("v1.11-06")

LONG_TEXT = chosen(20, "characters: a text that takes several frames")


async def test_tool_reads_and_sets_over_this_interface(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    told = await answer_or_none(bench.tool.firmware())
    expect.that("the tool reads the release", holds=told == bench.firmware)
    try:
        explanation = await bench.tool.explanation("relay_function")
    except (RuntimeError, TimeoutError):
        explanation = ""
    expect.that("it reads a text of several frames", holds=len(explanation) >= LONG_TEXT)
    for code in (1, 0):
        expect.that("it sets a setting", holds=await sets(bench, "battery_strategy", code))
        kept = await answer_or_none(bench.tool.setting("battery_strategy"))
        expect.that("and reads it back", holds=kept == code)
