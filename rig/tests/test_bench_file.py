"""Bench files: what is read from one, and what is said of one that cannot be used."""

import copy
import json
import re
import tomllib

import pytest

from rig.benches.file import FOLDER, BenchFile, known_benches, load_bench
from rig.errors import BenchFileError

GOOD = {
    "bench": {"name": "corner", "kind": "simulated", "description": "the one by the window"},
    "envelope": {
        "voltage_v_max": 60,
        "charge_current_a_max": 100.0,
        "discharge_current_a_max": 120.5,
    },
    "roles": {
        "charger": {
            "model": "EA PSB 10080-1000",
            "resource": "TCPIP::1::5025::SOCKET",
            "serial": "28",
        },
        "load": {"model": "Chroma 63206A-150-600", "resource": "TCPIP::2::5025::SOCKET"},
        "daq": {"model": "Keysight DAQ970A", "resource": "TCPIP::3::5025::SOCKET", "serial": ""},
    },
    "lines": {
        "contactor_aux": [101, 0],
        "allow_charge": [101, 7],
        "allow_discharge": [101, 6],
        "programmable_relay": [101, 5],
        "start_stop": [102, 0],
        "interlock": [102, 1],
        "emergency_stop": [102, 2],
    },
    "voltages": {"battery": 301, "system": 320},
    "signals": {"allow_charge_signal": 302},
}
MISSING = object()


def as_toml(table, path=()):
    """A table of tables as TOML; a text, a number and a list are written as JSON writes them."""
    own = [(key, value) for key, value in table.items() if not isinstance(value, dict)]
    lines = [f"[{'.'.join(path)}]"] if path else []
    lines += [f"{key} = {_toml_value(value)}" for key, value in own]
    text = "\n".join(lines) + "\n"
    for key, value in table.items():
        if isinstance(value, dict):
            text += as_toml(value, (*path, key))
    return text


def _toml_value(value):
    return repr(value) if isinstance(value, float) else json.dumps(value)


def with_change(place, value):
    """The good file's content with one place of it changed, added or (MISSING) taken away."""
    content = copy.deepcopy(GOOD)
    *parents, last = place.split(".")
    table = content
    for parent in parents:
        table = table[parent]
    if value is MISSING:
        del table[last]
    else:
        table[last] = value
    return content


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "corner.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def complaint_about(path):
    with pytest.raises(BenchFileError) as caught:
        load_bench(str(path))
    return str(caught.value)


# What is read


def test_a_bench_file_is_read_into_types(written):
    bench = load_bench(str(written(as_toml(GOOD))))

    assert (bench.name, bench.kind) == ("corner", "simulated")
    assert bench.envelope.voltage_v_max == 60.0
    assert bench.roles["charger"].resource == "TCPIP::1::5025::SOCKET"
    assert bench.lines["allow_charge"] == (101, 7)
    assert bench.voltages == {"battery": 301, "system": 320}
    assert bench.signals == {"allow_charge_signal": 302}


@pytest.mark.parametrize(
    ("role", "serial"), [("charger", "28"), ("load", None), ("daq", None)], ids=str
)
def test_a_serial_number_that_is_missing_or_empty_is_none(written, role, serial):
    assert load_bench(str(written(as_toml(GOOD)))).roles[role].serial == serial


def test_a_description_may_be_missing(written):
    content = with_change("bench.description", MISSING)

    assert load_bench(str(written(as_toml(content)))).description == ""


def test_a_bench_can_do_without_signals(written):
    content = with_change("signals", MISSING)

    assert load_bench(str(written(as_toml(content)))).signals == {}


@pytest.mark.parametrize("name", known_benches())
def test_a_bench_that_comes_with_the_project_can_be_read(name):
    assert isinstance(load_bench(name), BenchFile)
    assert tomllib.loads((FOLDER / f"{name}.toml").read_text())["bench"]["name"] == name


# What is refused: the file, the field, what is there, what is allowed

MODELS = "EA PSB 10080-1000"
A_CHANNEL = "a channel, 301 to 320"
A_NUMBER = "a number above 0"
SECTIONS = "bench, envelope, roles, lines, voltages, signals"
SENSED, DRIVEN = "[101, bit 0 to 7]", "[102, bit 0 to 7]"
AS_GIVEN = "as given"

