"""v1.32-05e: a critically hot battery terminal shows as error 41 of VE_REG_BMS_ERROR (0x2101).

Critical is above 69 degC, where the currents have been brought down to nothing (v1.19-01), for
10 s: both are the project's choice. Before, it showed as error 15, over-temperature.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.32-05e"), pytest.mark.needs(battery="HE100", parallel=1)]

TERMINAL_OVER_TEMPERATURE = 41  # public: register 0x2101
WITHIN, EARLIEST = chosen((seconds(12), seconds(8)), "10 s, as long as a level takes")


async def test_a_terminal_above_69_degc_shows_as_error_41(bench: Bench) -> None:
    error, battery = bench.gx.register("error"), bench.battery(0)
    async with bench.arrange():
        await bench.running()
        await expect(error).is_(0)

    battery.positive_terminal_reads(68.9)
    await expect(error).stays(0, for_=2 * WITHIN)
    battery.positive_terminal_reads(69.1)
    await expect(error).becomes(TERMINAL_OVER_TEMPERATURE, within=WITHIN, after=EARLIEST)


async def test_either_terminal_counts(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    bench.battery(0).negative_terminal_reads(75.0)
    error = bench.gx.register("error")
    await expect(error).becomes(TERMINAL_OVER_TEMPERATURE, within=WITHIN)
