"""v1.08-04: the contactor opens 5 s after a protective open request; before, after 2 s.

The request is a protection trip: allow-to-discharge is withdrawn when it happens.
"""

import pytest

from rig import CLOSED, OPEN, Bench, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.08-04")


async def test_contactor_opens_5_s_after_a_protective_open_request(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        bench.battery(0).cell(1).reads(3.70)  # above the critical level of LFP, 3650 mV

    await expect(bench.allow_discharge).becomes(False, within=seconds(60))
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(4_900))
    await expect(bench.contactor).becomes(OPEN, within=milliseconds(200))


async def test_the_button_does_not_cut_the_delay_short(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        bench.battery(0).cell(1).reads(3.70)  # above the critical level of LFP, 3650 mV

    await expect(bench.allow_discharge).becomes(False, within=seconds(60))
    await bench.press_start_stop()
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(4_500))
    await expect(bench.contactor).becomes(OPEN, within=milliseconds(600))
