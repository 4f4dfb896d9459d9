"""Two systems on one DC bus: each behind its own contactor, together one circuit."""

import math
import random

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.plant import ModuleSpec, Plant, PlantSpec, PrechargeSpec

SECOND_US = 1_000_000
MS_US = 1_000
LOSSLESS = {"coulombic_efficiency": 1.0, "self_discharge_pct_per_month": 0.0}


def spec_of(soc_pct: float = 50.0, **fields) -> PlantSpec:
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=230.0, **LOSSLESS)
    return PlantSpec(module=module, soc_pct=soc_pct, **fields)


def pair(first: PlantSpec, second: PlantSpec) -> tuple[Plant, Plant]:
    one = Plant(first, random.Random(1))
    return one, Plant(second, random.Random(2), dc_bus=one.dc_bus)


def close(plant: Plant) -> None:
    plant.set_coil(plant.now_us, on=True)
    plant.advance(plant.now_us + 100 * MS_US)


def open_(plant: Plant) -> None:
    plant.set_coil(plant.now_us, on=False)
    plant.advance(plant.now_us + 100 * MS_US)


def load(mode: LoadMode, level: float) -> LoadDemand:
    return LoadDemand(enabled=True, mode=mode, level=level)


def test_a_system_that_stays_open_changes_nothing_of_the_other_bit_by_bit():
    def drive(plant: Plant) -> list[float]:
        plant.attach_load(load(LoadMode.CP, 800.0))
        seen = []
        for k in range(1, 60):
            plant.set_precharge(plant.now_us, on=k % 7 == 0)
            plant.set_coil(plant.now_us, on=k % 5 > 1)
            plant.advance(k * 731 * MS_US)
            seen += [*plant.measured, *plant.modules[0].cell_voltages(), plant.charge_moved_ah]
        return seen

    alone = Plant(spec_of(precharge=PrechargeSpec(kind="resistor", ohm=10.0)), random.Random(1))
    first, second = pair(alone.spec, spec_of())

    together = drive(first)

    # Pre-charging is stepped more finely beside another system: everything else is the same.
    assert together == pytest.approx(drive(alone), rel=1e-6)
    assert second.charge_moved_ah == 0.0


def test_with_nothing_pre_charging_the_other_is_the_same_to_the_last_bit():
    def drive(plant: Plant) -> list[float]:
        plant.attach_load(load(LoadMode.CP, 800.0))
        seen = []
        for k in range(1, 60):
            plant.set_coil(plant.now_us, on=k % 5 > 1)
            plant.advance(k * 731 * MS_US)
            seen += [*plant.measured, *plant.modules[0].cell_voltages(), plant.charge_moved_ah]
        return seen

    first, _ = pair(spec_of(), spec_of())

    assert drive(first) == drive(Plant(spec_of(), random.Random(1)))


def test_two_closed_systems_share_a_load_by_their_resistances():
    first, second = pair(spec_of(loop_ohm=0.001), spec_of(loop_ohm=0.011))
    first.attach_load(load(LoadMode.CC, 100.0))
    close(first)
    close(second)
    first.advance(first.now_us)

    first_ohm = first.modules[0].ohm + 0.001
    second_ohm = second.modules[0].ohm + 0.011
    emf_v = [p.modules[0].emf_v for p in (first, second)]
    bus_v = first.system_voltage_v
    assert first.current_a == pytest.approx((bus_v - emf_v[0]) / first_ohm, rel=1e-9)
    assert second.current_a == pytest.approx((bus_v - emf_v[1]) / second_ohm, rel=1e-9)
    assert first.current_a + second.current_a == pytest.approx(-100.0, abs=0.01)
    assert first.current_a < second.current_a < 0.0


def test_both_see_one_system_voltage_and_each_its_own_battery_voltage():
    first, second = pair(spec_of(90.0), spec_of(20.0))
    close(first)

    assert first.system_voltage_v == second.system_voltage_v
    assert first.battery_voltage_v == pytest.approx(first.system_voltage_v, abs=0.01)
    assert second.battery_voltage_v < first.battery_voltage_v - 0.3


def test_a_second_system_closes_onto_the_live_bus_and_the_difference_flows_on():
    first, second = pair(spec_of(90.0), spec_of(20.0))
    close(first)
    difference_v = second.battery_voltage_v - first.system_voltage_v
    path_ohm = first.modules[0].ohm + second.modules[0].ohm + 0.002

    second.set_coil(second.now_us, on=True)
    second.advance(second.now_us + 25 * MS_US)

    inrush = second.last_inrush
    assert inrush is not None
    assert inrush.difference_v == pytest.approx(difference_v, rel=1e-3)
    assert inrush.peak_a == pytest.approx(math.fabs(difference_v) / path_ohm, rel=1e-3)
    assert second.current_a == pytest.approx(inrush.peak_a, rel=0.01)
    assert inrush.i2t_a2s == 0.0


