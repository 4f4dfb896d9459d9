"""What can be wrong with cells, contacts, fan and isolation, against closed forms."""

import random

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode
from rig.plant import ModuleSpec, Plant, PlantSpec
from rig.plant.isolation import Isolation
from rig.plant.transfer import stop, transfer

SECOND_US = 1_000_000
MS_US = 1_000
HOUR_US = 3600 * SECOND_US
LOSSLESS = {"coulombic_efficiency": 1.0, "self_discharge_pct_per_month": 0.0}


def plant_of(**fields) -> Plant:
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=100.0, fan=True, **LOSSLESS)
    return Plant(PlantSpec(module=module, **fields), random.Random(1))


def drawing(ampere: float, **fields) -> Plant:
    plant = plant_of(link_bleed_ohm=1e9, **fields)
    plant.attach_load(LoadDemand(enabled=True, mode=LoadMode.CC, level=ampere))
    plant.set_coil(0, on=True)
    plant.advance(100 * MS_US)
    return plant


def test_a_weak_cell_empties_faster_by_what_it_lacks():
    plant = drawing(50.0, soc_pct=80.0)
    module = plant.modules[0]
    module.scale_cell(3, capacity=0.5)
    before = [module.cell_soc(k) for k in (2, 3)]

    plant.advance(plant.now_us + HOUR_US // 4)

    fallen = [a - module.cell_soc(k) for a, k in zip(before, (2, 3), strict=True)]
    assert fallen == pytest.approx([12.5, 25.0], rel=1e-6)


def test_an_aged_cell_drops_more_volts_by_its_resistance():
    plant = drawing(50.0)
    module = plant.modules[0]
    sound_v = module.cell_voltage_v(2)

    module.scale_cell(3, resistance=3.0)

    r0_ohm = module.spec.r0_ohm
    assert sound_v - module.cell_voltage_v(3) == pytest.approx(50.0 * 2 * r0_ohm, rel=0.02)


def test_scaling_back_leaves_the_cell_as_it_was():
    plant = drawing(50.0)
    module = plant.modules[0]
    before_v = module.cell_voltage_v(3)

    module.scale_cell(3, capacity=0.6, resistance=2.0)
    module.scale_cell(3, capacity=1 / 0.6, resistance=1 / 2.0)

    assert module.cell_voltage_v(3) == pytest.approx(before_v, abs=1e-12)


def test_a_shorted_cell_loses_its_charge_by_ohms_law_with_everything_open():
    plant = plant_of(soc_pct=50.0)
    cell_v = plant.modules[0].cell_voltage_v(0)

    plant.short_cell(0, 0, 1 / 2.0)
    plant.advance(HOUR_US)

    lost_ah = 50.0 - plant.modules[0].cell_soc(0)
    assert lost_ah == pytest.approx(cell_v / 2.0, rel=0.01)
    assert plant.modules[0].cell_soc(1) == pytest.approx(50.0, abs=1e-9)


def test_what_a_short_takes_becomes_heat_in_the_module():
    plant = plant_of(soc_pct=50.0)
    cell_v = plant.modules[0].cell_voltage_v(0)

    plant.short_cell(0, 0, 1 / 2.0)
    plant.advance(HOUR_US)

    assert plant.heat_wh == pytest.approx(cell_v**2 / 2.0, rel=0.01)


def test_a_hard_short_drops_in_the_cells_own_resistance():
    plant = plant_of(soc_pct=50.0)
    module = plant.modules[0]
    open_v, ohm = module.cell_voltage_v(0), module.spec.r0_ohm

    plant.short_cell(0, 0, 1 / 0.01)
    plant.advance(10 * MS_US)

    assert module.cell_voltage_v(0) == pytest.approx(open_v * 0.01 / (0.01 + ohm), rel=0.005)


def test_a_short_that_is_taken_away_draws_no_more_and_leaves_a_bleeder_on():
    plant = plant_of(soc_pct=50.0)
    module = plant.modules[0]
    module.bleed(0, 1.0)
    plant.short_cell(0, 0, 0.5)
    plant.advance(SECOND_US)

    plant.short_cell(0, 0, -0.5)
    before_pct = module.cell_soc(0)
    plant.advance(SECOND_US + HOUR_US)

    assert before_pct - module.cell_soc(0) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("reverse_v", [0.1, 0.5, 2.0])
def test_a_reversed_cell_rests_as_far_below_zero_as_asked(reverse_v):
    plant = plant_of()

    plant.modules[0].reverse_cell(2, reverse_v)

    assert plant.modules[0].cell_voltage_v(2) == pytest.approx(-reverse_v, abs=1e-9)


def test_a_loose_busbar_drops_volts_at_the_modules_terminals_and_not_at_its_cells():
    plant = drawing(100.0)
    module = plant.modules[0]
    gap_v = module.terminal_voltage_v - sum(module.cell_voltages())

    module.add_contact_ohm(0, 0.002)

    after_v = module.terminal_voltage_v - sum(module.cell_voltages())
    assert after_v - gap_v == pytest.approx(-0.2, abs=1e-6)


def test_a_loose_busbar_warms_its_terminal_and_not_the_other():
    plant = drawing(100.0)
    plant.modules[0].add_contact_ohm(1, 0.001)
    plant.advance(HOUR_US // 4)

    readings = plant.modules[0].terminal_temperatures()
    assert readings is not None
    positive_c, negative_c = readings
    assert negative_c > positive_c + 15.0  # 10 W over 0.5 W/K


def test_a_blocked_fan_cools_as_no_fan_does():
    def after_an_hour(*, on: bool, blocked: bool) -> float:
        plant = plant_of()
        module = plant.modules[0]
        module.temperature_c = 50.0
        module.fan_on = on
        module.fan_blocked = blocked
        plant.advance(HOUR_US)
        return module.temperature_c

    off_c = after_an_hour(on=False, blocked=False)
    assert after_an_hour(on=True, blocked=True) == off_c
    assert after_an_hour(on=True, blocked=False) < off_c - 5.0


def test_the_isolation_is_all_leaks_in_parallel_and_the_chassis_their_divider():
    isolation = Isolation(lambda: 400.0)
    undo = isolation.leak(lambda: 400.0, 60_000.0)
    isolation.leak(lambda: 0.0, 30_000.0)

    # 20 Mohm of sound isolation at each pole besides.
    upper = 1 / 60_000.0 + 1 / 20e6
    lower = 1 / 30_000.0 + 1 / 20e6
    assert isolation.measured_ohm == pytest.approx(1 / (upper + lower), rel=1e-12)
    assert isolation.chassis_v == pytest.approx(400.0 * upper / (upper + lower), rel=1e-12)
    assert isolation.stray_a == pytest.approx(400.0 / (1 / upper + 1 / lower), rel=1e-12)
    undo()
    assert isolation.measured_ohm == pytest.approx(1 / (1 / 20e6 + lower), rel=1e-12)


def test_a_sound_battery_has_10_mohm_and_its_chassis_in_the_middle():
    plant = plant_of(series=2)
    plant.advance(0)

    assert plant.isolation.measured_ohm == pytest.approx(10e6)
    assert plant.isolation.chassis_v == pytest.approx(plant.battery_voltage_v / 2, rel=1e-9)


def test_a_leak_between_two_batteries_in_series_pulls_the_chassis_to_the_middle():
    plant = plant_of(series=2, soc_pct=60.0)
    plant.isolation.leak(plant.tap(0, positive=True), 10_000.0)

    assert plant.isolation.chassis_v == pytest.approx(plant.battery_voltage_v / 2, rel=1e-3)
    assert plant.tap(1, positive=True)() == pytest.approx(plant.battery_voltage_v, rel=1e-9)
    assert plant.tap(0, positive=False)() == 0.0


def test_between_modules_charge_moves_with_the_converters_efficiency():
    plant = plant_of(parallel=2, soc_pct=50.0)
    high, low = plant.modules[0], plant.modules[1]

    taken_a = transfer([(high, 0)], [(low, 3), (low, 4)], 2.0)

    volts = [high.cell_voltage_v(0), low.cell_voltage_v(3), low.cell_voltage_v(4)]
    assert taken_a * (volts[1] + volts[2]) == pytest.approx(0.85 * 2.0 * volts[0], rel=1e-3)
    before_pct = [high.cell_soc(0), low.cell_soc(3), low.cell_soc(0)]
    plant.advance(HOUR_US)
    after_pct = [high.cell_soc(0), low.cell_soc(3), low.cell_soc(0)]
    moved = [b - a for a, b in zip(before_pct, after_pct, strict=True)]
    assert moved[0] == pytest.approx(-2.0, abs=0.3)  # a balanced cell shifts its string a little
    assert moved[1] == pytest.approx(taken_a, abs=0.3)


def test_in_one_module_the_loss_of_a_transfer_is_its_heat():
    plant = plant_of(soc_pct=50.0)
    module = plant.modules[0]
    cell_v = module.cell_voltage_v(0)

    transfer([(module, 0)], [(module, 7)], 2.0)
    plant.advance(HOUR_US)

    resistive_wh = 2 * 2.0**2 * 3 * module.spec.r0_ohm
    assert plant.heat_wh == pytest.approx(0.15 * 2.0 * cell_v, abs=resistive_wh)


def test_a_transfer_that_is_stopped_moves_no_more():
    plant = plant_of(soc_pct=50.0)
    module = plant.modules[0]
    transfer([(module, 0)], [(module, 7)], 2.0)
    plant.advance(HOUR_US)

    stop([(module, 0), (module, 7)])
    before_pct = module.cell_soc(0)
    plant.advance(2 * HOUR_US)

    assert module.cell_soc(0) == pytest.approx(before_pct, abs=1e-9)


def test_no_cell_gives_and_takes_at_once():
    module = plant_of().modules[0]
    with pytest.raises(ValueError, match="at once"):
        transfer([(module, 0)], [(module, 0)], 1.0)
