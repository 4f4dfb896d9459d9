"""v1.32-02: the state of charge is synchronised once a full charge.

A battery that returns to the charged level, before charging was allowed again, keeps its count.
Before, each return put it to 100 %, with a jump, and was counted in register 0x0309.
"""

import pytest

from rig import Bench, below, between, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.32-02"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=99.0),
]

AUTOMATIC_SYNCS = 0x0309  # public: communication guide
FLOW_A = chosen(100.0, "discharges 0.72 % of the capacity in a minute")
DISCHARGE = chosen(seconds(60), "less than the 1 % after which charging is allowed again")
CHARGED_V = chosen(3.57, "a cell that runs ahead: above the charged level of LFP, 3520 mV")
LEVEL_TIMES = chosen(seconds(25), "longer than the two levels' 20 s")
KEPT_PCT = between(98.9, 99.6)


async def syncs(bench: Bench) -> int:
    """How often the device says that it has synchronised by itself; -1 if it does not say."""
    answer = await bench.gx.request(AUTOMATIC_SYNCS)
    value = None if answer is None else answer.values.get("automatic_syncs")
    return -1 if value is None else int(value)


async def test_a_return_to_the_charged_level_synchronises_no_second_time(bench: Bench) -> None:
    soc_pct = bench.gx.register("soc_pct")
    async with bench.arrange():
        await bench.running()
        before = await syncs(bench)
        await bench.charger.charge(FLOW_A, 28.4)
        await expect(bench.allow_charge).becomes(False, within=seconds(600))
        await bench.charger.off()

    await expect(soc_pct).becomes(100.0, within=seconds(2))
    await bench.load.draw(FLOW_A)
    await bench.wait(DISCHARGE)
    await bench.load.off()
    await expect(soc_pct).becomes(below(99.6), within=seconds(2))
    expect.measure("synchronisations", await syncs(bench) - before, "", low=1, high=1)
    bench.battery(0).cell(2).reads(CHARGED_V)
    await expect(soc_pct).stays(KEPT_PCT, for_=LEVEL_TIMES)
    expect.measure("synchronisations", await syncs(bench) - before, "", low=1, high=1)