def test_unlike_systems_level_out_without_a_load_and_keep_their_charge_together():
    first, second = pair(spec_of(100.0, link_bleed_ohm=1e9), spec_of(10.0))
    close(first)
    close(second)
    moved_ah = first.charge_moved_ah + second.charge_moved_ah

    signs = []
    for _ in range(360):
        first.advance(first.now_us + 10 * SECOND_US)
        signs.append(second.current_a > 0.0)

    soc_pct = first.modules[0].cell_soc(0) + second.modules[0].cell_soc(0)
    assert all(signs)
    assert second.charge_moved_ah > 5.0
    assert first.charge_moved_ah + second.charge_moved_ah == pytest.approx(moved_ah, abs=1e-4)
    assert soc_pct == pytest.approx(110.0, abs=0.01)


def test_opening_one_leaves_the_bus_to_the_other():
    first, second = pair(spec_of(), spec_of())
    first.attach_load(load(LoadMode.CC, 100.0))
    close(first)
    close(second)

    open_(first)

    assert first.current_a == 0.0
    assert second.current_a == pytest.approx(-100.0, abs=0.01)
    assert second.system_voltage_v > 25.0


def test_opening_both_lets_the_link_decay():
    first, second = pair(spec_of(link_capacitance_f=0.02, link_bleed_ohm=500.0), spec_of())
    close(first)
    close(second)
    open_(first)
    second.set_coil(second.now_us, on=False)
    second.advance(second.now_us + 10 * MS_US)
    start_v = first.system_voltage_v

    first.advance(first.now_us + 10 * SECOND_US)

    assert first.system_voltage_v == pytest.approx(start_v * math.exp(-1.0), rel=1e-9)


def test_both_are_charged_by_one_source():
    first, second = pair(spec_of(), spec_of(48.0))
    port = first.attach_source(
        SourceDemand(enabled=True, voltage_v=28.4, current_limit_a=200.0, power_limit_w=1e9)
    )
    close(first)
    close(second)
    first.advance(first.now_us + 3600 * SECOND_US)

    assert port.current_a() == pytest.approx(200.0, abs=1e-6)
    assert first.current_a + second.current_a == pytest.approx(200.0, abs=0.1)
    assert min(first.charge_moved_ah, second.charge_moved_ah) > 80.0


def test_pre_charge_of_one_onto_a_dead_link_follows_the_closed_form():
    resistor = PrechargeSpec(kind="resistor", ohm=25.0)
    first, second = pair(
        spec_of(link_capacitance_f=0.02, link_bleed_ohm=500.0), spec_of(precharge=resistor)
    )
    emf_v = second.battery_voltage_v

    second.set_precharge(0, on=True)
    second.advance(400 * MS_US)

    tau_s = 0.02 / (1 / 25.0 + 1 / 500.0)
    expected_v = emf_v * 500.0 / 525.0 * (1.0 - math.exp(-0.4 / tau_s))
    assert first.system_voltage_v == pytest.approx(expected_v, rel=3e-4)


def test_two_that_pre_charge_at_once_do_it_in_half_the_time():
    resistor = PrechargeSpec(kind="resistor", ohm=25.0)
    fields = {"precharge": resistor, "link_capacitance_f": 0.02, "link_bleed_ohm": 1e9}
    first, second = pair(spec_of(**fields), spec_of(**fields))
    emf_v = first.battery_voltage_v

    first.set_precharge(0, on=True)
    second.set_precharge(0, on=True)
    first.advance(250 * MS_US)

    expected_v = emf_v * (1.0 - math.exp(-0.25 / (12.5 * 0.02)))
    assert first.system_voltage_v == pytest.approx(expected_v, rel=5e-4)
    assert -first.charge_moved_ah == pytest.approx(0.02 * expected_v / 2 / 3600.0, rel=1e-3)


def test_a_pre_charge_path_onto_a_bus_that_another_holds_warms_as_its_difference_says():
    resistor = PrechargeSpec(
        kind="resistor", ohm=10.0, heat_capacity_j_per_k=1.0, dissipation_w_per_k=1e-6
    )
    first, second = pair(spec_of(100.0), spec_of(10.0, precharge=resistor))
    close(first)
    second.set_precharge(second.now_us, on=True)
    second.advance(second.now_us + 10 * SECOND_US)

    difference_v = first.system_voltage_v - second.battery_voltage_v
    assert second.current_a == pytest.approx(difference_v / 10.0, rel=0.01)
    heat_j = difference_v**2 / 10.0 * 10.0
    assert second.precharge_temperature_c == pytest.approx(25.0 + heat_j, rel=0.01)


def test_a_step_of_60_s_agrees_with_steps_of_100_ms():
    def soc_pct(step_us: int) -> float:
        first, second = pair(spec_of(99.0), spec_of(95.0))
        first.attach_load(load(LoadMode.CC, 50.0))
        close(first)
        close(second)
        for k in range(1, 600 * SECOND_US // step_us + 1):
            first.advance(200 * MS_US + k * step_us)
        return second.modules[0].cell_soc(0)

    assert soc_pct(60 * SECOND_US) == pytest.approx(soc_pct(100 * MS_US), abs=0.02)