BAD_FIELDS = [
    # An unknown name, on each level
    ("wiring", {}, "is unknown", SECTIONS),
    ("bench.owner", "me", "is unknown", "name, kind, description"),
    ("envelope.power_w_max", 5, "is unknown", "voltage_v_max, charge_current_a_max, "),
    ("roles.oven", {}, "is unknown", "charger, load, daq"),
    ("roles.load.address", 7, "is unknown", "model, resource, serial"),
    ("lines.doorbell", [101, 5], "is unknown", "allow_charge, "),
    ("voltages.oven", 303, "is unknown", "battery, system"),
    ("signals.fan", 303, "is unknown", "allow_charge_signal, allow_discharge_signal"),
    # Something is missing
    ("bench", MISSING, "is missing", "a table"),
    ("envelope", MISSING, "is missing", "a table"),
    ("roles", MISSING, "is missing", "a table"),
    ("lines", MISSING, "is missing", "a table"),
    ("voltages", MISSING, "is missing", "a table"),
    ("bench.name", MISSING, "is missing", "a text"),
    ("bench.kind", MISSING, "is missing", "simulated"),
    ("envelope.voltage_v_max", MISSING, "is missing", A_NUMBER),
    ("roles.charger", MISSING, "is missing", "a table"),
    ("roles.charger.model", MISSING, "is missing", MODELS),
    ("roles.daq.resource", MISSING, "is missing", "a text"),
    ("voltages.system", MISSING, "None", A_CHANNEL),
    # Of the wrong type
    ("bench", "sim", AS_GIVEN, "a table"),
    ("bench.name", 7, AS_GIVEN, "a text"),
    ("bench.kind", ["simulated"], AS_GIVEN, "simulated"),
    ("bench.description", 7, AS_GIVEN, "a text"),
    ("envelope.voltage_v_max", "60", AS_GIVEN, A_NUMBER),
    ("envelope.voltage_v_max", True, AS_GIVEN, A_NUMBER),
    ("roles.load", "TCPIP::2::5025::SOCKET", AS_GIVEN, "a table"),
    ("roles.load.resource", 5025, AS_GIVEN, "a text"),
    ("roles.load.resource", "blabla", AS_GIVEN, "a VISA name"),
    ("lines.interlock", MISSING, "is missing", "[channel, bit]"),
    ("lines.contactor_aux", MISSING, "is missing", "[channel, bit]"),
    ("roles.load.serial", 63206, AS_GIVEN, "a text"),
    ("lines.contactor_aux", 101, AS_GIVEN, SENSED),
    ("lines.contactor_aux", "101", AS_GIVEN, SENSED),
    ("lines.contactor_aux", [101, "0"], AS_GIVEN, SENSED),
    ("lines.contactor_aux", [101, True], AS_GIVEN, SENSED),
    ("lines.contactor_aux", [101, 0, 0], AS_GIVEN, SENSED),
    ("voltages.battery", "301", AS_GIVEN, A_CHANNEL),
    ("voltages.battery", 301.0, AS_GIVEN, A_CHANNEL),
    # Of a value that is not allowed
    ("bench.name", "by/the/window", AS_GIVEN, "a text of letters, digits, _ and -"),
    ("bench.name", "", AS_GIVEN, "a text of letters, digits, _ and -"),
    ("bench.kind", "cloud", AS_GIVEN, "simulated"),
    ("envelope.voltage_v_max", 0, AS_GIVEN, A_NUMBER),
    ("envelope.charge_current_a_max", -1.5, AS_GIVEN, A_NUMBER),
    ("envelope.discharge_current_a_max", float("inf"), AS_GIVEN, A_NUMBER),
    ("envelope.discharge_current_a_max", float("nan"), AS_GIVEN, A_NUMBER),
    ("roles.charger.model", "Chroma 63206A-150-600", AS_GIVEN, MODELS),
    ("lines.contactor_aux", [101, 8], AS_GIVEN, SENSED),
    ("lines.contactor_aux", [101, -1], AS_GIVEN, SENSED),
    ("lines.contactor_aux", [102, 1], AS_GIVEN, SENSED),
    ("lines.start_stop", [101, 1], AS_GIVEN, DRIVEN),
    ("voltages.battery", 300, AS_GIVEN, A_CHANNEL),
    ("voltages.battery", 321, AS_GIVEN, A_CHANNEL),
    ("signals.allow_charge_signal", 300, AS_GIVEN, A_CHANNEL),
    ("signals.allow_charge_signal", [303], AS_GIVEN, A_CHANNEL),
    # Taken already
    (
        "roles.load.resource",
        "TCPIP::1::5025::SOCKET",
        "is roles.charger's already",
        "one instrument a",
    ),
    ("lines.allow_charge", [101, 0], "is lines.contactor_aux's already", "a line of its own"),
    ("voltages.system", 301, "is voltages.battery's already", "a channel of its own"),
    ("signals.allow_charge_signal", 301, "is voltages.battery's already", "a channel of its own"),
    (
        "signals.allow_discharge_signal",
        302,
        "is signals.allow_charge_signal's already",
        "a channel of its own",
    ),
]


