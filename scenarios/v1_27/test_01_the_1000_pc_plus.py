"""v1.27-01: the Lynx Ion BMS 1000 PC+ is known.

Before, it called itself by the family's generic product id, and a start ended with error 7.
"""

import pytest

from rig import Bench, chosen
from scenarios.procedures import is_known_hardware

pytestmark = [
    pytest.mark.item("v1.27-01"),
    pytest.mark.needs(hardware="Lynx Ion BMS 1000 PC+"),
]

PRODUCT_ID = chosen(0xA395, "not public: the next free one of the family")


async def test_the_1000_pc_plus_is_known(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await is_known_hardware(bench, PRODUCT_ID)
