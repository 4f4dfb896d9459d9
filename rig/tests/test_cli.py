"""The `hil` command: what it tells, and that a bad input is one line and exit code 2."""

import json

import pytest

from bms.releases import NEWEST
from rig import cli
from rig.commands import qualify


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["hil", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


BAD_BENCH = """
[bench]
name = "x"
kind = "simulated"
[envelope]
voltage_v_max = "much"
charge_current_a_max = 1.0
discharge_current_a_max = 1.0
"""


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(("qualify", "--firmware", "9.99"), ("9.99", "1.07 to 1."), id="release"),
        pytest.param(("qualify", "--firmware", "new"), ("'new'", "1.38"), id="no release"),
        pytest.param(("qualify", "--bench", "moon"), ("'moon'", "sim"), id="bench"),
        pytest.param(("qualify", "--bench", "/nowhere.toml"), ("/nowhere.toml",), id="file"),
        pytest.param(("qualify", "--frob"), ("--frob",), id="option"),
        pytest.param(("run", "v1.08-99"), ("v1.08-99", "v1.08-04"), id="id"),
        pytest.param(("explain", "v2.00-01"), ("v2.00-01",), id="id to explain"),
        pytest.param(("frob",), ("frob",), id="command"),
        pytest.param(("bms", "history", "x.y"), ("x.y", "contactor.opening_delay_us"), id="slot"),
        pytest.param(("scenario", "new", "v1.08-04"), ("has a scenario",), id="scenario twice"),
        pytest.param(("report", "/nowhere"), ("/nowhere",), id="record"),
    ],
)
def test_a_bad_input_is_one_line_with_exit_code_2(hil, arguments, names):
    code, out, err = hil(*arguments)

    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)


def test_a_bad_bench_file_names_file_field_and_what_is_allowed(hil, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(BAD_BENCH)

    code, _, err = hil("qualify", "--bench", str(file), "--out", str(tmp_path / "run"))

    assert code == 2
    assert all(part in err for part in (str(file), "envelope.voltage_v_max", "a number above 0"))
    assert not (tmp_path / "run").exists()


def test_a_corrupt_record_is_named(hil, tmp_path):
    (tmp_path / "plan.json").write_text('{"format": 1, "run"')

    code, _, err = hil("report", str(tmp_path))

    assert code == 2
    assert str(tmp_path / "plan.json") in err
    assert not (tmp_path / "report.html").exists()


def test_a_run_does_not_overwrite_another(hil, tmp_path):
    (tmp_path / "plan.json").write_text("{}")

    code, _, err = hil("qualify", "--out", str(tmp_path))

    assert code == 2
    assert "holds a run already" in err


def test_a_folder_that_holds_something_else_is_not_taken_for_a_run(hil, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    code, _, err = hil("qualify", "--out", str(tmp_path))

    assert code == 2
    assert "is not empty" in err


def test_a_folder_that_cannot_be_made_is_named(hil, tmp_path):
    (tmp_path / "file").touch()

    code, _, err = hil("qualify", "--out", str(tmp_path / "file" / "run"))

    assert code == 2
    assert f"--out {tmp_path / 'file' / 'run'}" in err
    assert len(err.splitlines()) == 1


def test_a_matrix_that_could_not_be_written_is_refused_before_it_is_run(hil, tmp_path):
    code, _, err = hil("matrix", "--edges", "--out", str(tmp_path / "nowhere" / "matrix.json"))

    assert code == 2
    assert "nowhere/matrix.json" in err


def test_a_slot_is_told_over_the_releases(hil):
    code, out, _ = hil("bms", "history", "contactor.opening_delay")

    assert code == 0
    assert out.strip().endswith("2 s until 1.07, 5 s since 1.08 (v1.08-04)")


def test_a_difference_of_releases_names_the_items(hil):
    _, out, _ = hil("bms", "diff", "1.36", "1.38")

    assert "v1.37-01" in out
    assert "v1.38-11" in out
    assert "v1.36-K1" not in out


def test_a_row_is_explained_with_its_slot_and_scenario(hil):
    _, out, _ = hil("explain", "1.08-04")

    assert "contactor.opening_delay_us: 2 s -> 5 s" in out
    assert "scenarios/v1_08/test_04_contactor_opening_delay.py" in out


def test_a_row_is_explained_to_a_machine(hil):
    _, out, _ = hil("explain", "v1.08-04", "--json")

    assert json.loads(out)["id"] == "v1.08-04"


@pytest.mark.parametrize(
    "command",
    [
        "qualify",
        "run",
        "matrix",
        "report",
        "verify",
        "export",
        "explain",
        "bms history",
        "bms diff",
        "scenario new",
    ],
)
def test_every_command_helps_with_an_example(hil, command):
    code, out, _ = hil(*command.split(), "--help")

    assert code == 0
    assert "Example: hil" in out


@pytest.mark.parametrize(
    ("item", "release"),
    [("v1.08-04", str(NEWEST)), ("v1.29-02", "1.29"), ("v1.07-K1", str(NEWEST))],
)
def test_a_scenario_runs_on_the_release_that_its_row_is_judged_on(hil, monkeypatch, item, release):
    ran = []
    monkeypatch.setattr(qualify, "run_in_view", lambda command: ran.append(command) or 0)

    assert hil("run", item)[0] == 0
    assert ran[0][ran[0].index("--firmware") + 1] == release
