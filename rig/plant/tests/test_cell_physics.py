"""What a cell must show at its ends, and that the numbers do not depend on the step."""

import math
import random
from itertools import pairwise

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.plant import ModuleSpec, Plant, PlantSpec
from rig.plant.cell import Chemistry, tables_of
from rig.plant.kernel import R0

TABLES = {"LFP": tables_of("lfp"), "NMC": tables_of("nmc_he")}

SECOND_US = 1_000_000


def plant_of(chemistry: Chemistry, soc_pct: float, cells: int = 8) -> Plant:
    module = ModuleSpec(chemistry=chemistry, cells=cells, capacity_ah=230.0, fan=True)
    return Plant(PlantSpec(module=module, soc_pct=soc_pct, link_bleed_ohm=1e9), random.Random(1))


def charging(plant: Plant, ampere: float, cell_v: float = 10.0) -> SourceDemand:
    demand = SourceDemand(
        enabled=True,
        voltage_v=cell_v * len(plant.modules[0].cell_voltages()),
        current_limit_a=ampere,
        power_limit_w=1e9,
    )
    plant.attach_source(demand)
    plant.weld_contactor()
    return demand


def loaded(plant: Plant, ampere: float) -> LoadDemand:
    demand = LoadDemand(enabled=True, mode=LoadMode.CC, level=ampere)
    plant.attach_load(demand)
    plant.weld_contactor()
    return demand


@pytest.mark.parametrize(
    ("chemistry", "soc_pct", "rest_v"),
    [
        pytest.param("LFP", 100.0, 3.392, id="LFP full"),
        pytest.param("LFP", 50.0, 3.265, id="LFP half"),
        pytest.param("LFP", 0.0, 2.833, id="LFP empty"),
        pytest.param("NMC", 100.0, 4.198, id="NMC full"),
        pytest.param("NMC", 50.0, 3.838, id="NMC half"),
    ],
)
def test_a_cell_rests_at_the_published_voltage(chemistry, soc_pct, rest_v):
    plant = plant_of(chemistry, soc_pct)

    assert plant.modules[0].cell_voltage_v(0) == pytest.approx(rest_v, abs=0.0005)


@pytest.mark.parametrize("chemistry", ["LFP", "NMC"])
def test_open_circuit_voltage_rises_with_soc_everywhere(chemistry):
    curve = [TABLES[chemistry].ocv_v(k / 1000.0) for k in range(-100, 1101)]

    assert all(a < b for a, b in pairwise(curve))


def test_an_lfp_cell_meets_3_52_v_only_under_charge_and_near_full():
    plant = plant_of("LFP", 90.0)
    charging(plant, 69.0)
    cell = plant.modules[0].cell_voltage_v
    now_us = 0

    while cell(0) < 3.52:
        now_us += SECOND_US
        plant.advance(now_us)

    assert 99.0 < plant.modules[0].cell_soc(0) < 101.0


def test_an_lfp_cell_relaxes_below_3_44_v_after_a_charge_to_3_55_v():
    plant = plant_of("LFP", 97.0)
    demand = charging(plant, 69.0, cell_v=3.55)
    plant.advance(1800 * SECOND_US)
    reached_v = plant.modules[0].cell_voltage_v(0)

    demand.enabled = False
    plant.advance(2100 * SECOND_US)

    assert reached_v > 3.54
    assert 3.38 < plant.modules[0].cell_voltage_v(0) < 3.44


def test_an_lfp_cell_sags_below_2_8_v_under_load_near_empty():
    plant = plant_of("LFP", 0.5)
    loaded(plant, 46.0)

    plant.advance(120 * SECOND_US)

    assert plant.modules[0].cell_voltage_v(0) < 2.8


def test_a_critically_low_cell_can_rest_at_2_3_v():
    plant = plant_of("LFP", 50.0)

    plant.modules[0].set_cell_rest_voltage(3, 2.3)

    assert plant.modules[0].cell_voltage_v(3) == pytest.approx(2.3, abs=1e-9)
    assert -2.0 < plant.modules[0].cell_soc(3) < 0.0


def test_nmc_at_constant_voltage_ends_full_at_4_2_v():
    plant = plant_of("NMC", 95.0, cells=7)
    charging(plant, 69.0, cell_v=4.2)

    plant.advance(3600 * SECOND_US)

    assert plant.modules[0].cell_voltage_v(0) == pytest.approx(4.2, abs=0.001)
    assert plant.modules[0].cell_soc(0) == pytest.approx(100.0, abs=0.5)


@pytest.mark.parametrize(
    ("temperature_c", "factor"),
    [(-20.0, 3.65), (0.0, 1.82), (20.0, 1.0), (40.0, 0.59)],
    ids=["-20C", "0C", "20C", "40C"],
)
def test_resistance_follows_the_published_temperature_law(temperature_c, factor):
    tables = TABLES["NMC"]

    ratio = tables.value(R0, 0.5, temperature_c) / tables.value(R0, 0.5, 20.0)

    assert ratio == pytest.approx(factor, rel=0.02)


