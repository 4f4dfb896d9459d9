"""v1.09-02: with the interlock enabled, opening its loop opens the main contactor directly.

Not after the 5 s that a protective request takes. It needs hardware with the interlock input.
Disabled, or without the input, the loop has no effect; before, it had none at all.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, milliseconds, seconds
from scenarios.procedures import sets

pytestmark = pytest.mark.item("v1.09-02")

DIRECTLY = chosen(milliseconds(500), "a tenth of the delay that it shall not have")
LONGER_THAN_ANY_DELAY = chosen(seconds(12), "opening takes 5 s, shutting down 8 s")
ERROR = 10  # public: register 0x0371


@pytest.mark.needs(hardware="Lynx Ion BMS 400, interlock")
async def test_an_open_loop_opens_the_contactor_directly_once_enabled(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await bench.open_interlock()
    await expect(bench.contactor).stays(CLOSED, for_=LONGER_THAN_ANY_DELAY)
    await bench.close_interlock()
    await sets(bench, "interlock", "on")
    await bench.load.draw(40.0)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(2))
    await bench.open_interlock()
    await expect(bench.contactor).becomes(OPEN, within=DIRECTLY)
    await expect(bench.gx.register("state")).becomes(ERROR, within=seconds(1))
    await expect(bench.allow_discharge).is_(False)
    await bench.close_interlock()
    await expect(bench.contactor).stays(OPEN, for_=LONGER_THAN_ANY_DELAY)


@pytest.mark.needs(hardware="Lynx Ion BMS 400, interlock")
async def test_an_open_loop_cuts_the_delay_of_a_protective_opening_short(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "interlock", "on")
        await bench.running()

    bench.battery(0).cell(1).reads(3.70)  # public: above the critical level of LFP, 3650 mV
    await expect(bench.gx.register("state")).becomes(ERROR, within=seconds(60))
    await expect(bench.contactor).stays(CLOSED, for_=seconds(1))
    await bench.open_interlock()
    await expect(bench.contactor).becomes(OPEN, within=DIRECTLY)


@pytest.mark.needs(hardware="Lynx Ion BMS 400, interlock")
async def test_with_an_open_loop_the_system_does_not_start(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "interlock", "on")
        await bench.open_interlock()

    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(ERROR, within=seconds(30))
    await expect(bench.contactor).stays(OPEN, for_=LONGER_THAN_ANY_DELAY)


@pytest.mark.needs(hardware="Lynx Ion BMS 400")
async def test_hardware_without_the_input_ignores_the_loop(bench: Bench) -> None:
    async with bench.arrange():
        await sets(bench, "interlock", "on")
        await bench.running()

    await bench.open_interlock()
    await expect(bench.contactor).stays(CLOSED, for_=LONGER_THAN_ANY_DELAY)
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
