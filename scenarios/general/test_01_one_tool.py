"""general-01: the Diagnostic tool configures and updates every release.

The 'Lynx Ion BMS Tool' that it replaces is not needed for any of them.
"""

import pytest

from rig import Bench, chosen, expect
from scenarios.procedures import answer_or_none, sets, starts

pytestmark = [
    pytest.mark.item("general-01"),
    pytest.mark.needs(starts_on=chosen("1.07", "the oldest that is listed")),
]


async def test_tool_configures_and_updates_this_release(bench: Bench) -> None:
    async with bench.arrange():
        pass

    told = await answer_or_none(bench.tool.firmware())
    expect.that("the device has the oldest release", holds=told == "1.07")
    await bench.install_release_under_test()
    told = await answer_or_none(bench.tool.firmware())
    expect.that("the tool has installed the release", holds=told == bench.firmware)
    for code in (1, 0):
        expect.that("the tool sets a setting", holds=await sets(bench, "battery_strategy", code))
        kept = await answer_or_none(bench.tool.setting("battery_strategy"))
        expect.that("and reads it back", holds=kept == code)
    await starts(bench)
