"""Balancing in the plant: what a module's electronics switch, and packs of an exact spread."""

import random

import pytest

from rig.plant.balancer import BLEED_A, CONVERTER_A, Balancer
from rig.plant.module import BALANCER_EFFICIENCY
from rig.plant.plant import Plant
from rig.plant.spec import ModuleSpec, PlantSpec

HOUR_US = 3_600_000_000
CELLS, CAPACITY_AH = 4, 100.0


def plant_of(seed: int = 1, **spec: object) -> Plant:
    module = ModuleSpec(chemistry="NMC", cells=CELLS, capacity_ah=CAPACITY_AH)
    settings = {"module": module, "soc_pct": 50.0, "link_bleed_ohm": 1e9, **spec}
    return Plant(PlantSpec(**settings), random.Random(seed))  # type: ignore[arg-type]


def moved_ah(bleed: int, give: int, take: int) -> list[float]:
    """What an hour of this moves into each cell, less what leaks away by itself."""
    plant, still = plant_of(), plant_of()
    Balancer(plant.modules[0]).switch(bleed, give, take)
    plant.advance(HOUR_US)
    still.advance(HOUR_US)
    pairs = [(plant.modules[0].cell_soc(k), still.modules[0].cell_soc(k)) for k in range(CELLS)]
    return [(soc - alone) * CAPACITY_AH / 100.0 for soc, alone in pairs]


def test_only_the_cells_of_the_mask_are_bled():
    a = -BLEED_A.value

    assert moved_ah(0b0101, 0, 0) == pytest.approx([a, 0.0, a, 0.0], rel=2e-3, abs=1e-9)


@pytest.mark.parametrize(("give", "take"), [(0b0001, 0b1110), (0b0111, 0b1000)])
def test_what_is_given_arrives_less_the_loss_and_no_converter_is_overloaded(give, take):
    moved = moved_ah(0, give, take)

    given, taken = -sum(m for m in moved if m < 0), sum(m for m in moved if m > 0)
    assert taken == pytest.approx(BALANCER_EFFICIENCY.value * given, rel=2e-3)
    assert max(map(abs, moved)) == pytest.approx(CONVERTER_A.value, rel=2e-3)


def test_nothing_moves_without_somebody_who_takes():
    assert moved_ah(0, 0b1111, 0) == pytest.approx([0.0] * CELLS, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_an_exact_spread_is_that_of_every_module_whatever_the_seed(seed):
    plant = plant_of(seed, parallel=3, soc_spread_pct=2.0, soc_spread_exact=True)

    for module in plant.modules:
        socs = [module.cell_soc(k) for k in range(CELLS)]
        assert (min(socs), max(socs)) == pytest.approx((49.0, 51.0))
