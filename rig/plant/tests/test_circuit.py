"""Sources and loads on the one bus: laws, limits, sharing, hand-over, collapse."""

import math
import random

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
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


def source(volt: float, ampere: float, watt: float = 1e9) -> SourceDemand:
    return SourceDemand(enabled=True, voltage_v=volt, current_limit_a=ampere, power_limit_w=watt)


def load(mode: LoadMode, level: float) -> LoadDemand:
    return LoadDemand(enabled=True, mode=mode, level=level)


def test_a_source_charges_the_open_link_at_its_current_and_holds_its_voltage():
    plant = plant_of(link_capacitance_f=0.02, link_bleed_ohm=1000.0)
    port = plant.attach_source(source(28.0, 0.5))

    plant.advance(500 * MS_US)
    rising_v, rising_a = port.voltage_v(), port.current_a()
    plant.advance(5 * SECOND_US)

    final_v, tau_s = 0.5 * 1000.0, 20.0
    assert rising_v == pytest.approx(final_v * (1.0 - math.exp(-0.5 / tau_s)), rel=1e-9)
    assert rising_a == 0.5
    assert port.voltage_v() == 28.0
    assert port.current_a() == pytest.approx(0.028, rel=1e-9)


def test_a_constant_current_load_stops_at_about_half_a_volt():
    plant = plant_of(link_capacitance_f=0.02, link_bleed_ohm=1e6)
    supply = source(28.0, 10.0)
    plant.attach_source(supply)
    port = plant.attach_load(load(LoadMode.CC, 5.0))
    plant.advance(SECOND_US)
    running_a = port.current_a()

    supply.enabled = False
    plant.advance(2 * SECOND_US)

    assert running_a == 5.0
    assert port.voltage_v() == pytest.approx(0.5, abs=0.01)
    assert port.current_a() == 0.0


def test_a_charger_hands_over_from_constant_current_to_constant_voltage():
    plant = plant_of(soc_pct=97.0)
    port = plant.attach_source(source(28.2, 100.0))
    now_us = close(plant, 0)
    start_a = port.current_a()

    plant.advance(now_us + 3600 * SECOND_US)

    assert start_a == 100.0
    assert port.voltage_v() == 28.2
    assert 0.0 < port.current_a() < 50.0


def test_in_constant_voltage_a_step_of_1_s_agrees_with_steps_of_10_ms():
    def soc(step_us: int) -> float:
        plant = plant_of(soc_pct=99.0, cells=2)
        plant.attach_source(source(7.0, 100.0))
        plant.weld_contactor()
        for k in range(1, 120 * SECOND_US // step_us + 1):
            plant.advance(k * step_us)
        return plant.modules[0].cell_soc(0)

    assert soc(SECOND_US) == pytest.approx(soc(10 * MS_US), abs=0.01)


def test_charger_and_load_work_at_once_and_the_shunt_sees_the_difference():
    plant = plant_of(link_bleed_ohm=1e9)
    supply = plant.attach_source(source(35.0, 1000.0))
    sink = plant.attach_load(load(LoadMode.CC, 600.0))

    close(plant, 0)

    assert (supply.current_a(), sink.current_a()) == (1000.0, 600.0)
    assert plant.current_a == pytest.approx(400.0, abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "level", "ampere"),
    [
        pytest.param(LoadMode.CC, 50.0, lambda v: 50.0, id="CC"),
        pytest.param(LoadMode.CP, 1000.0, lambda v: 1000.0 / v, id="CP"),
        pytest.param(LoadMode.CR, 2.0, lambda v: v / 2.0, id="CR"),
    ],
)
def test_a_load_follows_its_mode(mode, level, ampere):
    plant = plant_of(link_bleed_ohm=1e9)
    port = plant.attach_load(load(mode, level))

    close(plant, 0)

    assert port.current_a() == pytest.approx(ampere(port.voltage_v()), rel=1e-9)
    assert plant.current_a == pytest.approx(-port.current_a(), rel=1e-6)


