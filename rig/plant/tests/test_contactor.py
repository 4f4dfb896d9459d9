"""The contactor: delays, bounce, faults, and what closing onto a difference does."""

import math
import random

import pytest

from rig.plant import ModuleSpec, Plant, PlantSpec

SECOND_US = 1_000_000
MS_US = 1_000


def plant_of(**fields) -> Plant:
    cells = fields.pop("cells", 8)
    module = ModuleSpec(chemistry="LFP", cells=cells, capacity_ah=230.0)
    return Plant(PlantSpec(module=module, **fields), random.Random(1))


def at_26_4_v(plant: Plant) -> Plant:
    for module in plant.modules:
        for index in range(8):
            module.set_cell_rest_voltage(index, 3.3)
    return plant


def close(plant: Plant, now_us: int) -> int:
    plant.set_coil(now_us, on=True)
    plant.advance(now_us + 100 * MS_US)
    return now_us + 100 * MS_US


def test_contacts_close_after_their_delay_and_not_before():
    plant = plant_of(contactor_close_us=25_000)

    plant.set_coil(1000, on=True)
    plant.advance(25_999)
    before = plant.contactor_closed
    next_us = plant.next_event_us
    plant.advance(26_000)

    assert (before, next_us, plant.contactor_closed) == (False, 26_000, True)


def test_the_auxiliary_contact_waits_for_the_end_of_the_bounce():
    plant = plant_of(contactor_close_us=25_000, contactor_bounce_us=1_000)

    plant.set_coil(0, on=True)
    plant.advance(26_500)
    bouncing = plant.aux_closed
    plant.advance(27_000)

    assert (bouncing, plant.aux_closed, plant.next_event_us) == (False, True, None)


def test_contacts_open_after_their_delay():
    plant = plant_of(contactor_open_us=10_000)
    now_us = close(plant, 0)

    plant.set_coil(now_us, on=False)
    plant.advance(now_us + 9_999)
    before = plant.contactor_closed
    plant.advance(now_us + 10_000)

    assert (before, plant.contactor_closed) == (True, False)


def test_a_coil_pulse_shorter_than_the_delay_moves_nothing():
    plant = plant_of(contactor_close_us=25_000)

    plant.set_coil(0, on=True)
    plant.set_coil(20_000, on=False)
    plant.advance(SECOND_US)

    assert not plant.contactor_closed


def test_a_welded_contactor_stays_closed_until_it_is_repaired():
    plant = plant_of()
    now_us = close(plant, 0)

    plant.weld_contactor()
    plant.set_coil(now_us, on=False)
    plant.advance(now_us + SECOND_US)
    welded = (plant.contactor_closed, plant.aux_closed)
    plant.repair_contactor()

    assert (welded, plant.contactor_closed) == ((True, True), False)


def test_a_contactor_stuck_open_does_not_follow_its_coil():
    plant = plant_of()

    plant.stick_contactor_open()
    close(plant, 0)

    assert not plant.contactor_closed


def test_closing_onto_a_difference_records_the_closed_form_inrush():
    plant = at_26_4_v(plant_of(link_capacitance_f=0.05, loop_ohm=0.0035))
    path_ohm = 0.0035 + plant.modules[0].ohm

    close(plant, 0)

    inrush = plant.last_inrush
    assert inrush is not None
    assert inrush.time_us == 25_000
    assert inrush.difference_v == pytest.approx(26.4, rel=1e-6)
    assert inrush.peak_a == pytest.approx(26.4 / path_ohm, rel=1e-6)
    assert inrush.i2t_a2s == pytest.approx(26.4**2 * 0.05 / (2 * path_ohm), rel=1e-6)


def test_the_inrush_takes_the_charge_of_the_link_from_the_battery():
    plant = at_26_4_v(plant_of(link_capacitance_f=0.05, contactor_bounce_us=0))

    plant.set_coil(0, on=True)
    plant.advance(25_000)

    assert plant.charge_moved_ah == pytest.approx(-0.05 * 26.4 / 3600.0, rel=1e-4)


def test_the_link_decays_by_its_bleed_after_opening():
    plant = at_26_4_v(plant_of(link_capacitance_f=0.02, link_bleed_ohm=500.0))
    now_us = close(plant, 0)

    plant.set_coil(now_us, on=False)
    plant.advance(now_us + 10_000)
    start_v = plant.system_voltage_v
    plant.advance(now_us + 10_000 + 10 * SECOND_US)

    assert plant.system_voltage_v == pytest.approx(start_v * math.exp(-1.0), rel=1e-9)
