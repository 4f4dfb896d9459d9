"""v1.17-01: at shutdown the charge voltage limit is the actual voltage; before, with an offset."""

import math

import pytest

from rig import Bench, chosen, expect, milliseconds

pytestmark = pytest.mark.item("v1.17-01")
SHUTTING_DOWN = 12  # public: register 0x0371
CVL, VOLTAGE = 0x0390, 0xED8D  # public: communication guide
NOTHING_V = chosen(0.05, "a few steps of the registers' 0.01 V; an offset below it has no effect")


async def test_charge_voltage_limit_at_shutdown_is_the_actual_voltage(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(SHUTTING_DOWN, within=milliseconds(100))
    limit, voltage = await bench.gx.request(CVL), await bench.gx.request(VOLTAGE)
    limit_v = None if limit is None else limit.values.get("charge_voltage_limit_v")
    voltage_v = None if voltage is None else voltage.values.get("voltage_v")
    limit_v, voltage_v = (math.nan if v is None else v for v in (limit_v, voltage_v))
    await expect(bench.gx.register("state")).is_(SHUTTING_DOWN)
    expect.measure(
        "charge voltage limit above the voltage that the device tells",
        limit_v - voltage_v,
        "V",
        low=-NOTHING_V,
        high=NOTHING_V,
        uncertainty=0.01,
    )
    measured = await bench.battery_voltage.read()
    expect.measure(
        "charge voltage limit above the battery's voltage",
        limit_v - measured.value,
        "V",
        low=-NOTHING_V,
        high=NOTHING_V,
        uncertainty=0.01 + bench.battery_voltage.uncertainty,
    )
