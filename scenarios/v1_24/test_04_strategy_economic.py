"""v1.24-04: the battery strategy that was called 'Default' is called 'Economic'."""

import pytest

from rig import Bench, expect
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.24-04")

FIRST = 0  # public: register 0x0376, 0 is the strategy in question and 1 is Performance


async def test_the_tool_shows_the_strategy_as_economic(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("battery_strategy", FIRST)

    names = await answer_or_none(bench.tool.choices("battery_strategy")) or {}
    chosen_code = await answer_or_none(bench.tool.setting("battery_strategy"))
    expect.that(
        f"the chosen strategy is shown as 'Economic', of {sorted(names.values())}",
        holds=chosen_code == FIRST and names.get(FIRST) == "Economic",
    )
    expect.that("none is called 'Default' any more", holds="Default" not in names.values())
