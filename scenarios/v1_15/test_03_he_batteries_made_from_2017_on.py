"""v1.15-03: HE batteries made from the first week of 2017 on are balanced better than before.

The measure is that of the chain 1.11, 1.12, 1.15, 1.36: how far the cells of five packs are apart
after a rest, midway between what 1.14 and what 1.15 leaves (16 and 11 mV; both chosen). The last
week of 2016 is balanced as by 1.14.
"""

import pytest

from rig import Bench, expect
from scenarios.procedures import FIVE_HE_PACKS, he_spread_after_a_rest_mv

pytestmark = pytest.mark.item("v1.15-03")

NEW_MAKE = tuple(f"HQ1701{number:04}" for number in range(1, 6))
OLD_MAKE = tuple(f"HQ1652{number:04}" for number in range(1, 6))


@pytest.mark.needs(**FIVE_HE_PACKS, serials=NEW_MAKE)
async def test_packs_of_the_first_week_of_2017_come_within_13_5_mv(bench: Bench) -> None:
    expect.measure("mean spread", await he_spread_after_a_rest_mv(bench), "mV", high=13.5)


@pytest.mark.needs(**FIVE_HE_PACKS, serials=OLD_MAKE)
async def test_packs_of_the_last_week_of_2016_stay_as_they_were(bench: Bench) -> None:
    expect.measure("mean spread", await he_spread_after_a_rest_mv(bench), "mV", low=13.5, high=18.0)
