"""v1.25-04b: a critical charge current of HE batteries ends in a fail-safe shutdown.

Above 1.5 C, the data sheet's peak, for 10 s (chosen: the manual's time is not public).
Before, it ended in nothing but a warning.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, milliseconds, seconds
from scenarios.procedures import started_if_it_can

pytestmark = [
    pytest.mark.item("v1.25-04b"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=30),
]

# Public: the peak charge current of an HE battery is 1.5 C, here 150 A.
UNCRITICAL_A, CRITICAL_A = chosen((147.0, 153.0), "2 % on both sides of 150 A")
BEFORE, AFTER = chosen((seconds(9), seconds(12)), "both sides of the 10 s that a peak may last")
VOLTAGE_V = chosen(28.0, "above the battery's under this current, below its charged level")
ERROR = 10  # public: register 0x0371
OVER_CURRENT = chosen(27, "the number that GX devices name over-current")


async def test_a_critical_charge_current_ends_in_fail_safe(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await started_if_it_can(bench)

    await bench.charger.charge(CRITICAL_A, VOLTAGE_V)
    await expect(bench.allow_charge).becomes(False, within=AFTER, after=BEFORE)
    await expect(state).becomes(ERROR, within=seconds(1))
    await expect(bench.gx.register("error")).is_(OVER_CURRENT)
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(4_500))
    await expect(bench.contactor).becomes(OPEN, within=seconds(1))
    await bench.charger.off()

    await bench.press_start_stop()
    await started_if_it_can(bench)
    await bench.charger.charge(UNCRITICAL_A, VOLTAGE_V)
    await expect(bench.allow_charge).stays(True, for_=2 * AFTER)
    await expect(bench.contactor).is_(CLOSED)

    await bench.charger.off()
    await bench.load.draw(CRITICAL_A)  # as much the other way is no charge
    await expect(bench.contactor).stays(CLOSED, for_=2 * AFTER)
    await expect(bench.allow_discharge).is_(True)
