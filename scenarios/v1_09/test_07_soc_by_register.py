"""v1.09-07: a write to VE_REG_SOC (0x0FFF) sets the state of charge while the contactor is closed.

A value above 10000 (100 %) is refused with code 0x8300 and changes nothing. Before, both were
ignored.
"""

import pytest

from rig import CLOSED, Bench, above, below, between, chosen, expect, parse_frame, seconds
from scenarios.procedures import STATE_OF_CHARGE

pytestmark = [pytest.mark.item("v1.09-07"), pytest.mark.needs(soc_pct=60)]
AT_ONCE = chosen(seconds(2), "a broadcast on change is at most 1 s late")
A_PERIOD = chosen(seconds(6), "more than the 5 s period in which the register is told")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(4_000, between(39.9, 40.1), id="down-to-40"),
        pytest.param(8_500, between(84.9, 85.1), id="up-to-85"),
        pytest.param(10_000, above(99.8), id="up-to-100"),
        pytest.param(0, below(0.1), id="down-to-0"),
    ],
)
async def test_a_written_state_of_charge_is_taken_and_kept(
    bench: Bench, raw: int, told: object
) -> None:
    async with bench.arrange():
        await bench.running()
        soc = bench.gx.register("soc_pct")

    await bench.gx.write(STATE_OF_CHARGE, raw.to_bytes(2, "little"))
    await expect(soc).becomes(told, within=AT_ONCE)
    await expect(soc).stays(told, for_=A_PERIOD)
    await expect(bench.contactor).is_(CLOSED)


@pytest.mark.parametrize("raw", [10_001, 65_534])
async def test_more_than_100_pct_is_refused_and_changes_nothing(bench: Bench, raw: int) -> None:
    async with bench.arrange():
        await bench.running()
        soc = bench.gx.register("soc_pct")
        refusal = parse_frame("1CEF2050#66990200FF0F0083")  # acknowledge: 0x0FFF, code 0x8300
        refusals = bench.ve_can.count(lambda frame: frame == refusal)

    await bench.gx.write(STATE_OF_CHARGE, raw.to_bytes(2, "little"))
    await expect(refusals).is_(1)
    await expect(soc).stays(between(59.5, 60.5), for_=A_PERIOD)
