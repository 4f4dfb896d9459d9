"""Bench files of labs: what is read from one, and broken ones that each name their own fault."""

import copy
import tomllib
from datetime import date

import pytest

from rig.benches.file import FOLDER, load_bench
from rig.benches.lab.finding import Grade
from rig.benches.lab.rehearsal import as_toml
from rig.benches.lab.wiring_check import check_wiring, require_sound
from rig.errors import BenchFileError

EXAMPLE = tomllib.loads((FOLDER / "lab_example.toml").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 23)
GONE = object()


def changed(place, value):
    """The example's content with one place changed, added, or (GONE) taken away."""
    content = copy.deepcopy(EXAMPLE)
    *parents, last = place.split(".")
    table = content
    for parent in parents:
        table = table[parent]
    if value is GONE:
        del table[last]
    else:
        table[last] = value
    return content


@pytest.fixture
def lab(tmp_path):
    def write(content):
        path = tmp_path / "lab.toml"
        path.write_text(as_toml(content), encoding="utf-8")
        return load_bench(str(path))

    return write


def test_the_example_is_sound_while_its_certificates_count():
    assert check_wiring(load_bench("lab_example"), TODAY) == []


def test_the_example_names_two_batteries_of_24_v_on_a_rest_bus():
    lab = load_bench("lab_example").lab

    assert (lab.batteries.kind, lab.batteries.series, lab.batteries.parallel) == ("rest-bus", 1, 2)
    assert lab.can["ve_can"].interface == "pcan"
    assert lab.device.supply_relay == 202


def test_a_bench_that_is_no_lab_has_no_wiring_to_check():
    assert check_wiring(load_bench("sim"), TODAY) == []


def test_what_python_can_takes_besides_reaches_it(lab):
    content = changed("can.ve_can.fd", False)

    assert lab(content).lab.can["ve_can"].options == {"fd": False}


def test_another_supply_and_load_can_have_the_roles(lab):
    content = changed("roles.charger.model", "TDK-Lambda GENESYS+ G80-65")
    content["roles"]["load"]["model"] = "Rigol DL3021"
    content["envelope"].update(charge_current_a_max=50.0, discharge_current_a_max=40.0)

    assert check_wiring(lab(content), TODAY) == []


# Each broken file: what is changed, then the field and the words by which it is named.
BEFORE_THE_CONTACTOR = {
    "plus": "battery+",
    "minus": "minus",
    "sense_plus": "battery+",
    "sense_minus": "minus",
}
BROKEN = [
    ("wires.charger", BEFORE_THE_CONTACTOR, "wires.charger.plus", "two sources on one node"),
    ("wires.load", BEFORE_THE_CONTACTOR, "wires.load.plus", "contactor could not stop the load"),
    ("wires.load.sense_plus", GONE, "wires.load.sense_plus", "no such sense lead"),
    ("wires.charger.sense_minus", GONE, "wires.charger.sense_minus", "no such sense lead"),
    ("wires.charger.sense_plus", "battery+", "wires.charger.sense_plus", "senses on battery+"),
    ("wires.battery_voltage.plus", "system+", "wires.battery_voltage.plus", "another node"),
    ("wires.system_voltage", GONE, "wires.system_voltage", "nothing says where its leads are"),
    (
        "wires.load",
        {"plus": "minus", "minus": "system+", "sense_plus": "minus", "sense_minus": "system+"},
        "wires.load",
        "the polarity is wrong",
    ),
    ("roles.load", GONE, "roles.load", "nothing can discharge the batteries"),
    ("roles.daq", GONE, "roles.daq", "nothing senses the contactor"),
    ("roles.charger.serial", GONE, "roles.charger.serial", "no serial number"),
    ("roles.daq.calibration", GONE, "roles.daq.calibration", "no certificate"),
    (
        "roles.load.calibration.due",
        date(2026, 11, 22),
        "roles.load.calibration.due",
        "overdue since 2026-11-22",
    ),
    (
        "roles.load.calibration.date",
        date(2026, 12, 1),
        "roles.load.calibration.date",
        "is in the future",
    ),
    ("envelope.charge_current_a_max", 1200.0, "envelope.charge_current_a_max", "more than the EA"),
    (
        "envelope.discharge_current_a_max",
        601.0,
        "envelope.discharge_current_a_max",
        "601 A is more than the Chroma 63206A-150-600 can: 600 A",
    ),
    ("envelope.voltage_v_max", 28.0, "envelope.voltage_v_max", "below the charged batteries' 28.8"),
    ("envelope.voltage_v_max", 90.0, "envelope.voltage_v_max", "more than the EA PSB"),
    ("batteries.voltage_v_min", 29.0, "batteries.voltage_v_min", "not below the charged"),
    ("batteries.soc_pct", 101.0, "batteries.soc_pct", "101 %"),
    ("can.private.bitrate", 500_000, "can.private.bitrate", "every frame would end in an error"),
    ("can.private.channel", "PCAN_USBBUS1", "can.private.channel", "is can.ve_can's already"),
    ("can.ve_can", GONE, "can.ve_can", "no adapter on this bus"),
    ("interlock.relay", 202, "interlock.relay", "202 is dut.supply_relay's already"),
    ("interlock.stop_channel", 301, "interlock.stop_channel", "301 is voltages.battery's already"),
]
IDS = [f"{place} {'gone' if value is GONE else value}"[:60] for place, value, *_ in BROKEN]


