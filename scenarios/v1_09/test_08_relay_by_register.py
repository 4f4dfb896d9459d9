"""v1.09-08: a write to VE_REG_RELAY_CONTROL (0x034E) drives the relay that has no function.

1 closes it and 0 opens it, and the state that results is broadcast. Anything else is refused, and
all is refused while the relay has a function (our reading of 'updated handling'). Before, every
write was refused.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, parse_frame, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.09-08"), pytest.mark.needs(parallel=1)]

RELAY_CONTROL = 0x034E  # public: communication guide
AT_ONCE = chosen(seconds(2), "a broadcast on change is at most 1 s late")
KEPT = chosen(seconds(3), "longer than a change may take")
REFUSAL = parse_frame("1CEF2050#669902004E030083")  # acknowledge: 0x034E, code 0x8300, invalid


async def test_a_free_relay_follows_the_register(bench: Bench) -> None:
    told = bench.gx.register("relay_closed")
    async with bench.arrange():
        await sets(bench, "relay_function", "disabled")
        await bench.running()
        refusals = bench.ve_can.count(lambda frame: frame == REFUSAL)

    for code, contact in ((1, CLOSED), (0, OPEN), (1, CLOSED)):
        await bench.gx.write(RELAY_CONTROL, bytes((code,)))
        await expect(bench.relay).becomes(contact, within=AT_ONCE)
        await expect(told).becomes(code, within=AT_ONCE)
    await expect(refusals).is_(0)
    await bench.gx.write(RELAY_CONTROL, b"\x02")
    await expect(refusals).is_(1)
    await expect(bench.relay).stays(CLOSED, for_=KEPT)


async def test_a_relay_with_a_function_does_not(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "relay_function", "disabled")
        await bench.running()
        refusals = bench.ve_can.count(lambda frame: frame == REFUSAL)

    await bench.gx.write(RELAY_CONTROL, b"\x01")
    await expect(bench.relay).becomes(CLOSED, within=AT_ONCE)
    await sets(bench, "relay_function", "fail safe")
    await expect(bench.relay).becomes(OPEN, within=AT_ONCE)
    await bench.gx.write(RELAY_CONTROL, b"\x01")
    await expect(refusals).is_(1)
    await expect(bench.relay).stays(OPEN, for_=KEPT)
