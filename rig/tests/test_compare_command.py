"""`hil compare`: what differs between two runs, by their records alone."""

import json

import pytest

from rig import cli
from rig.parity.tests.recorded import Told, write_run
from rig.recording import Verdict, write_manifest

STEADY = {("vreg.state", ""): [(0.0, 9.0), (20.0, 9.0)]}
OTHER = {("vreg.state", ""): [(0.0, 10.0), (20.0, 10.0)]}
PASSED, FAILED = Told(signals=STEADY), Told(signals=STEADY, verdict=Verdict.FAIL)
BROKEN = Told(signals=STEADY, verdict=Verdict.BROKEN)
NOT_RUN = Told(signals=STEADY, verdict=Verdict.NOT_RUN)


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["hil", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


@pytest.fixture
def runs(tmp_path):
    """Two runs of these attempts, sealed; their folders."""

    def make(first, second, *benches):
        folders = tmp_path / "first", tmp_path / "second"
        for folder, told, bench in zip(
            folders, (first, second), benches or ("sim",) * 2, strict=True
        ):
            write_run(folder, told, bench)
            write_manifest(folder, folder.name)
        return folders

    return make


def test_two_nights_with_the_same_verdicts_are_the_same(hil, runs):
    code, said, _ = hil(*runs({"v1.08-04": PASSED}, {"v1.08-04": PASSED}))

    assert code == 0
    assert "1 rows ran in both, 0 with another verdict" in said
    assert said.splitlines()[-1] == "the same"


def test_verdicts_that_changed_come_worst_first(hil, runs):
    first = {"v1.08-01": FAILED, "v1.08-03": PASSED, "v1.08-04": PASSED, "v1.08-05": PASSED}
    second = {"v1.08-01": PASSED, "v1.08-03": FAILED, "v1.08-04": NOT_RUN, "v1.08-05": BROKEN}

    code, said, _ = hil(*runs(first, second), "--json")

    found = json.loads(said)
    assert code == 1
    assert [(each["id"], each["direction"]) for each in found["differences"]] == [
        ("v1.08-05", "worse"),
        ("v1.08-03", "worse"),
        ("v1.08-04", "not run"),
        ("v1.08-01", "better"),
    ]


def test_what_another_bench_does_not_run_is_counted_and_no_difference(hil, runs):
    first = {"v1.08-03": PASSED, "v1.08-04": PASSED}
    second = {"v1.08-03": PASSED, "v1.08-04": NOT_RUN}

    code, said, _ = hil(*runs(first, second, "sim", "wire"))

    assert code == 0
    assert "1 rows ran in both, 0 with another verdict; 1 ran in the first only" in said


def test_signals_of_two_benches_are_compared_and_one_out_of_band_is_named(hil, runs):
    told = {"v1.08-04": Told(signals=OTHER)}

    code, said, _ = hil(*runs({"v1.08-04": PASSED}, told, "sim", "wire"))

    assert code == 1
    assert "parity: 1 attempts, 20 signal-seconds, 0.00 % in band (goal 99 %)" in said
    assert "20.00 s  v1.08-04 vreg.state: 0.00 to 20.00 s: 9, then 10" in said


def test_signals_of_one_bench_are_compared_when_asked_for(hil, runs):
    folders = runs({"v1.08-04": PASSED}, {"v1.08-04": Told(signals=OTHER)})

    assert hil(*folders)[0] == 0
    assert hil(*folders, "--parity")[0] == 1


@pytest.mark.parametrize("place", [0, 1])
def test_evidence_that_is_gone_is_said_and_nothing_is_the_same(hil, runs, place):
    folders = runs({"v1.08-04": PASSED}, {"v1.08-04": PASSED})
    (folders[place] / "attempts/v1.08-04/test_it-1/trace.json").unlink()

    code, said, _ = hil(*folders)

    assert code == 1
    assert f"the {('first', 'second')[place]} run's evidence is not whole" in said
    assert "trace.json: missing" in said


def test_a_page_shows_the_same(hil, runs, tmp_path):
    page = tmp_path / "page.html"

    hil(*runs({"v1.08-04": PASSED}, {"v1.08-04": FAILED}), "--html", page)

    text = page.read_text()
    assert "v1.08-04" in text
    assert "they differ" in text
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("none",), "none: no such run; allowed: a run's folder"),
        (("first",), "first: is the first run, too; allowed: two runs"),
        (("second", "--html", "first"), "--html"),
        (("second", "--bands", "none.toml"), "none.toml: cannot be read"),
    ],
)
def test_a_bad_input_is_one_line_with_exit_code_2(hil, runs, monkeypatch, tmp_path, options, said):
    first, _ = runs({"v1.08-04": PASSED}, {"v1.08-04": PASSED})
    monkeypatch.chdir(tmp_path)

    code, out, err = hil(first.name, *options)

    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
