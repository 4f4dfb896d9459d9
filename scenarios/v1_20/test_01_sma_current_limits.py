"""v1.20-01: the current limits on SMA go beyond 120.0 A, up to what the configuration allows.

The raw value in 0.1 A was held at 1200 before, which is 120.0 A. Shown where 600 A are allowed.
"""

import pytest

from rig import Bench, expect, seconds

pytestmark = [
    pytest.mark.item("v1.20-01"),
    # Five strings of 280 Ah allow 700 A of charge at 0.5 C; the master is made for 600 A. The
    # inverters' standby is light enough for the pre-charge resistor of a 48 V system.
    pytest.mark.needs(
        battery="LFP 24 V 280 Ah",
        series=2,
        parallel=5,
        hardware="Lynx Ion BMS 600",
        link_bleed_ohm=2000.0,
    ),
]


async def test_sma_tells_600_a_where_the_configuration_allows_600_a(bench: Bench) -> None:
    async with bench.arrange():
        charge_a = bench.external_can.signal("general.charge_current_limit_a")
        discharge_a = bench.external_can.signal("general.discharge_current_limit_a")
        # By its name: 1.24 gives SMA another code.
        await bench.tool.set("external_protocol", "SMA")

    await bench.press_start_stop()
    await expect(charge_a).becomes(600.0, within=seconds(60))
    await expect(discharge_a).becomes(600.0, within=seconds(1))
    await expect(charge_a).stays(600.0, for_=seconds(5))
    await expect(discharge_a).is_(600.0)
