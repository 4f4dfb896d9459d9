"""v1.34-06: a setting that the diagnostic tool or the app changes is broadcast as VREG.

Before, only who asked for its register was told.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.34-06"), pytest.mark.needs(parallel=1)]

STRATEGY = 0x0376  # public: communication guide
AT_ONCE = chosen(seconds(1.5), "on change within 1 s (public), and the tool's own exchange")
# The tool's name, the field of the register, and what it is not by default.
SETTINGS = (
    ("start_on_charger", "start_on_charger", 0),
    ("battery_strategy", "strategy", 1),
    ("batteries_parallel", "parallel_setting", 1),
    ("batteries_series", "series_setting", 1),
    ("sync_group", "sync_group", 2),
    ("combined", "combined_bms", 1),
)


async def test_a_setting_changed_by_the_tool_is_broadcast(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(2))

    for name, field, code in SETTINGS:
        await sets(bench, name, code)
        await expect(bench.gx.register(field)).becomes(code, within=AT_ONCE)


async def test_a_setting_changed_by_the_app_is_broadcast(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(2))

    await bench.app.write(STRATEGY, b"\x01")
    await expect(bench.gx.register("strategy")).becomes(1, within=AT_ONCE)
