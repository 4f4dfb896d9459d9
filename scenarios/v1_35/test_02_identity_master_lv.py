"""v1.35-02: the device can be MG's Master LV on NMEA 2000 instead of Victron's Lynx Ion BMS.

For a SmartLink-MX, which looks for MG's devices: manufacturer, product and maker in the address
claim (60928), product information (126996) and configuration information (126998).
"""

from dataclasses import dataclass

import pytest

from rig import Bench, between, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.35-02"), pytest.mark.needs(parallel=1)]

CLAIM, PRODUCT, CONFIGURATION = 60928, 126996, 126998


@dataclass(frozen=True, slots=True)
class Identity:
    """As what the device introduces itself."""

    manufacturer: int
    model: str
    maker: str


LYNX_ION_BMS = Identity(358, "Lynx Ion BMS", "Victron Energy")  # public: manufacturer codes
MASTER_LV = Identity(1160, "Master LV", "MG Energy Systems")


async def introduces_itself_as(bench: Bench, identity: Identity) -> None:
    """Claim: whoever asks finds this device."""
    claim = await bench.display.ask(CLAIM)
    code = None if claim is None else claim.codes.get("manufacturerCode")
    holds = code == identity.manufacturer
    expect.that(f"its NAME has manufacturer {identity.manufacturer}", holds=holds)
    product = await bench.display.ask(PRODUCT)
    model = None if product is None else product.fields.get("modelId")
    expect.that(f"its model is {identity.model!r}", holds=model == identity.model)
    told = await bench.display.ask(CONFIGURATION)
    maker = None if told is None else told.fields.get("manufacturerInformation")
    expect.that(f"its maker is {identity.maker!r}", holds=maker == identity.maker)


async def tells_its_current(bench: Bench) -> None:
    """Claim: the registers of VE.Can go on, whoever it is."""
    load_a = chosen(50.0, "well within what a battery gives")
    await bench.load.draw(load_a)
    told = between(-load_a - 1.0, -load_a + 1.0)
    await expect(bench.gx.register("current_a")).becomes(told, within=seconds(7))
    await bench.load.off()


async def test_the_device_becomes_a_master_lv_and_a_lynx_ion_bms_again(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(CLAIM)

    await introduces_itself_as(bench, LYNX_ION_BMS)
    selected = await sets(bench, "identity", "Master LV")
    expect.that("the tool selects 'Master LV'", holds=selected)
    await bench.wait(seconds(1))
    await introduces_itself_as(bench, MASTER_LV)
    await tells_its_current(bench)
    await bench.power_cycle()
    await introduces_itself_as(bench, MASTER_LV)
    selected = await sets(bench, "identity", "Lynx Ion BMS")
    expect.that("the tool selects 'Lynx Ion BMS'", holds=selected)
    await bench.wait(seconds(1))
    await introduces_itself_as(bench, LYNX_ION_BMS)
