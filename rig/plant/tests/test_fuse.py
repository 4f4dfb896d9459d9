"""Fuses melt by the integral of the squared current; what they break is open."""

import math
import random

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.plant import FuseSpec, ModuleSpec, Plant, PlantSpec, PrechargeSpec
from rig.plant.fuse import Fuse

SECOND_US = 1_000_000
MS_US = 1_000
WEAK = FuseSpec(rated_a=200.0, i2t_a2s=500_000.0)  # tau = 8 s, never melts up to 250 A


def plant_of(**fields) -> Plant:
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=230.0)
    plant = Plant(PlantSpec(module=module, **fields), random.Random(1))
    for index in range(8):
        plant.modules[0].set_cell_rest_voltage(index, 3.3)
    return plant


def loaded(ampere: float, **fields) -> Plant:
    """Closed, with this load from 100 ms on."""
    plant = plant_of(link_bleed_ohm=1e9, link_capacitance_f=1e-6, **fields)
    demand = LoadDemand(enabled=False, mode=LoadMode.CC, level=ampere)
    plant.attach_load(demand)
    plant.set_coil(0, on=True)
    plant.advance(100 * MS_US)
    demand.enabled = True
    return plant


def test_a_fuse_melts_at_the_time_of_the_closed_form():
    fuse = Fuse(WEAK)

    melts_s = -8.0 * math.log(1.0 - 500_000.0 / (500.0**2 * 8.0))
    assert fuse.melts_in_s(500.0) == pytest.approx(melts_s, rel=1e-12)
    fuse.carry(0.999 * melts_s, 500.0**2)
    before = fuse.blown
    fuse.carry(0.0011 * melts_s, 500.0**2)

    assert (before, fuse.blown) == (False, True)


def test_a_surge_far_shorter_than_its_time_constant_melts_it_by_i2t_alone():
    assert Fuse(WEAK).melts_in_s(50_000.0) == pytest.approx(500_000.0 / 50_000.0**2, rel=1e-4)


def test_a_fuse_carries_one_and_a_quarter_of_its_rating_for_ever():
    fuse = Fuse(WEAK)

    fuse.carry(1e6, 250.0**2 * 0.999)

    assert not fuse.blown
    assert fuse.endures(249.0)
    assert not fuse.endures(251.0)


def test_a_warm_fuse_melts_sooner_and_has_forgotten_after_some_time_constants():
    fuse = Fuse(WEAK)
    cold_s = fuse.melts_in_s(500.0)

    fuse.carry(100.0, 200.0**2)
    warm_s = fuse.melts_in_s(500.0)
    fuse.carry(200.0, 0.0)

    assert warm_s < 0.5 * cold_s
    assert fuse.melts_in_s(500.0) == pytest.approx(cold_s, rel=1e-9)


@pytest.mark.parametrize("step_us", [10 * MS_US, 777 * MS_US, 60 * SECOND_US], ids=str)
def test_the_main_fuse_melts_within_a_step_at_its_own_instant(step_us):
    plant = loaded(500.0, main_fuse=WEAK)
    melts_s = -8.0 * math.log(1.0 - 500_000.0 / (500.0**2 * 8.0))

    while plant.now_us < 20 * SECOND_US:
        plant.advance(min(plant.now_us + step_us, 20 * SECOND_US))

    assert plant.main_fuse_blown
    assert -plant.charge_moved_ah * 3600.0 / 500.0 == pytest.approx(melts_s, rel=1e-5)
    assert plant.current_a == 0.0


def test_who_samples_only_sees_the_blown_fuse_at_once():
    plant = loaded(500.0, main_fuse=WEAK)
    melts_us = round(-8e6 * math.log(1.0 - 500_000.0 / (500.0**2 * 8.0)))
    held = []

    for now_us in range(100 * MS_US, 100 * MS_US + melts_us + 20 * MS_US, 10 * MS_US):
        plant.sample(now_us)
        held.append(plant.current_a)

    assert held[-4] == pytest.approx(-500.0, abs=0.1)
    assert held[-1] == 0.0


def test_behind_a_blown_main_fuse_neither_contactor_nor_pre_charge_carries_anything():
    plant = plant_of()
    plant.blow_main_fuse()

    plant.set_precharge(0, on=True)
    plant.set_coil(0, on=True)
    plant.advance(SECOND_US)

    assert plant.contactor_closed
    assert plant.system_voltage_v == 0.0
    assert plant.battery_voltage_v == pytest.approx(26.4, abs=0.01)


def test_a_new_main_fuse_behind_closed_contacts_is_an_inrush():
    plant = plant_of()
    plant.blow_main_fuse()
    plant.set_coil(0, on=True)
    plant.advance(SECOND_US)

    plant.replace_main_fuse()

    assert plant.last_inrush is not None
    assert plant.last_inrush.difference_v == pytest.approx(26.4, abs=0.01)
    assert plant.system_voltage_v == pytest.approx(26.4, abs=0.1)


