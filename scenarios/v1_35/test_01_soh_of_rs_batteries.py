"""v1.35-01: NMEA 2000 tells the state of health of RS batteries, and of no others.

PGN 127506 field 5. Before, it was "not available" for RS batteries, too.
"""

import pytest

from rig import Bench, between, chosen, expect, seconds
from scenarios.procedures import started_if_it_can

pytestmark = pytest.mark.item("v1.35-01")

SOH, CURRENT = "n2k.dcDetailedStatus.0.stateOfHealth", "n2k.batteryStatus.0.current"
SENT = seconds(4)  # public: every 1500 ms


def about(soh_pct: float) -> object:
    """What a gauge tells of it, in whole percents."""
    off_pct = chosen(1.0, "the field's own step")
    return between(soh_pct - off_pct, soh_pct + off_pct)


@pytest.mark.needs(battery="RS176", parallel=2, capacity_pct=91.0)
async def test_the_lowest_soh_of_rs_batteries_is_told(bench: Bench) -> None:
    soh = bench.ve_can.signal(SOH)
    async with bench.arrange():
        await started_if_it_can(bench)

    await expect(soh).becomes(about(91.0), within=SENT)
    aged = await bench.inject("cell weak", battery=1, cell=3, capacity_pct=80)
    weakest_pct = 91.0 * 0.8  # a string has no more than its weakest cell
    await expect(soh).becomes(about(weakest_pct), within=SENT)
    await aged.clear()
    await expect(soh).becomes(about(91.0), within=SENT)


@pytest.mark.parametrize(
    "family",
    [
        pytest.param("LFP", marks=pytest.mark.needs(parallel=1, capacity_pct=91.0)),
        pytest.param("HE", marks=pytest.mark.needs(battery="HE100", capacity_pct=91.0)),
    ],
)
async def test_the_soh_of_others_is_not_available(bench: Bench, family: str) -> None:
    soh, current = bench.ve_can.signal(SOH), bench.ve_can.signal(CURRENT)
    async with bench.arrange():
        await bench.running()
        await bench.wait(SENT)

    load_a = chosen(40.0, "well within what a battery gives")
    await bench.load.draw(load_a)
    drawn_us = bench.now_us
    await expect(current).becomes(between(-load_a - 1.0, -load_a + 1.0), within=SENT)
    await bench.wait(SENT)
    told = soh.latest
    holds = told is not None and told.value is None and told.time_us > drawn_us
    expect.that(f"of {family} batteries no state of health is told", holds=holds)
