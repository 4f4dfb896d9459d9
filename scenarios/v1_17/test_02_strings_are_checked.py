"""v1.17-02: the strings of batteries are compared with the configuration before the start.

A string that lacks a battery, a wrong number of batteries or another shape than the configured one
ends the start with error 5. Before, the total alone was compared.
"""

import pytest

from rig import Bench, expect, seconds
from scenarios.procedures import is_refused, starts

pytestmark = pytest.mark.item("v1.17-02")

WRONG_NUMBER = 5  # public: register 0x2101


@pytest.mark.needs(series=2, parallel=2, link_bleed_ohm=2_000)
async def test_a_string_that_lacks_a_battery_is_refused(bench: Bench) -> None:
    async with bench.arrange():
        bench.battery(3).fall_silent()

    await is_refused(bench, WRONG_NUMBER)


@pytest.mark.needs(series=2, parallel=2, link_bleed_ohm=2_000)
async def test_four_strings_of_one_are_not_two_strings_of_two(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("batteries_parallel", 4)
        await bench.tool.set("batteries_series", 1)

    await is_refused(bench, WRONG_NUMBER)


@pytest.mark.needs(series=1, parallel=2)
async def test_two_batteries_where_three_are_configured_are_refused(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("batteries_parallel", 3)

    await is_refused(bench, WRONG_NUMBER)


@pytest.mark.needs(series=2, parallel=2, link_bleed_ohm=2_000)
async def test_two_strings_of_two_start_where_they_are_configured(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("batteries_parallel", 2)
        await bench.tool.set("batteries_series", 2)

    await starts(bench)
    await expect(bench.gx.register("parallel")).becomes(2, within=seconds(2))
    await expect(bench.gx.register("series")).becomes(2, within=seconds(2))
