"""v1.19-01: a hot positive terminal of an HE battery lowers both current limits.

They are full up to 63.9 degC, fall from 64 to 69 degC, and were not reduced before.
"""

import math

import pytest

from rig import Bench, below, expect, seconds

pytestmark = [pytest.mark.item("v1.19-01"), pytest.mark.needs(battery="HE100", parallel=1)]

TOLD_WITHIN = seconds(2)  # public: a register follows its change within 1 s; and as much again


@pytest.mark.parametrize(
    "limit", ["charge_current_limit_a", "discharge_current_limit_a"], ids=["CCL", "DCL"]
)
async def test_limit_falls_from_64_to_69_degc_of_the_positive_terminal(
    bench: Bench, limit: str
) -> None:
    battery, limit_a = bench.battery(0), bench.gx.register(limit)
    async with bench.arrange():
        await bench.running()
        battery.positive_terminal_reads(30.0)
        await bench.wait(seconds(6))
        # Before 1.08 there is no limit, which is none that falls.
        before_a = full_a = math.inf if limit_a.latest is None else limit_a.latest.value

    for terminal_c in (64.1, 65.0, 66.0, 67.0, 68.0, 69.0):
        battery.positive_terminal_reads(terminal_c)
        await expect(limit_a).becomes(below(before_a), within=TOLD_WITHIN)
        before_a = (await limit_a.read()).value
    battery.positive_terminal_reads(70.0)
    await expect(limit_a).stays(before_a, for_=seconds(6))
    battery.positive_terminal_reads(63.9)
    await expect(limit_a).becomes(full_a, within=TOLD_WITHIN)
    await expect(limit_a).stays(full_a, for_=seconds(6))
