"""v1.26-03: what VE.Can tells of the state of charge is ignored while the contactor is open.

While it is closed it is taken. Before, in both.
"""

import pytest

from rig import CLOSED, OPEN, Bench, between, chosen, expect, seconds
from scenarios.procedures import STATE_OF_CHARGE

pytestmark = [pytest.mark.item("v1.26-03"), pytest.mark.needs(soc_pct=60)]

FIRST_RAW, LAST_RAW = chosen((4_000, 5_500), "far from the 60 % that the batteries have")
WHILE_OPEN_RAW = chosen(7_500, "far from all others")
KEPT_PCT, LAST_PCT = chosen(
    (between(39.5, 40.5), between(54.9, 55.1)), "0.1 %, and what the master's own current takes"
)


async def told(bench: Bench, raw: int) -> None:
    """Tell the device a state of charge in 0.01 %."""
    await bench.gx.write(STATE_OF_CHARGE, raw.to_bytes(2, "little"))


async def test_the_state_of_charge_is_taken_while_closed_and_ignored_while_open(
    bench: Bench,
) -> None:
    async with bench.arrange():
        soc_pct = bench.gx.register("soc_pct")
        await bench.running()
        await told(bench, FIRST_RAW)
        await bench.wait(seconds(2))
        await bench.stopped()
        await expect(bench.contactor).is_(OPEN)
        await told(bench, WHILE_OPEN_RAW)
        await bench.wait(seconds(2))
        await bench.running()
        await bench.wait(seconds(6))  # public: the register is told every 5 s

    await expect(soc_pct).stays(KEPT_PCT, for_=seconds(6))
    await told(bench, LAST_RAW)
    await expect(soc_pct).becomes(LAST_PCT, within=seconds(2))
    await expect(soc_pct).stays(LAST_PCT, for_=seconds(6))
    await expect(bench.contactor).is_(CLOSED)
