"""v1.27-K1: a stop request turns the BMS off, every time; on 1.27 it rarely has no effect for good.

Whether it does depends on the moment of the request, which the seed draws. On 1.27 one request in
ten is missed (chosen): all of these would pass there with a chance of 0.9 ^ 135, below 1e-6.
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.27-K1")
SHUTTING_DOWN, STANDBY = 12, 14  # public: register 0x0371
REQUESTS = chosen(135, "0.9 ^ 135 is 7e-7")
TAKEN_WITHIN = chosen(seconds(1), "a press is taken within two looks at the button")


@pytest.mark.needs(parallel=1)
async def test_every_stop_request_turns_it_off(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    state, moments = bench.gx.register("state"), bench.dice("moments")
    for _ in range(REQUESTS):
        await bench.wait(moments.randrange(seconds(1)))
        await bench.press_start_stop()
        await expect(state).becomes(SHUTTING_DOWN, within=TAKEN_WITHIN)
        await expect(state).becomes(STANDBY, within=seconds(30))
        await bench.running()
