"""v1.23-09: masters with a serial number of HQ1738 or higher have Bluetooth, for VictronConnect.

In one made a week earlier the register reads 'not available', no app reaches it, and the sequence
of the button is nothing but a stop request. Before, the register was unknown.
"""

import pytest

from rig import Bench, expect, seconds
from scenarios.procedures import press_three_times

pytestmark = pytest.mark.item("v1.23-09")

BLUETOOTH, STATE_OF_CHARGE = 0x0090, 0x0FFF  # public: VREGs
STANDBY = 14  # public: register 0x0371


async def is_told(bench: Bench, available: bool) -> None:
    """Claim: the register is known, and has a value or has none."""
    answer = await bench.gx.request(BLUETOOTH)
    known = answer is not None and answer.kind == "data"
    expect.that("register 0x0090 is known", holds=known)
    value = answer.values["bluetooth_enabled"] if known and answer is not None else None
    expect.that("it has a value where there is Bluetooth", holds=(value is not None) is available)


@pytest.mark.needs(serial="HQ1738AA001")
async def test_an_app_reads_the_state_of_charge_of_the_first_with_bluetooth(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await is_told(bench, available=True)
    told, read = await bench.gx.request(STATE_OF_CHARGE), await bench.app.read(STATE_OF_CHARGE)
    same = told is not None and read is not None and read.raw == told.raw[:2]
    expect.that("the app shows what VE.Can tells", holds=same)


@pytest.mark.needs(serial="HQ1737ZZ999")
async def test_an_older_master_has_none(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    await is_told(bench, available=False)
    expect.that("no app reaches it", holds=await bench.app.read(STATE_OF_CHARGE) is None)
    await press_three_times(bench)
    await expect(bench.buzzer).stays(False, for_=seconds(3))
    await expect(bench.gx.register("state")).becomes(STANDBY, within=seconds(20))
