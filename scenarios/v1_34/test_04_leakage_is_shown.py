"""v1.34-04: the warnings that the tool shows tell of a leak, and so does the MGREG status.

The 32 bits of register 0x2100 are all taken. Before, neither did.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, seconds, with_bit, without_bit
from scenarios.procedures import sets, shown_warnings

pytestmark = [pytest.mark.item("v1.34-04"), pytest.mark.needs(battery="RS176", parallel=1)]

LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
BEFORE, REST = chosen((seconds(8), seconds(6)), "on both sides of the 10 s that a leak has to last")
WARNING = "leakage detected"
LEAK = chosen(9, "its bit: the warnings of MGREG are numbered as they came")


async def test_a_leak_is_shown_while_it_lasts(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        leak = await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    await bench.wait(BEFORE)
    before = await shown_warnings(bench)
    await bench.wait(REST)
    expect.that("the tool shows a leak", holds=WARNING in await shown_warnings(bench))
    expect.that("it has to last 10 s for it", holds=WARNING not in before)
    await leak.clear()
    await bench.wait(seconds(2))
    expect.that("its end ends the warning", holds=WARNING not in await shown_warnings(bench))
    await expect(bench.contactor).is_(CLOSED)


async def test_a_leak_is_in_the_mgreg_status_while_it_lasts(bench: Bench) -> None:
    warnings = bench.ve_can.signal("mgreg.warnings")
    async with bench.arrange():
        await sets(bench, "external_protocol", "VE-MG-NMEA2000")
        await bench.running()
        leak = await bench.inject("leakage to chassis", battery=0, leakage_kohm=LEAK_KOHM)

    await expect(warnings).becomes(with_bit(LEAK), within=BEFORE + REST, after=BEFORE)
    await leak.clear()
    await expect(warnings).becomes(without_bit(LEAK), within=seconds(2))
    await expect(bench.contactor).is_(CLOSED)
