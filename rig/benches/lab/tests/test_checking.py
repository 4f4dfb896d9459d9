"""The check of a lab by measurement, on twins in virtual time, and what its figures mean."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from instruments.visa import TwinLibrary
from rig.benches.file import BenchFile, load_bench
from rig.benches.instrumented import power_driver
from rig.benches.lab.bench import installed
from rig.benches.lab.checking.energy import (
    EnergyCheck,
    Seen,
    charger_faults,
    load_faults,
    rest_faults,
)
from rig.benches.lab.checking.night import _clock, _disk, _suspend, check_night
from rig.benches.lab.facts import LabBatteries
from rig.benches.lab.finding import Grade
from rig.benches.lab.miswiring import Leads, Miswiring
from rig.benches.models import allowed_models, wired_model
from rig.benches.supervision import Supervision
from rig.benches.system import build_plant
from rig.benches.wiring import Lines
from rig.dut.terminals import Input, Output
from rig.kernel import VirtualLoop
from rig.needs import Needs

BATTERIES = LabBatteries(
    kind="rest-bus",
    type="LFP 24 V 230 Ah",
    series=1,
    parallel=2,
    soc_pct=60.0,
    voltage_v_min=22.4,
    voltage_v_charged=28.8,
)


class StandbyDut:
    """A device whose contactor is open; nothing else is asked of it here."""

    supply_current_a = 0.0

    def drive(self, line: Input, level: bool) -> None:
        pass

    def sense(self, line: Output) -> bool:
        return False


def example(**models: str) -> BenchFile:
    """The example's file, with other models in some of its roles."""
    file = load_bench("lab_example")
    lab = replace(file.lab, interlock=None)  # its relay and its chain are the stand's to play
    roles = {role: replace(file.roles[role], model=model) for role, model in models.items()}
    return replace(file, lab=lab, roles={**file.roles, **roles})


def wired_lab(kernel, file: BenchFile, wrong: Miswiring | None):
    """A lab's twins on its circuit, with one thing wired wrongly, and real drivers."""
    now_us = lambda: kernel.now_us  # noqa: E731 - the shortest clock
    needs = installed(file.lab)
    if wrong is Miswiring.RATING:
        needs = Needs(series=2)
    plant = build_plant(kernel, needs, "dut")
    twins = {
        role: wired_model(file.roles[role].model).make_twin(
            serial=file.roles[role].serial or "", dice=kernel.stream(role), now_us=now_us
        )
        for role in ("charger", "load", "daq")
    }
    leads, dut = Leads(file, plant, StandbyDut(), wrong), StandbyDut()
    twins["charger"].connect(leads.charger(twins["charger"].stage.demand))
    twins["load"].connect(leads.load(twins["load"].stage.demand))
    twins["daq"].connect(digital=Lines(file, dut), analog=leads.daq())
    keeper = Supervision(kernel, plant, [twins["charger"], twins["load"]])
    library, drivers = TwinLibrary.create(), {}
    for role, twin in twins.items():
        library.register(file.roles[role].resource, twin)
        session = library.open_session(file.roles[role].resource, now_us=now_us)
        if role == "daq":
            model = wired_model(file.roles[role].model)
            drivers[role] = model.driver(session, lines=file.lines, outputs=(102,))
        else:
            drivers[role] = power_driver(file.roles[role], session)
    return EnergyCheck(file, drivers, None), drivers, (library, keeper), twins


async def wrong_in(check, drivers) -> Mapping[str, str]:
    """What the two looks say is wrong: the field and the sentence."""
    for driver in drivers.values():
        await driver.open()
    found = await check.at_rest()
    if all(finding.grade is Grade.GOOD for finding in found):
        found = await check.low_energy()
    return {f.where: f.text for f in found if f.grade is Grade.WRONG}


def measured(wrong: Miswiring | None, **models: str) -> tuple[Mapping[str, str], bool]:
    """What is found wrong, and whether anything was left on."""
    loop = VirtualLoop()
    try:
        check, drivers, (library, _), twins = wired_lab(loop.kernel, example(**models), wrong)
        found = loop.run_until_complete(wrong_in(check, drivers))
        library.close_all()
        return found, any(twins[role].supervised.on for role in ("charger", "load"))
    finally:
        loop.close()


