"""v1.25-03: the programmable relay can work a pre-charge circuit outside the master.

It is closed from when pre-charging begins until the contactor has closed (the project's reading).
Before, the relay had no such function.
"""

import pytest

from rig import CLOSED, OPEN, Bench, above, expect, seconds
from scenarios.procedures import sets

pytestmark = [
    pytest.mark.item("v1.25-03"),
    pytest.mark.needs(parallel=1, link_capacitance_f=0.1),
]

PRE_CHARGING, RUNNING = 16, 9  # public: register 0x0371


async def test_the_relay_is_closed_while_the_system_pre_charges(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await sets(bench, "relay_function", "disabled")
        await sets(bench, "relay_function", "external pre-charge")
        await bench.wait(seconds(2))

    await expect(bench.relay).is_(OPEN)
    await bench.press_start_stop()
    await expect(bench.relay).becomes(CLOSED, within=seconds(15))
    await expect(state).becomes(PRE_CHARGING, within=seconds(0.3))
    await expect(bench.contactor).is_(OPEN)
    before_v = (await bench.system_voltage.read()).value
    await bench.wait(seconds(1))
    await expect(bench.relay).is_(CLOSED)
    await expect(bench.system_voltage).is_(above(before_v + 1.0))
    await expect(state).becomes(RUNNING, within=seconds(30))
    await expect(bench.contactor).is_(CLOSED)
    await expect(bench.relay).becomes(OPEN, within=seconds(0.5))
    await expect(bench.relay).stays(OPEN, for_=seconds(10))
