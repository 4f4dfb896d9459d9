"""Numbers that do not depend on the step, and laws that hold whatever happens."""

import math
import random
from itertools import pairwise

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.plant import ModuleSpec, Plant, PlantSpec
from rig.plant.cell import known_cells, tables_of
from rig.plant.pack import Pack

SECOND_US = 1_000_000


def pack_of(parallel: int = 1, series: int = 1, soc_pct: float = 50.0, **fields) -> Pack:
    fields = {"chemistry": "LFP", "cells": 4, "capacity_ah": 100.0, **fields}
    spec = PlantSpec(module=ModuleSpec(**fields), parallel=parallel, series=series, soc_pct=soc_pct)
    return Pack(spec, random.Random(1), lambda: None)


def outcome(pack: Pack, ampere: float, step_s: float, steps: int) -> list[float]:
    for _ in range(steps):
        pack.move(ampere, step_s)
    pack.now()
    pack.settle(ampere)
    (module,) = pack.modules
    return [module.cell_soc(0), *module.cell_voltages(), module.temperature_c, module.heat_j]


@pytest.mark.parametrize("cell", known_cells())
@pytest.mark.parametrize("ampere", [-100.0, 60.0], ids=["discharge", "charge"])
def test_steps_of_10_ms_and_of_60_s_agree_to_1e_9(cell, ampere):
    fine = outcome(pack_of(cell=cell), ampere, 0.01, 60_000)
    coarse = outcome(pack_of(cell=cell), ampere, 60.0, 10)

    assert coarse == pytest.approx(fine, rel=1e-9)


@pytest.mark.parametrize("ampere", [-25.0, 25.0], ids=["discharge", "charge"])
def test_steps_that_divide_nothing_agree_too(ampere):
    fine = outcome(pack_of(soc_pct=97.9), ampere, 0.1, 4_410)
    coarse = outcome(pack_of(soc_pct=97.9), ampere, 63.0, 7)

    assert coarse == pytest.approx(fine, rel=1e-9)


def test_an_idle_day_in_one_step_is_one_in_many():
    def after(step_s: float, steps: int) -> list[float]:
        pack = pack_of()
        pack.modules[0].ambient_c = 10.0
        pack.move(80.0, 125.0)
        return outcome(pack, 0.0, step_s, steps)

    assert after(86_400.0, 1) == pytest.approx(after(7.2, 12_000), rel=1e-9)


def test_two_rc_pairs_under_a_linear_resistance_follow_their_closed_form():
    # 20 to 80 %: R0 is flat, R1 and R2 are flat in lfp; one hour at C/2.
    pack = pack_of(soc_pct=79.0, cells=1, coulombic_efficiency=1.0, resistance_pct=100.0)
    (module,) = pack.modules
    module.hold_temperature()
    seconds, ampere = 3600.0, -50.0

    pack.move(ampere, seconds)
    pack.now()
    pack.settle(ampere)

    soc = module.cell_soc(0) / 100.0
    table = tables_of("lfp")
    hysteresis = -1.0 + math.exp(-15.0 * (0.79 - soc))
    gap_v = table.value(1, soc) * hysteresis
    fast_v = ampere * 0.030 / 100.0 * -math.expm1(-seconds / 30.0)
    slow_v = ampere * 0.010 / 100.0 * -math.expm1(-seconds / 600.0)
    expected_v = table.ocv_v(soc) + gap_v + fast_v + slow_v + ampere * 0.050 / 100.0
    assert module.cell_voltage_v(0) == pytest.approx(expected_v, rel=1e-9)


@pytest.mark.parametrize("step_s", [10.0, 60.0], ids=["10s", "60s"])
@pytest.mark.parametrize(
    ("cell", "high", "low"),
    [
        pytest.param("lfp", 104.0, 98.0, id="LFP full"),
        pytest.param("lfp", 3.0, 0.0, id="LFP empty"),
        pytest.param("nmc_he", 3.0, 0.0, id="NMC empty"),
    ],
)
def test_parallel_strings_do_not_oscillate_at_the_steep_ends(cell, high, low, step_s):
    pack = pack_of(parallel=2, cells=16, cell=cell)
    for string, soc_pct in enumerate((high, low)):
        for index in range(16):
            pack.modules[string].set_cell_soc(index, soc_pct)
    currents = []

    for _ in range(int(600 / step_s)):
        pack.move(0.0, step_s)
        currents.append(pack.modules[1].current_now_a)

    assert min(currents) > -1e-6
    assert pack.modules[0].cell_soc(0) >= pack.modules[1].cell_soc(0) - 1e-3