@pytest.mark.parametrize(
    ("place", "value", "given", "allowed"),
    [
        pytest.param(*bad, id=f"{bad[0]} {'missing' if bad[1] is MISSING else bad[1]}")
        for bad in BAD_FIELDS
    ],
)
def test_a_bad_field_is_told_in_one_line_with_the_file_the_field_and_what_is_allowed(
    written, place, value, given, allowed
):
    path = written(as_toml(with_change(place, value)))

    message = complaint_about(path)

    what = re.escape(repr(value) if given == AS_GIVEN else given)
    prefix = re.escape(f"{path}: {place}: ")
    assert re.fullmatch(f"{prefix}[^;]*{what}; allowed: {re.escape(allowed)}.*", message)
    assert "\n" not in message


def test_two_instruments_on_one_role_are_told_in_one_line(written):
    text = as_toml(GOOD) + '[roles.charger]\nmodel = "EA PSB 10080-1000"\n'

    message = complaint_about(path := written(text))

    assert message.startswith(f"{path}: is no TOML: ")
    assert "roles" in message
    assert "charger" in message
    assert "\n" not in message


def test_a_list_of_instruments_on_one_role_is_told_in_one_line(written):
    instruments = [{"model": "EA PSB 10080-1000"}, {"model": "EA PSB 10080-1000"}]
    content = with_change("roles.charger", MISSING)
    text = as_toml(content) + '[[roles.charger]]\nmodel = "EA PSB 10080-1000"\n' * 2

    message = complaint_about(path := written(text))

    assert message == f"{path}: roles.charger: {instruments!r}; allowed: a table"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[bench\nname =", id="broken"),
        pytest.param(b"\xff\xfe[bench]", id="another-encoding"),
    ],
)
def test_what_is_no_toml_is_told_in_one_line(written, content):
    message = complaint_about(path := written(content))

    assert message.startswith(f"{path}: is no TOML: ")
    assert "\n" not in message


def test_an_empty_file_lacks_its_first_section(written):
    assert complaint_about(path := written("")) == f"{path}: bench: is missing; allowed: a table"


def test_a_file_that_is_not_there_is_told(tmp_path):
    path = tmp_path / "corner.toml"

    assert complaint_about(path) == f"{path}: cannot be read: No such file or directory"


def test_an_unknown_bench_is_told_with_those_that_are_known():
    message = complaint_about("garage")

    known = ", ".join(known_benches())
    assert message == f"bench 'garage' is unknown: allowed are {known}, or a path to a .toml file"


CALIBRATED = """
[roles.load.calibration]
certificate = "K-1"
date = 2026-01-05
due = 2027-01-05
"""


def test_a_calibration_is_read_with_its_days(written):
    bench = load_bench(str(written(as_toml(GOOD) + CALIBRATED)))

    calibration = bench.roles["load"].calibration
    assert (calibration.certificate, str(calibration.due)) == ("K-1", "2027-01-05")
    assert bench.roles["daq"].calibration is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("due = 2027-01-05", "", "due: is missing; allowed: a day"),
        ("due = 2027-01-05", 'due = "soon"', "due: 'soon'; allowed: a day"),
        ("due = 2027-01-05", "due = 2025-01-05", "due: 2025-01-05 is before date"),
        ("certificate", "paper", "paper: is unknown; allowed: certificate, date, due"),
    ],
    ids=["no due date", "no day", "before it was made", "unknown field"],
)
def test_a_calibration_that_is_wrong_is_refused(written, old, new, said):
    path = written(as_toml(GOOD) + CALIBRATED.replace(old, new))

    with pytest.raises(BenchFileError, match=re.escape(f"roles.load.calibration.{said}")):
        load_bench(str(path))


def test_a_bench_knows_the_hash_of_its_file(written):
    path = written(as_toml(GOOD))

    first = load_bench(str(path)).sha256
    path.write_text(path.read_text() + "# moved\n")

    assert load_bench(str(path)).sha256 != first
