"""v1.16-02: the tool shows an explanation for every setting, beside unit, limits and default.

It is a property of the settings table, and no edge between releases.
"""

import pytest

from rig import Bench, ToolRefused, chosen, expect

pytestmark = pytest.mark.item("v1.16-02")

WORDS = chosen(4, "an explanation is a sentence")
FEWEST = chosen(5, "each release has more settings than these")
NUMBERS = ("_a", "_c", "_v", "_pct")  # a setting with a unit names it last


async def test_every_setting_has_its_explanation(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    explained = []
    for name in bench.tool.names:
        try:
            await bench.tool.setting(name)
        except ToolRefused:
            continue  # this release has no such setting
        except TimeoutError:
            break
        try:
            about = await bench.tool.about(name)
        except (ToolRefused, TimeoutError, ValueError):
            expect.that(f"the tool tells about {name}", holds=False)
            return
        words = about.explanation.split()
        expect.that(f"{name} is explained", holds=len(words) >= WORDS)
        within = about.lowest <= about.default <= about.highest
        expect.that(f"the default of {name} is within its limits", holds=within)
        has_unit = bool(about.unit) is name.endswith(NUMBERS)
        expect.that(f"{name} has the unit that it needs", holds=has_unit)
        explained.append(about.explanation)
    expect.that("there are settings to explain", holds=len(explained) >= FEWEST)
    expect.that("no two explanations are the same", holds=len(set(explained)) == len(explained))