def test_the_inrush_melts_a_fuse_that_its_closed_form_exceeds_and_no_stronger_one():
    def blown(i2t_a2s: float) -> bool:
        fuse = FuseSpec(rated_a=1000.0, i2t_a2s=i2t_a2s)
        plant = plant_of(link_capacitance_f=0.02, loop_ohm=0.005, main_fuse=fuse)
        plant.set_coil(0, on=True)
        plant.advance(SECOND_US)
        return plant.main_fuse_blown

    path_ohm = 0.005 + plant_of().modules[0].ohm
    i2t_a2s = 26.4**2 * 0.02 / (2 * path_ohm)

    assert (blown(0.99 * i2t_a2s), blown(1.01 * i2t_a2s)) == (True, False)


def test_contacts_weld_by_an_inrush_beyond_their_limit_and_by_no_lesser_one():
    def welds(limit_a2s: float) -> bool:
        plant = plant_of(link_capacitance_f=0.02, loop_ohm=0.005, contactor_weld_i2t_a2s=limit_a2s)
        plant.set_coil(0, on=True)
        plant.advance(SECOND_US)
        plant.set_coil(SECOND_US, on=False)
        plant.advance(2 * SECOND_US)
        return plant.aux_closed

    path_ohm = 0.005 + plant_of().modules[0].ohm
    i2t_a2s = 26.4**2 * 0.02 / (2 * path_ohm)

    assert (welds(0.99 * i2t_a2s), welds(1.01 * i2t_a2s)) == (True, False)


def test_the_full_voltage_onto_the_largest_link_welds_and_after_pre_charge_nothing_does():
    dead = plant_of(link_capacitance_f=0.05)
    dead.set_coil(0, on=True)
    dead.advance(SECOND_US)
    ready = plant_of(link_capacitance_f=0.05)
    supply = SourceDemand(enabled=True, voltage_v=25.4, current_limit_a=100, power_limit_w=1e9)
    ready.attach_source(supply)  # a link that is 1 V short
    ready.advance(SECOND_US)
    ready.set_coil(SECOND_US, on=True)
    ready.advance(2 * SECOND_US)

    assert [str(p.contactor_fault) for p in (dead, ready)] == ["welded", "none"]


def test_the_pre_charge_fuse_melts_by_the_integral_of_the_decaying_current():
    def blown(i2t_a2s: float) -> bool:
        plant = plant_of(
            link_capacitance_f=0.02,
            link_bleed_ohm=1e9,
            precharge=PrechargeSpec(kind="resistor", ohm=1.0, burns_c=1e6),
            precharge_fuse=FuseSpec(rated_a=0.01, i2t_a2s=i2t_a2s),
        )
        plant.set_precharge(0, on=True)
        plant.advance(SECOND_US)
        return not plant.precharge_whole

    # A rating that low has a time constant of days: the integral is all that counts.
    i2t_a2s = 26.4**2 * 0.02 / (2 * (1.0 + 0.001 + plant_of().modules[0].ohm))

    assert (blown(0.98 * i2t_a2s), blown(1.02 * i2t_a2s)) == (True, False)


def test_a_stalled_pre_charge_burns_its_resistor_out_at_the_time_of_the_closed_form():
    spec = PrechargeSpec(
        kind="resistor", ohm=10.0, heat_capacity_j_per_k=15.0, dissipation_w_per_k=0.15
    )
    plant = plant_of(precharge=spec, precharge_fuse=FuseSpec(rated_a=10.0, i2t_a2s=1e9))
    plant.attach_load(LoadDemand(enabled=True, mode=LoadMode.CR, level=0.01))
    plant.set_precharge(0, on=True)

    now_us = 0
    while plant.precharge_whole:
        now_us += 100 * MS_US
        plant.advance(now_us)

    power_w = 10.0 * (26.4 / (10.0 + 0.01 + 0.0043)) ** 2
    burns_s = -100.0 * math.log(1.0 - (250.0 - 25.0) * 0.15 / power_w)
    assert now_us * 1e-6 == pytest.approx(burns_s, rel=0.02)
    assert plant.current_a == 0.0


def test_a_new_pre_charge_element_works_again():
    plant = plant_of(precharge=PrechargeSpec(kind="resistor", ohm=10.0))
    plant.burn_precharge_element()
    plant.set_precharge(0, on=True)
    plant.advance(SECOND_US)
    dead_v = plant.system_voltage_v

    plant.replace_precharge_element()
    plant.advance(2 * SECOND_US)

    assert dead_v == 0.0
    assert plant.system_voltage_v > 20.0
