"""v1.11-07: HE batteries are balanced better than before: first step of 1.11, 1.12, 1.15, 1.36.

The measure of all four is how far the cells of five packs are apart after a rest: here, midway
between what 1.10 and what 1.11 leaves (24 and 20 mV; both chosen, the log has no number).
"""

import pytest

from rig import Bench, expect
from scenarios.procedures import FIVE_HE_PACKS, he_spread_after_a_rest_mv

pytestmark = [pytest.mark.item("v1.11-07"), pytest.mark.needs(**FIVE_HE_PACKS)]


async def test_packs_at_rest_come_within_22_mv(bench: Bench) -> None:
    expect.measure("mean spread", await he_spread_after_a_rest_mv(bench), "mV", high=22.0)