@pytest.mark.parametrize("cell", ["lfp", "nmc_he", "nmc_rs"])
def test_a_full_cycle_keeps_its_energy_to_a_thousandth(cell):
    module = ModuleSpec(chemistry="LFP", cell=cell, cells=8, capacity_ah=100.0)
    plant = Plant(PlantSpec(module=module, soc_pct=90.0, link_bleed_ohm=1e9), random.Random(1))
    load = LoadDemand(enabled=True, mode=LoadMode.CC, level=50.0)
    source = SourceDemand(enabled=False, voltage_v=80.0, current_limit_a=50.0, power_limit_w=1e9)
    plant.attach_load(load)
    plant.attach_source(source)
    plant.weld_contactor()
    ocv = tables_of(cell).ocv_v
    stored_wh, soc, turned, out_wh = 0.0, 0.9, False, 0.0

    for k in range(1, 4000):
        plant.advance(k * 10 * SECOND_US)
        after = plant.modules[0].cell_soc(0) / 100.0
        stored_wh += 8 * 100.0 * (after - soc) * ocv(0.5 * (soc + after))
        soc = after
        if not turned and soc < 0.1:
            turned, out_wh = True, plant.energy_moved_wh
            load.enabled, source.enabled = False, True
        if turned and soc >= 0.9:
            break

    assert soc == pytest.approx(0.9, abs=0.002)
    lost_wh = plant.energy_moved_wh - stored_wh - plant.heat_wh
    assert out_wh < -1500.0
    assert plant.heat_wh > 10.0
    assert abs(lost_wh) < 0.001 * abs(out_wh)


def test_charging_keeps_less_than_what_goes_in():
    pack = pack_of(self_discharge_pct_per_month=0.0)

    pack.move(50.0, 720.0)

    assert pack.modules[0].cell_soc(0) == pytest.approx(50.0 + 10.0 * 0.9987, rel=1e-9)


def test_a_cell_at_rest_loses_two_per_cent_a_month():
    pack = pack_of()

    pack.move(0.0, 30.4375 * 86_400.0)

    assert pack.modules[0].cell_soc(0) == pytest.approx(48.0, abs=1e-6)


def test_rest_voltage_after_charge_lies_above_that_after_discharge():
    def rested(ampere: float) -> float:
        pack = pack_of(soc_pct=50.0 - ampere / 100.0 * 20.0, coulombic_efficiency=1.0)
        pack.move(ampere, 720.0)
        pack.move(0.0, 86_400.0)
        pack.now()
        return pack.modules[0].cell_voltage_v(0)

    # 20 % of SOC at 15 per unit: the branch is taken to 95 %; the gap is 10 mV to each side.
    assert rested(100.0) - rested(-100.0) == pytest.approx(0.019, abs=0.0005)


def test_an_aged_cell_has_less_capacity_and_more_resistance():
    pack = pack_of()
    (module,) = pack.modules
    new_ohm = module.ohm

    module.age_cell(1, capacity_pct=80.0, resistance_pct=150.0)
    pack.move(-40.0, 900.0)

    assert module.ohm > new_ohm
    gone = [50.0 - module.cell_soc(k) for k in (0, 1)]
    assert gone[1] == pytest.approx(gone[0] / 0.8, rel=1e-4)


def test_an_actively_balanced_cell_gains_what_it_is_given():
    pack = pack_of(coulombic_efficiency=1.0, self_discharge_pct_per_month=0.0)
    (module,) = pack.modules

    module.balance(1, 2.0)
    module.balance(2, -2.0)
    pack.move(0.0, 3600.0)

    socs = [module.cell_soc(k) for k in range(4)]
    assert socs == pytest.approx([50.0, 52.0, 48.0, 50.0], abs=1e-9)
    assert module.temperature_c > 25.0


def test_a_bled_cell_is_warmest_and_warms_its_neighbours():
    pack = pack_of()
    (module,) = pack.modules

    module.bleed(0, 10.0)
    pack.move(0.0, 1800.0)

    warmth = [module.cell_temperature_c(k) for k in range(4)]
    assert warmth[0] > warmth[1] > 25.0
    assert warmth[1] == warmth[2] == warmth[3]
    assert sum(warmth) / 4 == pytest.approx(module.temperature_c, abs=1e-9)


def test_a_loose_lug_heats_its_own_terminal():
    pack = pack_of()
    (module,) = pack.modules

    module.set_contact_ohm(positive=0.001)
    pack.move(-50.0, 1200.0)

    positive_c, negative_c = module.terminal_temperatures()
    assert positive_c == pytest.approx(module.temperature_c + 50.0**2 * 0.001 / 0.5, abs=0.5)
    assert negative_c < 26.5


def test_curves_have_an_inverse_at_every_temperature():
    for cell in known_cells():
        table = tables_of(cell)
        for temperature_c in (-10.0, 5.0, 15.0, 25.0, 60.0):
            curve = [table.ocv_v(k / 200.0, temperature_c) for k in range(-20, 221)]
            assert all(a < b for a, b in pairwise(curve)), cell


def test_a123_resistances_fall_with_temperature_below_its_measurements_too():
    table = tables_of("a123")

    r0 = [table.value(2, 0.5, t) for t in (-20.0, -5.0, 5.0, 15.0, 25.0, 35.0, 45.0, 60.0)]

    assert r0 == sorted(r0, reverse=True)
    assert 1.2 < r0[1] / r0[2] < 1.7
