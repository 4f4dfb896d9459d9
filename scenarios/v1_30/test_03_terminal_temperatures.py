"""v1.30-03: the temperatures of both terminals are told of batteries that measure them.

Of others they are 'not available'. Seen by the diagnostic tool, since VE.Can has no register of
them (our reading). Before, there was nothing to read.
"""

import pytest

from rig import Bench, ToolRefused, chosen, expect, seconds
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.30-03")

POSITIVE_C, NEGATIVE_C = chosen((41.5, 38.5), "warmer than the cells, below every limit")
COLD_C = chosen(7.5, "a terminal in the cold, above zero (v1.32-07)")


async def told_c(bench: Bench) -> tuple[float | None, ...] | None:
    """What the tool shows of the first battery's terminals; None: nothing."""
    await bench.wait(seconds(1))
    try:
        return await answer_or_none(bench.tool.terminal_temperatures_c(0))
    except ToolRefused:
        return None


@pytest.mark.needs(battery="HE100", parallel=1)
async def test_both_terminals_of_a_battery_with_sensors_are_told(bench: Bench) -> None:
    battery = bench.battery(0)
    async with bench.arrange():
        await bench.running()
        battery.positive_terminal_reads(POSITIVE_C)
        battery.negative_terminal_reads(NEGATIVE_C)

    shown_c = await told_c(bench)
    expect.that("the tool shows the terminals", holds=shown_c == (POSITIVE_C, NEGATIVE_C))
    battery.negative_terminal_reads(COLD_C)
    shown_c = await told_c(bench)
    expect.that("one of them has become cold", holds=shown_c == (POSITIVE_C, COLD_C))


@pytest.mark.needs(parallel=1)
async def test_terminals_of_a_battery_without_sensors_are_not_available(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    shown_c = await told_c(bench)
    expect.that("the tool shows that there are none", holds=shown_c == (None, None))