MISWIRED = [
    (Miswiring.SWAPPED, "voltages", "the DAQ's sense leads are swapped"),
    (Miswiring.POLARITY, "wires.charger", "its leads have the wrong polarity"),
    (Miswiring.LOAD_NODE, "wires.load", "it is on the wrong node"),
    (Miswiring.SENSE_OFF, "voltages.system", "its sense lead is off"),
    (Miswiring.RATING, "batteries", "wrong rating"),
]


@pytest.mark.parametrize(
    ("wrong", "where", "words"), MISWIRED, ids=[str(wrong) for wrong, *_ in MISWIRED]
)
def test_a_miswired_lab_is_found_by_measurement_and_left_off(wrong, where, words):
    found, left_on = measured(wrong)

    assert list(found) == [where]
    assert words in found[where]
    assert not left_on


def test_nothing_is_found_wrong_in_a_lab_that_is_wired_right():
    found, left_on = measured(None)

    assert not found
    assert not left_on


@pytest.mark.parametrize("model", allowed_models("charger", "lab"))
def test_every_supply_that_a_lab_can_have_can_be_checked_and_is_left_off(model):
    assert measured(None, charger=model) == ({}, False)


@pytest.mark.parametrize("model", allowed_models("load", "lab"))
def test_every_load_that_a_lab_can_have_can_be_checked_and_is_left_off(model):
    assert measured(None, load=model) == ({}, False)


@pytest.mark.parametrize("model", allowed_models("charger", "lab"))
def test_every_supply_shows_its_own_wrong_polarity(model):
    found, left_on = measured(Miswiring.POLARITY, charger=model)

    assert list(found) == ["wires.charger"]
    assert not left_on


# What other readings would mean

GOOD_REST = {
    "battery_v": 26.2,
    "system_v": 0.0,
    "charger_v": 0.0,
    "charger_a": 0.0,
    "load_v": 0.0,
    "load_a": 0.0,
    "contactor_closed": False,
}
GOOD_TEST = {**GOOD_REST, "system_v": 3.0, "charger_v": 3.0, "load_v": 2.99, "load_a": 0.3}
GOOD_TEST["charger_a"] = 0.31


def of(base, **other):
    return Seen(**{**base, **other})


AT_REST = [
    ({"contactor_closed": True}, "lines.contactor_aux"),
    ({"battery_v": -26.2}, "voltages.battery"),
    ({"system_v": -26.2, "battery_v": 26.2}, "voltages.system"),
    ({"charger_v": 26.2}, "wires.charger"),
    ({"load_v": 26.2}, "wires.load"),
    ({"battery_v": 0.1}, "voltages.battery"),
    ({"battery_v": 13.1}, "batteries"),
    ({"battery_v": 24.0}, "voltages.battery"),  # the device reads 26.2 V
    ({"system_v": 5.0, "charger_v": 5.0, "load_v": 5.0}, "system+"),
    ({"system_v": 26.2, "charger_v": 26.2, "load_v": 26.2}, "system+"),
]


@pytest.mark.parametrize(("seen", "where"), AT_REST, ids=[str(row[0]) for row in AT_REST])
def test_voltages_at_rest_name_what_is_wrong(seen, where):
    (found,) = rest_faults(of(GOOD_REST, **seen), BATTERIES, 26.2)

    assert found.where == where
    assert found.todo


def test_good_voltages_at_rest_name_nothing():
    assert not list(rest_faults(of(GOOD_REST), BATTERIES, 26.2))


def test_a_battery_just_taken_off_its_charger_is_not_of_a_wrong_rating():
    assert not list(rest_faults(of(GOOD_REST, battery_v=29.2), BATTERIES, None))


