"""What is asked for is parsed against the list; what is wrong is refused in one line."""

import json

import pytest
from typer.testing import CliRunner

from rig.benches.insertion import HOW
from rig.cli import app
from rig.errors import BenchError, FaultRefused
from rig.faults import FAULTS, BatterySize, ask

BATTERIES = [
    BatterySize(cells=8, sensors=4, terminals=False, fan=False),
    BatterySize(cells=7, sensors=4, terminals=True, fan=True),
]


def test_every_kind_that_the_simulated_bench_can_insert_has_a_way_and_no_way_lacks_a_kind():
    assert [kind.name for kind in FAULTS if kind.sim] == list(HOW)


def test_no_two_kinds_have_one_name():
    names = [kind.name for kind in FAULTS]
    assert len(set(names)) == len(names)


def test_what_is_inside_the_dut_cannot_be_inserted_in_a_real_one():
    assert {k.name for k in FAULTS if not k.lab} == {
        "stalled loop",
        "damaged memory",
        "failed self-test",
        "Bluetooth link poor",
    }


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
def test_every_default_lies_in_its_range(kind):
    for parameter in kind.parameters:
        if isinstance(parameter.default, float):
            assert parameter.low <= parameter.default <= parameter.high
        elif parameter.default is not None:
            assert parameter.default in parameter.words


def test_who_names_no_parameter_gets_the_usual_one():
    asked = ask("cell weak", {"battery": 0, "cell": 3}, BATTERIES)
    assert (asked.battery, asked.index, asked.number("capacity_pct")) == (0, 3, 80.0)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("cell week", {}, "allowed: cell weak"),
        ("cell weak", {"battery": 2, "cell": 0}, "battery; allowed: 0 to 1; asked: 2"),
        ("cell weak", {"battery": 1, "cell": 7}, "cell; allowed: 0 to 6; asked: 7"),
        ("cell weak", {"battery": -1, "cell": 0}, "battery; allowed: 0 to 1"),
        ("cell weak", {"battery": 0}, "cell; allowed: 0 to 7; it was not given"),
        ("cell weak", {"battery": 0, "cell": 0, "capacity_pct": 101}, "allowed: 5 to 100 %"),
        ("cell weak", {"battery": 0, "cell": 0, "capacity_pct": "low"}, "asked: 'low'"),
        ("cell weak", {"battery": 0, "cell": 0, "capacity_pct": float("nan")}, "asked: nan"),
        ("cell weak", {"battery": 0, "cell": True}, "cell; allowed: 0 to 7; asked: True"),
        ("cell weak", {"battery": 0, "cell": 0, "capacity": 60}, "battery, cell, capacity_pct"),
        ("contactor welded", {"battery": 0}, "battery is no word of it; allowed: nothing"),
        ("terminal temperature open", {"battery": 0}, "no sensors at its terminals"),
        ("terminal temperature open", {"battery": 1, "terminal": "plus"}, "positive, negative"),
        ("fan blocked", {"battery": 0}, "battery 0 has no fan"),
        ("cold soak", {"reaching": "all"}, "allowed: cells, surroundings"),
        ("damaged memory", {}, "register; allowed: a name; it was not given"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_allowed_is_refused_and_the_message_says_what_is(name, given, says):
    with pytest.raises(FaultRefused) as caught:
        ask(name, given, BATTERIES)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_fault_is_the_rigs_failure_and_not_the_devices():
    assert issubclass(FaultRefused, BenchError)
    assert issubclass(FaultRefused, ValueError)


def test_the_command_lists_every_fault_with_its_parameters():
    result = CliRunner().invoke(app, ["bench", "faults"])

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 1 + len(FAULTS)
    assert any("capacity_pct 5 to 100 % (80)" in line for line in lines)


def test_the_command_tells_a_machine_which_bench_can_do_what_how():
    result = CliRunner().invoke(app, ["bench", "faults", "--json"])

    stalled = next(f for f in json.loads(result.stdout) if f["name"] == "stalled loop")
    assert stalled["benches"]["lab"] == ""
    assert stalled["inside_dut"] is True
