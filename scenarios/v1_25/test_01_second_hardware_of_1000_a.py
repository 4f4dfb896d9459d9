"""v1.25-01: the device runs on hardware that joined with 1.25.

The log names no version: a second hardware of the 1000 A model is chosen. Before, the device called
itself by the family's generic product id, and a start ended with error 7.
"""

import pytest

from rig import Bench
from scenarios.procedures import is_known_hardware

pytestmark = [
    pytest.mark.item("v1.25-01"),
    pytest.mark.needs(hardware="Lynx Ion BMS 1000, hardware 2"),
]

PRODUCT_ID = 0xA394  # public: communication guide


async def test_the_1000_a_model_is_known_on_its_second_hardware(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await is_known_hardware(bench, PRODUCT_ID)
