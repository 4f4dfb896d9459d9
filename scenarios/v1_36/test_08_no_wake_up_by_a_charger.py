"""v1.36-08: with the setting 0x0375 off, no charger wakes the system; before, it did all the same.

With the setting on, a user-side voltage above about 18 V does, and one below does not.
"""

import pytest

from rig import OPEN, Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.36-08")
RUNNING, STANDBY = 9, 14  # public: register 0x0371
START_ON_CHARGER = 0x0375
CURRENT_A = chosen(5.0, "a small charger")
BELOW_V, ABOVE_V = chosen((17.5, 18.5), "0.5 V off what the guide calls about 18 V")
GONE = chosen(seconds(30), "the system bus is down by then")


async def choose(bench: Bench, code: int) -> None:
    """Set the setting by its register; the device acknowledges."""
    answer = await bench.gx.write(START_ON_CHARGER, bytes((code,)))
    expect.that("the setting is taken", holds=answer is not None and answer.code == 0)


async def test_disabled_no_charger_wakes_it_and_enabled_one_does(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.wait(seconds(5))
        await choose(bench, 0)

    await bench.charger.charge(CURRENT_A, ABOVE_V)
    await expect(state).stays(STANDBY, for_=seconds(60))
    await expect(bench.contactor).is_(OPEN)
    await bench.charger.off()
    await bench.wait(GONE)
    await choose(bench, 1)
    await bench.charger.charge(CURRENT_A, ABOVE_V)
    await expect(state).becomes(RUNNING, within=seconds(20))


async def test_enabled_only_a_voltage_above_18_v_wakes_it(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.wait(seconds(5))
        await choose(bench, 1)

    await bench.charger.charge(CURRENT_A, BELOW_V)
    await expect(state).stays(STANDBY, for_=seconds(60))
    await bench.charger.charge(CURRENT_A, ABOVE_V)
    await expect(state).becomes(RUNNING, within=seconds(20))