@pytest.mark.parametrize(("place", "value", "where", "words"), BROKEN, ids=IDS)
def test_a_broken_bench_file_is_named_by_its_own_fault_and_nothing_else(
    lab, place, value, where, words
):
    content = changed(place, value)
    if place == "envelope.voltage_v_max" and value == 90.0:
        content["batteries"]["voltage_v_charged"] = 57.6

    found = [f for f in check_wiring(lab(content), TODAY) if f.grade is Grade.WRONG]

    assert [finding.where for finding in found] == [where]
    assert words in found[0].text
    assert found[0].todo


# Some files cannot even be read: the parser's one line says why.
UNREADABLE = [
    ("lines.allow_charge", [101, 0], "lines.allow_charge", "is lines.contactor_aux's already"),
    ("roles.load.resource", "TCPIP::192.168.10.11::5025::SOCKET", "roles.load.resource", "already"),
    ("voltages.system", 301, "voltages.system", "is voltages.battery's already"),
    ("roles.charger.model", "Chroma 63206A-150-600", "roles.charger.model", "EA PSB 10080-1000"),
    ("wires.load.plus", "system", "wires.load.plus", "battery+, system+, minus"),
    ("batteries.kind", "borrowed", "batteries.kind", "rest-bus, real"),
    ("dut.supply_relay", 301, "dut.supply_relay", "201 to 220"),
    ("can.ve_can.bitrate", "fast", "can.ve_can.bitrate", "a whole number"),
    ("roles.daq.uncertainty.humidity", 1.0, "roles.daq.uncertainty.humidity", "battery_voltage_v"),
    ("roles.oven", {}, "roles.oven", "charger, load, daq, chamber"),
    ("dut", GONE, "dut", "a table"),
]


@pytest.mark.parametrize(
    ("place", "value", "where", "allowed"), UNREADABLE, ids=[row[0] for row in UNREADABLE]
)
def test_a_file_that_cannot_be_read_is_told_with_its_field_and_what_is_allowed(
    lab, place, value, where, allowed
):
    with pytest.raises(BenchFileError) as caught:
        lab(changed(place, value))

    message = str(caught.value)
    assert f": {where}: " in message
    assert allowed in message
    assert "\n" not in message


def test_a_declared_reason_lets_two_sources_share_a_node(lab):
    content = changed("wires.charger.plus", "battery+")
    content["wires"]["charger"].update(
        sense_plus="battery+", beside_another_source="it tops the batteries up, by hand only"
    )

    assert check_wiring(lab(content), TODAY) == []


def test_a_lab_without_a_supply_relay_is_told_and_not_refused(lab):
    (found,) = check_wiring(lab(changed("dut.supply_relay", GONE)), TODAY)

    assert (found.where, found.grade) == ("dut.supply_relay", Grade.UNKNOWN)


def test_a_lab_without_an_interlock_is_told_and_not_refused(lab):
    (found,) = check_wiring(lab(changed("interlock", GONE)), TODAY)

    assert (found.where, found.grade) == ("interlock", Grade.UNKNOWN)


def test_a_lab_that_is_not_sound_is_refused_with_its_first_fault(lab):
    content = changed("roles.load.calibration.due", date(2026, 11, 22))
    content["wires"]["load"]["plus"] = "battery+"

    with pytest.raises(BenchFileError, match=r"overdue since .* \(and 2 more: hil bench check\)"):
        require_sound(lab(content), TODAY)


def test_the_certificate_of_a_channel_counts_more_than_the_drivers_figure(lab):
    content = changed("roles.daq.uncertainty", {"battery_voltage_v": 0.011})

    assert lab(content).roles["daq"].uncertainty == {"battery_voltage_v": 0.011}
