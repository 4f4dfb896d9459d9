"""v1.11-03: a cold 24 V system has 30 s to pre-charge; before, the fault came earlier.

The pre-charge stalls several volts below the battery, its voltage no longer rising; in the first
test the supply brings the system bus up to the battery's voltage at 29 s.
"""

import pytest

from rig import Bench, chosen, expect, milliseconds, seconds

pytestmark = [
    pytest.mark.item("v1.11-03"),
    # The cold NTC has some 8 kohm: with the bleed the bus ends 5 V short, within 5 s.
    pytest.mark.needs(
        temperature_c=chosen(-10.0, "cold, and still inside the discharge window"),
        precharge_ohm=chosen(2_000.0, "so little current that the NTC stays as cold as it is"),
        link_bleed_ohm=chosen(30_000.0, "with the NTC: a divider that ends 5 V short"),
        link_capacitance_f=chosen(0.0001, "the bus stands still within 10 s"),
    ),
]
PRE_CHARGING, RUNNING = 16, 9  # public: register 0x0371
PRE_CHARGE_FAULT = 25  # public: register 0x2101


async def begin_to_precharge(bench: Bench) -> None:
    """To the instant at which the pre-charge begins."""
    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(PRE_CHARGING, within=seconds(30))


async def test_precharge_that_is_done_after_29_s_runs(bench: Bench) -> None:
    async with bench.arrange():
        await begin_to_precharge(bench)

    await bench.wait(seconds(29))
    battery_v = (await bench.battery_voltage.read()).value
    await bench.charger.charge(chosen(5.0, "fills the bus at once"), battery_v)
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(2))


async def test_precharge_that_stalls_ends_in_a_fault_after_30_s(bench: Bench) -> None:
    async with bench.arrange():
        await begin_to_precharge(bench)

    await expect(bench.gx.register("error")).becomes(
        PRE_CHARGE_FAULT, within=seconds(31), after=milliseconds(29_500)
    )
