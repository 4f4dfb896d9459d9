"""v1.35-05: SMA is told 63.0 V at most, the end of its window; General BMS what the device tells.

An SMA inverter takes charge voltages from 41 to 63 V, and discards others. Before, it was told what
a system of three batteries in series is charged to.
"""

import pytest

from rig import Bench, between, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = pytest.mark.item("v1.35-05")

SMA_MAX_V = 63.0  # public: SMA's specification for external batteries
CVL = 0x0390  # public: VE.Can register
SENT = seconds(1)  # public: every 500 ms
STEADY = chosen(seconds(5), "ten frames")


async def told_v(bench: Bench) -> float:
    """The charge voltage that the device tells on VE.Can, at any length of string."""
    answer = await bench.gx.request(CVL)
    told = None if answer is None else answer.values.get("charge_voltage_limit_v")
    return 0.0 if told is None else float(told)


@pytest.mark.needs(series=3, parallel=1, link_bleed_ohm=2000.0)
async def test_sma_is_told_63_v_where_the_battery_is_charged_to_more(bench: Bench) -> None:
    limit_v = bench.external_can.signal("general.charge_voltage_limit_v")
    async with bench.arrange():
        await bench.running()
        await bench.tool.set("external_protocol", "SMA")
        await bench.wait(SENT)

    await expect(limit_v).becomes(SMA_MAX_V, within=SENT)
    await expect(limit_v).stays(SMA_MAX_V, for_=STEADY)
    expect.that("the battery is charged to more", holds=await told_v(bench) > SMA_MAX_V)


@pytest.mark.needs(series=3, parallel=1, link_bleed_ohm=2000.0)
async def test_general_bms_is_told_it_as_it_is(bench: Bench) -> None:
    limit_v = bench.external_can.signal("general.charge_voltage_limit_v")
    voltage_v = chosen(0.1, "the step of the field")
    async with bench.arrange():
        await bench.running()
        await bench.tool.set("external_protocol", 1)  # by its code, which was SMA's before 1.24

    told = await told_v(bench)
    await expect(limit_v).becomes(between(told - voltage_v, told + voltage_v), within=SENT)
    expect.that("that is beyond SMA's window", holds=told > SMA_MAX_V)


@pytest.mark.needs(series=2, parallel=1, link_bleed_ohm=2000.0)
async def test_sma_is_told_as_it_is_what_it_can_have(bench: Bench) -> None:
    limit_v = bench.external_can.signal("general.charge_voltage_limit_v")
    async with bench.arrange():
        await bench.running()

    told = await told_v(bench)
    selected = await sets(bench, "external_protocol", "SMA")
    expect.that("the tool selects SMA", holds=selected)
    await expect(limit_v).becomes(between(told - 0.1, told + 0.1), within=SENT)
    expect.that("that is within SMA's window", holds=41.0 < told < SMA_MAX_V)
