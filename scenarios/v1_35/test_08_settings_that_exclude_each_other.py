"""v1.35-08: settings that exclude each other are refused or corrected.

The log names no combination; the rules are the project's. Combined systems would speak to an
inverter by the same identifiers, so 'combined' switches a protocol of 11 bits off; one is refused
meanwhile. The set points of the relay's function differ, and parallel times series is at most 96
batteries: what would make it otherwise is refused. Before, each was taken as it came.
"""

import pytest

from rig import Bench, ToolRefused, expect, parse_frame
from scenarios.procedures import answer_or_none, sets

pytestmark = [pytest.mark.item("v1.35-08"), pytest.mark.needs(parallel=1)]

PARALLEL, SERIES = 0x0387, 0x0388  # public: communication guide
REFUSAL = parse_frame("1CEF2050#6699020088030083")  # acknowledge: 0x0388, code 0x8300, invalid


async def shown(bench: Bench, name: str) -> int | None:
    """What the tool shows of a setting; None where the device has none."""
    try:
        return await answer_or_none(bench.tool.setting(name))
    except ToolRefused:
        return None


async def test_combined_switches_a_protocol_of_11_bits_off(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("external_protocol", 1)

    taken = await sets(bench, "combined", 1)
    off = taken and await shown(bench, "external_protocol") == 0
    expect.that("'combined' is taken, and switches the protocol of 11 bits off", holds=off)
    taken = await sets(bench, "external_protocol", 1)
    expect.that("a protocol of 11 bits is refused meanwhile", holds=not taken)
    expect.that("it stays off", holds=await shown(bench, "external_protocol") == 0)
    await sets(bench, "combined", 0)
    expect.that("it is taken again afterwards", holds=await sets(bench, "external_protocol", 1))


async def test_two_set_points_of_the_relay_are_not_the_same(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "relay_soc_on_pct", 30.0)
        await sets(bench, "relay_soc_off_pct", 40.0)
        await sets(bench, "relay_function", "state of charge")

    taken = await sets(bench, "relay_soc_off_pct", 30.0)
    kept = await shown(bench, "relay_soc_off_pct") == 400  # in steps of 0.1 %
    expect.that("the second set point is refused where it is the first", holds=kept and not taken)
    beside = await sets(bench, "relay_soc_off_pct", 30.1)
    expect.that("beside it is taken", holds=beside)
    expect.that("and shown", holds=await shown(bench, "relay_soc_off_pct") == 301)

    await sets(bench, "relay_function", "disabled")
    equal = await sets(bench, "relay_soc_off_pct", 30.0)
    expect.that("it is taken while the relay does not heed it", holds=equal)
    taken = await sets(bench, "relay_function", "state of charge")
    expect.that("the function is refused while they are the same", holds=not taken)


async def test_more_batteries_than_there_can_be_are_refused(bench: Bench) -> None:
    async with bench.arrange():
        await bench.gx.write(PARALLEL, b"\x0c")
        refusals = bench.ve_can.count(lambda frame: frame == REFUSAL)

    await bench.gx.write(SERIES, b"\x09")  # 12 times 9 is 108
    await expect(refusals).is_(1)
    await bench.gx.write(SERIES, b"\x08")
    series = await bench.gx.request(SERIES)
    told = None if series is None else series.values.get("series_setting")
    expect.that("12 times 8, which is 96, is taken", holds=told == 8)
