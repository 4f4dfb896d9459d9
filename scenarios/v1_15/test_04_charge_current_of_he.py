"""v1.15-04: HE batteries may be charged with 0.6 C, and with 1.0 C under Performance.

Before, with 0.3 C. Towards the limit of the charge temperature the current is reduced.
"""

import pytest

from rig import Bench, between, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.15-04"),
    pytest.mark.needs(battery="HE100", parallel=1, soc_pct=50, temperature_c=20.0),
]

STRATEGY = 0x0376  # public: communication guide; 0 is Economic (Default until 1.23), 1 Performance
TOLD_WITHIN = seconds(2)  # public: a register follows its change within 1 s; and as much again
NEAR_C, OUTSIDE_C = chosen((44.0, 45.5), "HE data sheet: charging up to 45 degC")


@pytest.mark.parametrize(
    ("strategy", "full_a"), [(0, 60.0), (1, 100.0)], ids=["economic", "performance"]
)
async def test_charge_current_limit_of_he100_is(bench: Bench, strategy: int, full_a: float) -> None:
    async with bench.arrange():
        limit_a = bench.gx.register("charge_current_limit_a")
        await bench.wait(seconds(1))
        await bench.gx.write(STRATEGY, bytes((strategy,)))
        await bench.power_cycle()  # before 1.23 it took effect when the master was started
        await bench.running()
        await bench.wait(TOLD_WITHIN)

    await expect(limit_a).becomes(full_a, within=seconds(6))
    await expect(limit_a).stays(full_a, for_=seconds(6))
    bench.battery(0).temperature_reads(NEAR_C)
    await expect(limit_a).becomes(between(0.1 * full_a, 0.9 * full_a), within=TOLD_WITHIN)
    bench.battery(0).temperature_reads(OUTSIDE_C)
    await expect(limit_a).becomes(0.0, within=TOLD_WITHIN)
