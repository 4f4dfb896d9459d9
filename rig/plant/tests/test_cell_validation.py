"""The cell against data that nobody here made, and `hil plant` on good and on bad input."""

import gzip
import json
import math
from pathlib import Path

import pytest

from rig import cli
from rig.plant.cell import load_cell
from rig.plant.cell_fit import FitSettings, as_toml, fit, non_negative, read_measured
from rig.plant.cell_profile import read_profile
from rig.plant.cell_validate import run_cell, validate
from rig.plant.kernel_python import PythonKernel

DATA = Path(__file__).parent / "data" / "a123_lfp"
ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["hil", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def measured(temperature_c: int) -> Path:
    return DATA / f"dynamic_{temperature_c}degC.csv.gz"


@pytest.mark.parametrize(
    ("temperature_c", "rms_mv", "max_mv"),
    [
        pytest.param(5, 8.0, math.inf, id="5C"),
        pytest.param(25, 5.0, 50.0, id="25C"),
        pytest.param(45, 5.0, 50.0, id="45C"),
    ],
)
def test_the_model_follows_the_measured_cell(temperature_c, rms_mv, max_mv):
    result, _ = validate("a123", read_profile(measured(temperature_c)), temperature_c)

    assert result.rows > 30_000
    assert result.rms_mv <= rms_mv
    assert result.max_mv <= max_mv
    assert result.rms_mv_cell_file <= rms_mv


def test_a_series_resistance_alone_fails_the_bar(tmp_path):
    settings = FitSettings(
        name="r0",
        chemistry="LFP",
        source="test",
        hysteresis_share=0.0,
        pairs=0,
        taus_s=(30.0, 3000.0),
    )
    parameters, _ = fit(read_measured(DATA, leave_out=(5.0, 45.0)), settings)
    file = tmp_path / "r0.toml"
    file.write_text(as_toml(parameters))

    result, _ = validate(str(file), read_profile(measured(25)), 25.0)

    assert not result.passed
    assert result.rms_mv > 15.0


def test_a_temperature_that_was_left_out_is_predicted_from_its_neighbours(tmp_path):
    settings = FitSettings(name="loo", chemistry="LFP", source="test", taus_s=(30.0, 3000.0))
    parameters, _ = fit(read_measured(DATA, leave_out=(25.0,)), settings)
    file = tmp_path / "loo.toml"
    file.write_text(as_toml(parameters))

    result, _ = validate(str(file), read_profile(measured(25)), 25.0)

    # 40 K between the neighbours; the specimen of that day had 1.2 % less charge than theirs.
    assert result.rms_mv <= 8.0
    assert result.capacity_from == "profile below 5 %"
    assert result.capacity_ah == pytest.approx(1.988, abs=0.006)


@pytest.mark.parametrize(
    ("cell", "trace", "bar_mv"),
    [
        pytest.param("nmc_rs", "chen2020", 8.0, id="NMC"),
        pytest.param(str(ORACLE / "prada2013.toml"), "prada2013", 4.0, id="LFP"),
    ],
)
def test_the_model_follows_the_oracle_on_a_drive_that_it_was_not_fitted_to(cell, trace, bar_mv):
    profile = read_profile(ORACLE / f"{trace}_holdout_25degC.csv.gz")

    result, _ = validate(cell, profile, 25.0)

    assert result.rows > 10_000
    assert result.rms_mv <= bar_mv


def test_the_reference_kernel_gives_the_same_course():
    profile = read_profile(ORACLE / "chen2020_holdout_25degC.csv.gz")
    profile = type(profile)(
        time_s=profile.time_s[:2000],
        current_a=profile.current_a[:2000],
        voltage_v=profile.voltage_v[:2000],
    )

    assert run_cell("nmc_rs", profile, 25.0) == run_cell(
        "nmc_rs", profile, 25.0, kernel=PythonKernel()
    )


def test_every_number_of_a_cell_has_a_unit_and_a_basis():
    kinds = ("public", "derived", "chosen", "stated")
    for cell in ("lfp", "nmc_he", "nmc_rs", "a123"):
        parameters = load_cell(cell)
        for entry in (*parameters.curves.values(), *parameters.scalars.values()):
            assert entry.unit
            assert any(kind in entry.basis for kind in kinds), (cell, entry.basis)


def test_a_written_cell_file_reads_as_it_was(tmp_path):
    parameters = load_cell("a123")
    file = tmp_path / "again.toml"

    file.write_text(as_toml(parameters))

    assert load_cell(str(file)) == parameters


def test_non_negative_least_squares_leaves_out_what_would_be_negative():
    import numpy as np

    matrix = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    found = non_negative(matrix.T @ matrix, matrix.T @ np.array([3.0, 2.0, 1.0]))

    assert found == pytest.approx([2.0, 0.0], abs=1e-9)


def test_validate_tells_result_and_bar_and_leaves_a_plot(hil, tmp_path):
    folder = tmp_path / "out"

    code, out, _ = hil(
        *("plant", "validate", measured(25), "--cell", "a123"),
        *("--temperature", 25, "--json", "--out", folder),
    )

    told = json.loads(out)
    assert code == 0
    assert told["passed"] is True
    assert told["rms_mv"] < 5.0
    assert told["bar_max_mv"] == 50.0
    assert (folder / "validation.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((folder / "validation.json").read_text()) == told


def test_validate_fails_with_exit_code_1_on_the_wrong_cell(hil):
    code, out, _ = hil(
        *("plant", "validate", measured(25), "--cell", "lfp"),
        *("--temperature", 25, "--capacity-ah", 2.0),
    )

    assert code == 1
    assert out.startswith("FAIL")


def test_fit_writes_a_cell_file(hil, tmp_path):
    file = tmp_path / "mine.toml"

    code, out, _ = hil(
        *("plant", "fit", DATA, "--name", "mine", "--out", file),
        *("--leave-out", 5, "--leave-out", 45),
    )

    assert code == 0
    assert "25 degC: 2." in out
    assert load_cell(str(file)).name == "mine"


ROWS = "time_s,current_a,voltage_v\n0,0,3.5\n1,1,3.4\n"


@pytest.mark.parametrize(
    ("content", "arguments", "names"),
    [
        pytest.param(None, (), ("no such file", ".csv.gz"), id="no file"),
        pytest.param("", (), ("column time_s", "time_s, current_a, voltage_v"), id="empty"),
        pytest.param("time_s,volt\n0,1\n", (), ("column current_a",), id="column"),
        pytest.param(ROWS + "2,x,3\n", (), ("line 4", "current_a", "'x'", "number"), id="text"),
        pytest.param(ROWS + "2,nan,3\n", (), ("line 4", "current_a", "number"), id="nan"),
        pytest.param(ROWS + "2,1\n", (), ("line 4", "voltage_v", "number"), id="short row"),
        pytest.param(ROWS + "1,1,3\n", (), ("line 4", "time_s", "above"), id="time"),
        pytest.param(ROWS, (), ("SOC goes from 100", "below 95 %"), id="never inside"),
        pytest.param(b"\x1f\x8b\x08broken", (), ("cannot be read", "gzip"), id="gzip"),
        pytest.param(b"\xff\xfe\x00", (), ("cannot be read", "CSV"), id="not text"),
        pytest.param(ROWS, ("--cell", "x9"), ("'x9'", "a123", "nmc_he"), id="cell"),
        pytest.param(ROWS, ("--cell", "/no.toml"), ("/no.toml", "no such"), id="cell file"),
        pytest.param(ROWS, ("--temperature", "99"), ("99", "-40 to 80"), id="temperature"),
        pytest.param(ROWS, ("--temperature", "warm"), ("--temperature", "number"), id="no number"),
        pytest.param(ROWS, ("--capacity-ah", "0"), ("--capacity-ah 0", "above 0"), id="capacity"),
    ],
)
def test_a_bad_profile_is_one_line_with_exit_code_2(hil, tmp_path, content, arguments, names):
    file = tmp_path / "profile.csv"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.write_text(content)
    arguments = {"--cell": "a123", "--temperature": "25"} | dict([arguments] if arguments else [])

    code, out, err = hil(
        "plant", "validate", file, *(x for pair in arguments.items() for x in pair)
    )

    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        pytest.param('chemistry = "LFP"', 'chemistry = "X"', ("chemistry", "NMC"), id="chemistry"),
        pytest.param("[curves.ocv_v]", "[curves.ocv]", ("curves.ocv_v",), id="curve"),
        pytest.param("value = 30.0", "value = 0.0", ("tau_1_s", "above 0"), id="tau"),
        pytest.param("value = 30.0", 'value = "x"', ("tau_1_s", "numbers"), id="text"),
        pytest.param("[scalars.tau_1_s]", "[scalars.tau]", ("scalars.tau_1_s",), id="scalar"),
        pytest.param("= [", "= = [", ("TOML",), id="toml"),
    ],
)
def test_a_bad_cell_file_is_one_line_with_exit_code_2(hil, tmp_path, old, new, names):
    good = (Path(cli.__file__).parent / "plant" / "data" / "lfp.toml").read_text()
    assert old in good
    file = tmp_path / "cell.toml"
    file.write_text(good.replace(old, new, 1))

    code, _, err = hil("plant", "validate", measured(25), "--cell", file, "--temperature", 25)

    assert code == 2
    assert len(err.splitlines()) == 1
    assert str(file) in err
    assert all(name in err for name in names)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(("/nowhere", "--out", "x.toml"), ("/nowhere", "no such"), id="folder"),
        pytest.param((DATA, "--out", "x.csv"), ("x.csv", ".toml"), id="out"),
        pytest.param((ORACLE, "--out", "x.toml"), ("no profile", "dynamic_"), id="no profile"),
        pytest.param(
            (DATA, "--out", "x.toml", "--hysteresis-share", 2), ("share 2", "0 to 1"), id="share"
        ),
        pytest.param((DATA, "--out", "x.toml", "--knots", "no"), ("no", "fine"), id="knots"),
    ],
)
def test_a_bad_fit_is_one_line_with_exit_code_2(hil, monkeypatch, tmp_path, arguments, names):
    monkeypatch.chdir(tmp_path)

    code, _, err = hil("plant", "fit", *arguments, "--name", "x")

    assert code == 2
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)
    assert not list(tmp_path.glob("*.toml"))


def test_a_plain_file_reads_as_a_compressed_one(tmp_path):
    plain = tmp_path / "plain.csv"
    plain.write_bytes(gzip.decompress(measured(25).read_bytes()))

    assert read_profile(plain) == read_profile(measured(25))
