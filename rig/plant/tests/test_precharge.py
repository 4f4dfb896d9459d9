"""Pre-charge: the closed form of a resistor, the known curves of an NTC, conservation."""

import math
import random

import pytest

from rig.plant import ModuleSpec, Plant, PlantSpec, PrechargeSpec

SECOND_US = 1_000_000
# What is put in is kept, so that charge can be counted.
LOSSLESS = {"coulombic_efficiency": 1.0, "self_discharge_pct_per_month": 0.0}
MS_US = 1_000


def plant_of(**fields) -> Plant:
    cells = fields.pop("cells", 8)
    module = ModuleSpec(chemistry="LFP", cells=cells, capacity_ah=230.0, **LOSSLESS)
    return Plant(PlantSpec(module=module, **fields), random.Random(1))


def at_26_4_v(plant: Plant) -> Plant:
    for module in plant.modules:
        for index in range(8):
            module.set_cell_rest_voltage(index, 3.3)
    return plant


def ntc_plant(ohm: float, temperature_c: float, farad: float, load_ohm: float) -> Plant:
    return at_26_4_v(
        plant_of(
            temperature_c=temperature_c,
            link_capacitance_f=farad,
            link_bleed_ohm=load_ohm,
            precharge=PrechargeSpec(kind="ntc", ohm=ohm),
        )
    )


def difference_v(plant: Plant) -> float:
    return plant.battery_voltage_v - plant.system_voltage_v


def test_a_resistor_charges_the_link_along_the_closed_form():
    spec = PrechargeSpec(kind="resistor", ohm=25.0)
    plant = at_26_4_v(plant_of(link_capacitance_f=0.02, link_bleed_ohm=500.0, precharge=spec))
    emf_v = plant.battery_voltage_v

    plant.set_precharge(0, on=True)
    plant.advance(400 * MS_US)

    tau_s = 0.02 / (1 / 25.0 + 1 / 500.0)
    expected_v = emf_v * 500.0 / 525.0 * (1.0 - math.exp(-0.4 / tau_s))
    assert plant.system_voltage_v == pytest.approx(expected_v, rel=3e-4)


@pytest.mark.parametrize(
    ("temperature_c", "below_1_v_s"),
    [(25.0, 5.8), (0.0, 16.0), (-10.0, 28.1)],
    ids=["25C", "0C", "-10C"],
)
def test_the_ntc_brings_the_difference_below_1_v_in_the_known_time(temperature_c, below_1_v_s):
    plant = ntc_plant(47.0, temperature_c, 0.05, 5000.0)

    plant.set_precharge(0, on=True)
    now_us = 0
    while now_us == 0 or difference_v(plant) >= 1.0:
        now_us += 50 * MS_US
        plant.advance(now_us)

    assert now_us * 1e-6 == pytest.approx(below_1_v_s, rel=0.03)


def test_at_minus_20_c_the_ntc_is_2_4_v_short_at_30_s_and_still_rising():
    plant = ntc_plant(47.0, -20.0, 0.05, 5000.0)

    plant.set_precharge(0, on=True)
    plant.advance(29 * SECOND_US)
    before_v = plant.system_voltage_v
    plant.advance(30 * SECOND_US)

    assert difference_v(plant) == pytest.approx(2.4, rel=0.03)
    assert plant.system_voltage_v - before_v == pytest.approx(0.143, rel=0.05)


def test_at_minus_20_c_the_ntc_is_1_33_v_short_at_48_s():
    plant = ntc_plant(47.0, -20.0, 0.05, 5000.0)

    plant.set_precharge(0, on=True)
    plant.advance(48 * SECOND_US)

    assert difference_v(plant) == pytest.approx(1.33, rel=0.03)


@pytest.mark.parametrize(
    ("temperature_c", "short_v"), [(-20.0, 2.7), (-10.0, 1.8)], ids=["-20C", "-10C"]
)
def test_a_load_makes_a_divider_of_the_cold_ntc_that_stays_short(temperature_c, short_v):
    plant = ntc_plant(10.0, temperature_c, 0.005, 500.0)

    plant.set_precharge(0, on=True)
    plant.advance(30 * SECOND_US)

    assert difference_v(plant) == pytest.approx(short_v, rel=0.04)


def test_behind_a_cold_divider_a_big_link_sags_as_the_ntc_cools():
    plant = ntc_plant(10.0, -20.0, 0.05, 500.0)

    plant.set_precharge(0, on=True)
    plant.advance(30 * SECOND_US)
    at_30_s_v = plant.system_voltage_v
    plant.advance(48 * SECOND_US)

    assert plant.system_voltage_v < at_30_s_v


def test_precharge_takes_its_charge_from_the_battery():
    plant = ntc_plant(47.0, 25.0, 0.05, 1e9)
    soc_pct = plant.modules[0].cell_soc(0)

    plant.set_precharge(0, on=True)
    plant.advance(20 * SECOND_US)

    link_ah = 0.05 * plant.system_voltage_v / 3600.0
    assert -plant.charge_moved_ah == pytest.approx(link_ah, rel=1e-6)
    moved_ah = (soc_pct - plant.modules[0].cell_soc(0)) / 100.0 * 230.0
    assert moved_ah == pytest.approx(link_ah, rel=1e-6)
