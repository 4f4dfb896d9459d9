"""v1.23-05: a start with a low pack leaves the charger 2 minutes to begin; before, it was refused.

The pack is empty: below its start-up minimum, and every cell far above the critical level. Time
counts from the running state; that charging goes on is v1.09-01's.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.23-05"),
    pytest.mark.needs(
        soc_pct=chosen(0.0, "2.83 V a cell at rest: 22.7 V, and none is critical at 2.4 V"),
        soc_spread_pct=chosen(0.0, "no cell is lower than the others"),
        link_bleed_ohm=chosen(5_000.0, "leaves the battery as full as it is"),
    ),
]
RUNNING, SHUTTING_DOWN = 9, 12  # public: register 0x0371
NO_ERROR = 0

CHARGE_A = chosen(60.0, "fills an empty pack by 2 % in ten minutes")
LIMIT_V = chosen(28.0, "above the battery's voltage, below 3500 mV a cell")
JUDGED_AFTER = seconds(3)  # while state 12 still lasts


async def start_with_a_low_pack(bench: Bench) -> None:
    """Claim: the system starts, and tells no error."""
    async with bench.arrange():
        pass

    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(20))
    await expect(bench.gx.register("error")).is_(NO_ERROR)


@pytest.mark.parametrize(
    ("begin_s", "then"),
    [
        pytest.param(1 * 60 + 59, RUNNING, id="after 1 min 59 s: runs"),
        pytest.param(2 * 60 + 1, SHUTTING_DOWN, id="after 2 min 1 s: shuts down"),
    ],
)
async def test_charging_has_to_begin_within_2_minutes(
    bench: Bench, begin_s: int, then: int
) -> None:
    await start_with_a_low_pack(bench)

    await bench.wait(seconds(begin_s))
    await bench.charger.charge(CHARGE_A, LIMIT_V)
    await bench.wait(JUDGED_AFTER)
    await expect(bench.gx.register("state")).is_(then)


async def test_charged_pack_keeps_the_system_running(bench: Bench) -> None:
    await start_with_a_low_pack(bench)

    await bench.charger.charge(CHARGE_A, LIMIT_V)
    await expect(bench.gx.register("state")).stays(RUNNING, for_=seconds(11 * 60))
