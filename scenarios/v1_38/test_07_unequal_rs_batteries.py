"""v1.38-07: RS batteries of different capacity but equally many cells may share a system.

Each counts as the smallest: 176 and 230 Ah in parallel are 352 Ah. Before, error 4 refused them,
as it still does those with another number of cells.
"""

import pytest

from rig import Bench, expect, seconds
from scenarios.procedures import is_refused, starts

pytestmark = pytest.mark.item("v1.38-07")

DIFFERENT_TYPES = 4  # public: register 0x2101


@pytest.mark.parametrize(
    (),
    [
        pytest.param(
            marks=pytest.mark.needs(battery="RS176", parallel=2, batteries=("RS176", "RS230")),
            id="smaller first",
        ),
        pytest.param(
            marks=pytest.mark.needs(battery="RS176", parallel=2, batteries=("RS230", "RS176")),
            id="larger first",
        ),
    ],
)
async def test_176_and_230_ah_in_parallel_count_as_352_ah(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await starts(bench)
    await expect(bench.gx.register("capacity_ah")).becomes(352, within=seconds(2))
    await expect(bench.gx.register("parallel")).becomes(2, within=seconds(2))


@pytest.mark.needs(battery="RS176", parallel=2, batteries=("RS176", "RS132 14S"))
async def test_another_number_of_cells_is_refused(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await is_refused(bench, DIFFERENT_TYPES)


@pytest.mark.needs(
    battery="LFP 24 V 230 Ah", parallel=2, batteries=("LFP 24 V 230 Ah", "LFP 24 V 280 Ah")
)
async def test_other_batteries_than_rs_of_different_capacity_are_refused(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await is_refused(bench, DIFFERENT_TYPES)
