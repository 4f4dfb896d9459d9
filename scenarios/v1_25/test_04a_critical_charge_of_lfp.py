"""v1.25-04a: a critical charge current of LFP batteries ends in a fail-safe shutdown.

Above 0.65 C for 60 s (both chosen: the manual's conditions are not public).
Before, it ended in nothing but a warning.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, milliseconds, seconds
from scenarios.procedures import started_if_it_can

pytestmark = [
    pytest.mark.item("v1.25-04a"),
    pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=1, soc_pct=30),
]

# 0.65 C of 230 Ah are 149.5 A.
UNCRITICAL_A, CRITICAL_A = chosen((146.0, 153.0), "2 % on both sides of 0.65 C")
BEFORE, AFTER = chosen((seconds(58), seconds(63)), "both sides of the 60 s that it may last")
VOLTAGE_V = chosen(28.4, "above the battery's under this current, below its charged level")
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
