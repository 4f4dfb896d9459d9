"""v1.08-01: BOL, the limits for charging and discharging, are registers 0x0390 to 0x0393.

Before, a request for them was refused. When the system has to open its contactor the limits of
current fall to 0 while it is still closed, so that chargers and loads can stop first.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.08-01")

# Public: communication guide. Two LFP batteries of 230 Ah and 8 cells: 0.5 C and 1 C, as chosen.
LIMITS = {
    0x0390: ("charge_voltage_limit_v", 28.15, 28.17),  # public: 3520 mV a cell
    0x0391: ("charge_current_limit_a", *chosen((229.0, 231.0), "0.5 C of 460 Ah")),
    0x0392: ("discharge_voltage_limit_v", *chosen((22.3, 23.3), "about 2800 or 2900 mV a cell")),
    0x0393: ("discharge_current_limit_a", *chosen((459.0, 461.0), "1 C of 460 Ah")),
}


async def told(bench: Bench, register: int, field: str) -> float:
    """The limit that the device answers with; NaN for a refusal, or for nothing."""
    answer = await bench.gx.request(register)
    value = None if answer is None else answer.values.get(field)
    return float("nan") if value is None else float(value)


async def test_all_four_limits_are_registers(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    for register, (field, low, high) in LIMITS.items():
        unit = field.rpartition("_")[2].upper()
        value = await told(bench, register, field)
        expect.measure(f"register {register:#06x}", value, unit, low=low, high=high)


async def test_limits_of_current_are_0_before_a_protective_opening(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        charge_a = bench.gx.register("charge_current_limit_a")
        discharge_a = bench.gx.register("discharge_current_limit_a")

    value = await told(bench, 0x0393, "discharge_current_limit_a")
    expect.measure("discharge current limit while all is well", value, "A", low=1.0)
    bench.battery(0).cell(1).reads(3.70)  # public: above the critical level of LFP, 3650 mV
    await expect(bench.allow_discharge).becomes(False, within=seconds(60))
    await expect(charge_a).becomes(0.0, within=seconds(1))  # public: on change within 1 s
    await expect(discharge_a).becomes(0.0, within=seconds(1))
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(2_800))
