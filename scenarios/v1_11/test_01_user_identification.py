"""v1.11-01: the tool gives each battery a name; the battery keeps it over a power cycle.

Before, the tool could not.
"""

import pytest

from rig import Bench, ToolRefused, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.11-01")

NAMES = chosen(("port side", "starboard, 2nd"), "a short one, and one of the greatest length")
AWAKE_AFTER = chosen(seconds(3), "a battery has started and is registered again")
RUNS_AFTER = chosen(seconds(15), "shutdown, registration, pre-charge, and a margin")


async def identity(bench: Bench, node: int) -> str:
    """The battery's name; nothing where the tool is told none."""
    try:
        return await bench.tool.battery_identity(node)
    except (ToolRefused, TimeoutError):
        return ""


async def test_batteries_keep_the_names_that_the_tool_gave_them(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    for node, name in enumerate(NAMES):
        try:
            await bench.tool.identify_battery(node, name)
        except (ToolRefused, TimeoutError):
            expect.that("the tool can name a battery", holds=False)
    supply = await bench.inject("battery supply cut", battery=0)
    await bench.wait(chosen(seconds(2), "its electronics have lost their supply"))
    await supply.clear()
    await bench.wait(AWAKE_AFTER)
    for _ in ("after the power cycle of one", "after that of the system"):
        for node, name in enumerate(NAMES):
            kept = await identity(bench, node) == name
            expect.that(f"battery {node} has its name", holds=kept)
        await bench.press_start_stop()
        await bench.wait(RUNS_AFTER)
        await bench.press_start_stop()
        await bench.wait(RUNS_AFTER)
