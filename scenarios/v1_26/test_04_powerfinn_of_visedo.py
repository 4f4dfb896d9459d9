"""v1.26-04: with the external protocol Visedo, a Powerfinn charger charges as the device allows.

No frame of it is public. Our reading: the charger, commanded by CANopen SDO, takes one command at a
time; before, the device sent all at once, and the charger took the first, and never ran.
"""

import pytest

from rig import Bench, above, between, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.26-04"), pytest.mark.needs(parallel=1)]

COMMANDED = chosen(seconds(2), "commands come every 500 ms; four of them")
LIMITS = (("voltage", "v"), ("current", "a"))
STEPS = chosen((0.01, 0.1), "the charger's own, in volts and amperes")


async def test_a_powerfinn_charger_has_the_limits_and_runs_while_it_may(bench: Bench) -> None:
    charger, gx = bench.powerfinn, bench.gx
    async with bench.arrange():
        await sets(bench, "external_protocol", "Visedo")
        await bench.running()
        await bench.wait(seconds(6))  # public: limits are told every 5 s
        limits = [gx.register(f"charge_{name}_limit_{unit}") for name, unit in LIMITS]

    await expect(charger.runs).becomes(True, within=COMMANDED)
    for limit, told, step in zip(
        limits, (charger.voltage_limit, charger.current_limit), STEPS, strict=True
    ):
        value = (await limit.read()).value
        await expect(told).becomes(between(value - step, value + step), within=COMMANDED)
    await expect(charger.current_limit).is_(above(0.0))
    await expect(charger.runs).stays(True, for_=seconds(10))

    bench.battery(0).cell(1).reads(3.53)  # public: above the charged level of LFP, 3520 mV
    await expect(bench.allow_charge).becomes(False, within=seconds(60))
    await expect(charger.runs).becomes(False, within=COMMANDED)
