"""Strings in parallel: stable, fair, and together they keep their charge."""

import random

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode
from rig.plant import ModuleSpec, Plant, PlantSpec

SECOND_US = 1_000_000
# What is put in is kept, so that charge can be counted.
LOSSLESS = {"coulombic_efficiency": 1.0, "self_discharge_pct_per_month": 0.0}
MS_US = 1_000


def plant_of(**fields) -> Plant:
    cells = fields.pop("cells", 8)
    module = ModuleSpec(chemistry="LFP", cells=cells, capacity_ah=230.0, **LOSSLESS)
    return Plant(PlantSpec(module=module, **fields), random.Random(1))


def close(plant: Plant, now_us: int) -> int:
    plant.set_coil(now_us, on=True)
    plant.advance(now_us + 100 * MS_US)
    return now_us + 100 * MS_US


def load(mode: LoadMode, level: float) -> LoadDemand:
    return LoadDemand(enabled=True, mode=mode, level=level)


def test_parallel_strings_share_without_oscillating_at_the_steep_end():
    plant = plant_of(parallel=2, soc_pct=50.0, link_bleed_ohm=1e9)
    for index in range(8):
        plant.modules[0].set_cell_soc(index, 104.0)
        plant.modules[1].set_cell_soc(index, 98.0)
    signs = []

    for k in range(1, 61):
        plant.advance(k * 10 * SECOND_US)
        signs.append(plant.modules[1].current_a > 0.0)

    assert all(signs)
    assert plant.modules[0].cell_soc(0) > plant.modules[1].cell_soc(0)


def test_parallel_strings_keep_their_charge_together():
    plant = plant_of(parallel=2, soc_pct=50.0)
    for index in range(8):
        plant.modules[0].set_cell_soc(index, 80.0)

    for k in range(1, 101):
        plant.advance(k * 10 * SECOND_US)

    total = plant.modules[0].cell_soc(0) + plant.modules[1].cell_soc(0)
    assert total == pytest.approx(130.0, abs=1e-9)
    assert plant.modules[0].current_a == pytest.approx(-plant.modules[1].current_a, abs=1e-9)


def test_parallel_strings_have_one_voltage():
    plant = plant_of(parallel=3, series=2, soc_spread_pct=4.0)
    plant.attach_load(load(LoadMode.CC, 300.0))
    now_us = close(plant, 0)

    plant.advance(now_us + 60 * SECOND_US)

    modules = plant.modules
    sums = [modules[k].terminal_voltage_v + modules[k + 1].terminal_voltage_v for k in (0, 2, 4)]
    assert sums == pytest.approx([plant.battery_voltage_v] * 3, abs=1e-9)


def test_of_two_strings_the_larger_takes_the_larger_share():
    plant = plant_of(parallel=2)
    plant.modules[0].capacity_ah = 115.0
    plant.attach_load(load(LoadMode.CC, 100.0))
    now_us = close(plant, 0)

    plant.advance(now_us + 1800 * SECOND_US)

    assert plant.modules[1].current_a < plant.modules[0].current_a < 0.0
