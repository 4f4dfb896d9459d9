"""v1.25-05: the state of charge is held at 99.9 % while the cell voltages still allow charging.

100 % is shown once they do not. The batteries hold more than they are rated, so that the count
alone would be at 100 % before the cells are charged.
"""

import pytest

from rig import Bench, expect, seconds

pytestmark = [
    pytest.mark.item("v1.25-05"),
    pytest.mark.needs(parallel=1, soc_pct=98.5, capacity_pct=150),
]

# The code of SMA before 1.24 and of General BMS, which is also for 24 V systems, since then.
INVERTER_PROTOCOL = 1


async def test_soc_is_99_9_pct_until_charging_is_no_longer_allowed(bench: Bench) -> None:
    soc_pct = bench.gx.register("soc_pct")
    async with bench.arrange():
        await bench.tool.set("external_protocol", INVERTER_PROTOCOL)
        whole_pct = (
            bench.ve_can.signal("n2k.dcDetailedStatus.0.stateOfCharge"),
            bench.external_can.signal("general.soc_pct"),
        )
        await bench.running()
        await bench.charger.charge(115.0, 28.6)

    await expect(soc_pct).becomes(99.9, within=seconds(200))
    await expect(bench.allow_charge).is_(True)
    await expect(soc_pct).stays(99.9, for_=seconds(20))
    await expect(bench.allow_charge).is_(True)
    for whole in whole_pct:
        await expect(whole).is_(99)

    await expect(bench.allow_charge).becomes(False, within=seconds(200))
    await expect(soc_pct).becomes(100.0, within=seconds(2))
    for whole in whole_pct:
        await expect(whole).becomes(100, within=seconds(4))