def test_a_constant_voltage_load_pulls_the_bus_to_its_level():
    plant = plant_of(link_bleed_ohm=1e9)
    port = plant.attach_load(load(LoadMode.CV, 25.9))

    close(plant, 0)

    assert port.voltage_v() == 25.9
    assert plant.current_a == pytest.approx(-port.current_a(), rel=1e-6)
    assert port.current_a() > 10.0


def test_a_source_in_its_power_limit_gives_that_power():
    plant = plant_of(link_bleed_ohm=1e9)
    port = plant.attach_source(source(35.0, 1000.0, watt=3000.0))

    close(plant, 0)

    assert port.voltage_v() * port.current_a() == pytest.approx(3000.0, rel=1e-9)


def test_two_sources_on_one_voltage_share_in_proportion_to_their_limits():
    plant = plant_of(link_bleed_ohm=10.0)
    big = plant.attach_source(source(30.0, 30.0))
    small = plant.attach_source(source(30.0, 10.0))

    plant.advance(SECOND_US)

    assert big.current_a() == pytest.approx(2.25, rel=1e-9)
    assert small.current_a() == pytest.approx(0.75, rel=1e-9)


def test_a_power_beyond_what_the_battery_has_collapses_the_bus():
    plant = plant_of(loop_ohm=0.02)
    port = plant.attach_load(load(LoadMode.CP, 20_000.0))

    close(plant, 0)

    assert port.voltage_v() < 13.0


def test_a_demand_counts_from_the_instant_of_its_change():
    now = [0]
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=230.0, **LOSSLESS)
    spec = PlantSpec(module=module, link_bleed_ohm=1e9)
    plant = Plant(spec, random.Random(1), clock=lambda: now[0])
    demand = load(LoadMode.CC, 36.0)
    port = plant.attach_load(demand)
    plant.weld_contactor()
    inrush_ah = plant.charge_moved_ah

    now[0] = 50 * SECOND_US
    port.settle()
    demand.level = 0.0
    port.settle()
    changed_a = plant.current_a
    now[0] = 100 * SECOND_US
    port.settle()

    assert changed_a == pytest.approx(0.0, abs=1e-6)
    assert plant.charge_moved_ah - inrush_ah == pytest.approx(-0.5, rel=1e-6)


def test_going_back_in_time_is_refused():
    plant = plant_of()
    plant.advance(10)

    with pytest.raises(ValueError, match="go back"):
        plant.advance(9)


def test_a_constant_power_load_empties_an_open_link_to_half_a_volt():
    plant = plant_of(link_capacitance_f=0.02, link_bleed_ohm=1e6)
    supply = source(28.0, 50.0)
    plant.attach_source(supply)
    plant.advance(SECOND_US)

    supply.enabled = False
    plant.attach_load(load(LoadMode.CP, 50.0))
    plant.advance(SECOND_US + 100_000)
    falling_v = plant.system_voltage_v
    plant.advance(2 * SECOND_US)

    assert falling_v == pytest.approx((28.0**2 - 2 * 50.0 * 0.1 / 0.02) ** 0.5, rel=0.002)
    assert plant.system_voltage_v == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_bench_does_charge_is_kept_and_the_bus_stays_finite(seed):
    chance = random.Random(seed)
    plant = plant_of(parallel=1 + seed % 2, soc_pct=50.0, soc_spread_pct=2.0)
    supply, sink = source(28.4, 100.0), load(chance.choice(list(LoadMode)), 10.0)
    plant.attach_source(supply)
    plant.attach_load(sink)
    modules = plant.modules

    def stored_ah() -> float:
        return sum(m.cell_soc(c) / 100.0 * m.capacity_ah / 8 for m in modules for c in range(8))

    start_ah = stored_ah()
    for _ in range(60):
        now_us = plant.now_us
        plant.set_coil(now_us, on=chance.random() < 0.6)
        plant.set_precharge(now_us, on=chance.random() < 0.5)
        supply.enabled, sink.enabled = chance.random() < 0.5, chance.random() < 0.5
        sink.level = chance.choice([0.4, 3.0, 25.9, 400.0])
        plant.advance(now_us + chance.choice([0, 1, 777, 100_000, 3_000_000]))
        assert 0.0 <= plant.system_voltage_v < 60.0

    assert stored_ah() - start_ah == pytest.approx(plant.charge_moved_ah, abs=1e-9)
