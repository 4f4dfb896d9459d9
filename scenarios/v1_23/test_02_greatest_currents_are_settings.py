"""v1.23-02: the greatest charge and discharge current that DVCC tells are settings.

Only the diagnostic tool 2.23 or a newer one changes them. Before, there were none.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [
    pytest.mark.item("v1.23-02"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=60),
]

TOLD_WITHIN = seconds(2)  # public: a register follows its change within 1 s; and as much again
OLD_TOOL, FIRST_TOOL = "2.22", "2.23"


@pytest.mark.parametrize(
    ("setting", "limit", "set_a", "full_a"),
    [
        pytest.param(
            "charge_current_max_a",
            "charge_current_limit_a",
            chosen(80.0, "well below what two batteries take"),
            chosen(230.0, "0.5 C of 460 Ah"),
            id="charge",
        ),
        pytest.param(
            "discharge_current_max_a",
            "discharge_current_limit_a",
            chosen(120.5, "well below what two batteries give"),
            chosen(460.0, "1 C of 460 Ah"),
            id="discharge",
        ),
    ],
)
async def test_limit_follows_its_setting_which_only_a_newer_tool_changes(
    bench: Bench, setting: str, limit: str, set_a: float, full_a: float
) -> None:
    async with bench.arrange():
        limit_a = bench.gx.register(limit)
        new_tool, old_tool = (bench.tool.of_release(name) for name in (FIRST_TOOL, OLD_TOOL))
        await bench.running()

    taken = await sets(bench, setting, set_a, new_tool)
    expect.that(f"tool {FIRST_TOOL} changes the setting", holds=taken)
    await expect(limit_a).becomes(set_a, within=TOLD_WITHIN)
    taken = await sets(bench, setting, 0.0, old_tool)
    expect.that(f"tool {OLD_TOOL} does not change the setting", holds=not taken)
    await expect(limit_a).stays(set_a, for_=seconds(7))
    taken = await sets(bench, setting, 0.0, new_tool)
    expect.that("the setting can be cleared", holds=taken)
    await expect(limit_a).becomes(full_a, within=TOLD_WITHIN)
