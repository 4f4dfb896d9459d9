"""v1.25-08: in the shutdown state the BMS takes 30 % less than before.

The same device is measured on 1.24 and on the release under test, in the supply lead, off.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import says_its_version

pytestmark = pytest.mark.item("v1.25-08")
STANDBY = 14  # public: register 0x0371
SETTLED = chosen(seconds(30), "nothing of the start is left")
REMAINS = 0.70  # of what it was: 30 % less
TOLERANCE = chosen(0.03, "what the shunt and the multiplexer are worth, with a margin")


async def consumption_when_off_a(bench: Bench) -> float:
    """After a run, so that it is the shutdown state and none after power-on."""
    await bench.running()
    await bench.stopped()
    await bench.wait(SETTLED)
    return (await bench.consumption.read()).value


@pytest.mark.needs(starts_on="1.24")
async def test_it_takes_30_percent_less_in_the_shutdown_state(bench: Bench) -> None:
    async with bench.arrange():
        before_a = await consumption_when_off_a(bench)
        await bench.install_release_under_test()
        now_a = await consumption_when_off_a(bench)

    await says_its_version(bench)
    await expect(bench.gx.register("state")).is_(STANDBY)
    expect.measure(
        "share of the consumption of 1.24",
        now_a / before_a,
        "",
        low=REMAINS - TOLERANCE,
        high=REMAINS + TOLERANCE,
    )