def test_one_hour_of_constant_current_counts_coulombs_to_1e_9():
    plant = plant_of("LFP", 20.0)
    plant.weld_contactor()
    inrush_ah = plant.charge_moved_ah
    charging(plant, 100.0)

    for second in range(1, 3601):
        plant.advance(second * SECOND_US)

    moved_pct = plant.modules[0].cell_soc(0) - 20.0
    bleed_ah = 3.3 * 8 / 1e9
    charged_ah = plant.charge_moved_ah - inrush_ah
    lost_pct = 2.0 / (30.4375 * 24.0)  # 2 % a month, for an hour
    assert charged_ah == pytest.approx(100.0 - bleed_ah, rel=1e-9)
    stored_pct = 100.0 * (0.9987 * charged_ah + inrush_ah) / 230.0
    assert moved_pct == pytest.approx(stored_pct - lost_pct, rel=1e-9)


def test_a_current_step_shows_r0_at_once_and_the_rc_pair_as_an_exponential():
    plant = plant_of("LFP", 50.0)
    spec = plant.modules[0].spec
    demand = loaded(plant, 0.0)
    rest_v = plant.modules[0].cell_voltage_v(0)

    demand.level = 100.0
    plant.advance(0)
    at_once_v = plant.modules[0].cell_voltage_v(0)
    plant.advance(15 * SECOND_US)
    soc = plant.modules[0].cell_soc(0) / 100.0
    later_v = plant.modules[0].cell_voltage_v(0) - TABLES["LFP"].ocv_v(soc)

    assert at_once_v - rest_v == pytest.approx(-100.0 * spec.r0_ohm, rel=1e-6)
    rc_v = -100.0 * spec.r1_ohm * (1.0 - math.exp(-15.0 / 30.0))
    slow_v = -100.0 * 0.010 / 230.0 * (1.0 - math.exp(-15.0 / 600.0))
    hysteresis_v = -0.010 * (1.0 - math.exp(-15.0 * (0.5 - soc)))
    assert later_v - (at_once_v - rest_v) == pytest.approx(rc_v + slow_v + hysteresis_v, rel=0.01)


def outcome(step_us: int) -> tuple[float, float, float]:
    plant = plant_of("LFP", 60.0)
    demand = loaded(plant, 100.0)
    now_us = 0
    while now_us < 120 * SECOND_US:
        now_us += step_us
        if now_us == 100 * SECOND_US + step_us:
            demand.level = 20.0
        plant.advance(now_us)
    module = plant.modules[0]
    return module.cell_soc(0), module.cell_voltage_v(0), module.temperature_c


def test_steps_of_10_ms_and_of_10_s_agree():
    fine = outcome(10_000)
    coarse = outcome(10 * SECOND_US)

    assert coarse[0] == pytest.approx(fine[0], abs=1e-6)
    assert coarse[1] == pytest.approx(fine[1], abs=0.0001)
    assert coarse[2] == pytest.approx(fine[2], abs=0.05)


def test_energy_in_is_energy_stored_and_heat():
    plant = plant_of("NMC", 40.0)
    charging(plant, 230.0)
    module = plant.modules[0]
    ocv = TABLES["NMC"].ocv_v
    stored_wh = 0.0
    soc = module.cell_soc(0) / 100.0

    for second in range(1, 601):
        plant.advance(second * SECOND_US)
        after = module.cell_soc(0) / 100.0
        stored_wh += 8 * 230.0 * (after - soc) * 0.5 * (ocv(soc) + ocv(after))
        soc = after

    assert plant.heat_wh > 1.0
    assert plant.energy_moved_wh == pytest.approx(stored_wh + plant.heat_wh, rel=1e-4)


def test_a_bled_cell_loses_its_charge_alone():
    plant = plant_of("LFP", 50.0)
    module = plant.modules[0]

    module.bleed(2, 1.15)
    plant.advance(3600 * SECOND_US)

    lost_pct = 2.0 / (30.4375 * 24.0)  # self-discharge: 2 % a month, for an hour
    assert module.cell_soc(2) == pytest.approx(49.5 - lost_pct, abs=1e-9)
    assert module.cell_soc(3) == pytest.approx(50.0 - lost_pct, abs=1e-9)


def test_a_fan_keeps_a_loaded_module_cooler():
    still, blown = plant_of("NMC", 90.0), plant_of("NMC", 90.0)
    blown.modules[0].fan_on = True

    for plant in (still, blown):
        loaded(plant, 115.0)
        plant.advance(3600 * SECOND_US)

    assert blown.modules[0].temperature_c < still.modules[0].temperature_c - 0.5


def test_terminals_are_warmer_than_cells_under_current():
    plant = plant_of("LFP", 90.0)
    loaded(plant, 230.0)

    plant.advance(900 * SECOND_US)

    terminals = plant.modules[0].terminal_temperatures()
    assert terminals is not None
    assert terminals[0] > plant.modules[0].temperature_c + 2.0


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    def cells(seed: int) -> list[float]:
        module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=230.0)
        spec = PlantSpec(module=module, parallel=2, soc_spread_pct=2.0)
        plant = Plant(spec, random.Random(seed))
        plant.advance(60 * SECOND_US)
        return [v for m in plant.modules for v in m.cell_voltages()]

    assert cells(7) == cells(7)
    assert cells(7) != cells(8)
