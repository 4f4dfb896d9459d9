"""v1.32-07: batteries of all types round temperatures below zero as exactly as those above.

Told in steps of 0.1 degC, a temperature is at most half a step off. Before, it was told one step
too high below zero (how far is chosen).
"""

import pytest

from rig import Bench, between, chosen, expect, seconds
from scenarios.procedures import started_if_it_can

pytestmark = pytest.mark.item("v1.32-07")

ALL_TYPES = [
    pytest.param(marks=pytest.mark.needs(parallel=1), id="LFP 24 V"),
    pytest.param(marks=pytest.mark.needs(battery="HE100", parallel=1), id="HE"),
    pytest.param(marks=pytest.mark.needs(battery="RS176", parallel=1), id="RS"),
]
# What it is, and what is told of it: both sides of the middle between two steps, below and above 0.
TEMPERATURES_C = chosen(
    ((-10.04, -10.0), (-10.06, -10.1), (-0.06, -0.1), (10.04, 10.0), (10.06, 10.1)),
    "a hundredth beside the middle, and where the batteries may be used",
)
FREEZING_K, NEAR_K = 273.15, 0.011  # the register counts hundredths of a kelvin
TOLD_WITHIN = seconds(6)  # public: the register is told every 5 s


@pytest.mark.parametrize((), ALL_TYPES)
async def test_temperature_is_told_within_half_a_step(bench: Bench) -> None:
    lowest_k = bench.gx.register("cell_temperature_k_min")
    async with bench.arrange():
        await started_if_it_can(bench)

    for true_c, told_c in TEMPERATURES_C:
        bench.battery(0).temperature_reads(true_c)
        told_k = told_c + FREEZING_K
        await expect(lowest_k).becomes(
            between(told_k - NEAR_K, told_k + NEAR_K), within=TOLD_WITHIN
        )