WITH_3_V = [
    ({"charger_v": 0.4, "system_v": 0.4, "load_v": 0.4}, "wires.charger", "a short"),
    ({"system_v": -3.0, "load_v": -3.0}, "wires.charger", "polarity"),
    ({"system_v": -3.0}, "voltages.system", "polarity"),
    ({"system_v": 0.0}, "voltages.system", "sense lead is off"),
    ({"system_v": 0.0, "load_v": 0.0}, "wires.charger", "leads are off"),
    ({"load_v": 0.0}, "wires.load", "leads are off"),
    ({"system_v": 2.5}, "wires.charger.sense_plus", "at system+ there are 2.50 V"),
]


@pytest.mark.parametrize(
    ("seen", "where", "words"), WITH_3_V, ids=[f"{row[1]} {row[2]}" for row in WITH_3_V]
)
def test_three_volts_from_the_charger_name_what_is_wrong(seen, where, words):
    (found,) = charger_faults(of(GOOD_TEST, **seen))

    assert found.where == where
    assert words in found.text


def test_three_volts_that_everybody_sees_name_nothing():
    assert not list(charger_faults(of(GOOD_TEST)))


CURRENTS = [
    ({}, 0.02, Grade.GOOD),
    ({"load_a": 0.0}, 0.02, Grade.WRONG),
    ({"charger_a": 0.5}, 0.02, Grade.WRONG),
    ({"charger_a": 0.5}, 1.0, Grade.UNKNOWN),
]


@pytest.mark.parametrize(("seen", "doubt_a", "grade"), CURRENTS, ids=str)
def test_currents_are_compared_only_where_the_instruments_can_tell(seen, doubt_a, grade):
    (found,) = load_faults(of(GOOD_TEST, **seen), doubt_a)

    assert found.grade is grade


# A night

TODAY, TMP = date(2026, 11, 23), Path("/nowhere/runs")


def test_a_disk_that_is_too_full_for_the_night_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100_000_000))

    (full,) = _disk(10.0, tmp_path)
    (free,) = _disk(1.0, tmp_path)

    assert (full.grade, free.grade) == (Grade.WRONG, Grade.GOOD)
    assert "90 MB for 10 h at 9 MB/h" in full.text


def test_a_certificate_that_ends_tonight_is_wrong():
    last_day = date(2027, 3, 10)

    found = {f.where: f for f in check_night(load_bench("lab_example"), 12.0, last_day, TMP)}

    assert found["roles.charger.calibration.due"].grade is Grade.WRONG
    assert "2027-03-10" in found["roles.charger.calibration.due"].text


def test_a_certificate_that_outlasts_the_night_is_good():
    found = {f.where: f for f in check_night(load_bench("lab_example"), 12.0, TODAY, TMP)}

    assert found["calibration"].grade is Grade.GOOD


def suspend(tmp_path, *, masked: bool = False, idle: str = ""):
    units = tmp_path / "units"
    units.mkdir()
    for name in ("sleep.target", "suspend.target"):
        if masked:
            (units / name).symlink_to("/dev/null")
    logind = tmp_path / "logind.conf"
    logind.write_text(f"[Login]\n#IdleAction=suspend\n{idle}\n")
    (found,) = _suspend((units,), (logind,), tmp_path)
    return found.grade


def test_masked_sleep_targets_are_good(tmp_path):
    assert suspend(tmp_path, masked=True) is Grade.GOOD


def test_a_machine_that_suspends_when_idle_is_wrong(tmp_path):
    assert suspend(tmp_path, idle="IdleAction=suspend") is Grade.WRONG


def test_a_machine_whose_desktop_might_suspend_is_unknown_and_not_good(tmp_path):
    assert suspend(tmp_path) is Grade.UNKNOWN


def test_without_systemd_nothing_is_known_of_suspend(tmp_path):
    (found,) = _suspend((), (), tmp_path / "none")

    assert found.grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("held", "grade"),
    [(True, Grade.GOOD), (False, Grade.WRONG), (None, Grade.UNKNOWN)],
    ids=str,
)
def test_a_clock_is_good_only_if_a_time_server_is_known_to_hold_it(held, grade):
    (found,) = _clock(held)

    assert found.grade is grade
