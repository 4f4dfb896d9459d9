"""v1.34-09: a command that a battery did not hear is repeated until the battery acknowledges it.

Before, it was given once: a battery that had not heard it went on as before.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.34-09"), pytest.mark.needs(battery="HE100", parallel=2)]

MILD_C, WARM_C = chosen((25.0, 45.0), "below, and above, every threshold of the fans")
DEAF_FOR = chosen(seconds(3), "the command falls into it, and no battery is given up so soon")
REPEATED_WITHIN = chosen(seconds(2), "a few repetitions; the log gives no time")


async def test_a_battery_that_missed_the_command_starts_its_fan_all_the_same(bench: Bench) -> None:
    hears, misses = bench.battery(0), bench.battery(1)
    async with bench.arrange():
        await bench.running()
        # Before 1.11 the fans ran on after their test until they had once been needed (v1.11-05).
        for reads_c in (WARM_C, MILD_C):
            hears.temperature_reads(reads_c)
            await bench.wait(chosen(seconds(10), "the test has ended, too"))
        await expect(hears.fan).becomes(0, within=seconds(30))
        await expect(misses.fan).becomes(0, within=seconds(2))
        wire = await bench.inject("battery CAN cut", battery=1)

    hears.temperature_reads(WARM_C)
    await expect(hears.fan).becomes(1, within=seconds(2))
    await bench.wait(DEAF_FOR)
    await wire.clear()
    await expect(misses.fan).becomes(1, within=REPEATED_WITHIN)
