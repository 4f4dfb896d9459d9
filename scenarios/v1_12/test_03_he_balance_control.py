"""v1.12-03: HE batteries are balanced better than before: second step of 1.11, 1.12, 1.15, 1.36.

The measure of all four is how far the cells of five packs are apart after a rest: here, midway
between what 1.11 and what 1.12 leaves (20 and 16 mV; both chosen, the log has no number).
"""

import pytest

from rig import Bench, expect
from scenarios.procedures import FIVE_HE_PACKS, he_spread_after_a_rest_mv

pytestmark = [pytest.mark.item("v1.12-03"), pytest.mark.needs(**FIVE_HE_PACKS)]


async def test_packs_at_rest_come_within_18_mv(bench: Bench) -> None:
    expect.measure("mean spread", await he_spread_after_a_rest_mv(bench), "mV", high=18.0)
