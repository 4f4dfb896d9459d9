"""The whole way: a release is qualified, and every row of the catalogue gets its verdict."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bms.catalogue import catalogue
from rig.planning import scenarios

ROOT = Path(__file__).parents[2]
SELECTED = ("v1.07-K1", "v1.08-04", "v1.13-02", "v1.20-01", "v1.33-03")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A few rows of a release; all of them are what `make qualify` is for."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    command = [sys.executable, "-m", "rig.cli", "qualify", "--out", str(folder), "--jobs", "1"]
    command += [option for id_ in SELECTED for option in ("--only", id_)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def items(folder):
    return json.loads((folder / "verdicts.json").read_text())["items"]


def test_every_row_of_the_catalogue_has_one_verdict(run):
    assert [item["id"] for item in items(run)] == list(catalogue())


def test_every_selected_row_passes_and_the_others_say_why_not(run):
    verdicts = {item["id"]: (item["verdict"], item["reason"]) for item in items(run)}

    assert {id_ for id_, (verdict, _) in verdicts.items() if verdict == "PASS"} == set(SELECTED)
    for id_, (verdict, reason) in verdicts.items():
        if verdict != "PASS":
            assert verdict == "NOT RUN"
            assert reason == ("not selected" if id_ in scenarios() else "no scenario yet")


def test_every_verdict_has_evidence_with_its_hash(run):
    for item in items(run):
        if item["verdict"] == "PASS":
            assert all((run / evidence["path"]).is_file() for evidence in item["evidence"])
            assert len(item["evidence"]) >= 3


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_bench_has_tested_itself(run, when):
    checks = json.loads((run / f"selftest-{when}.json").read_text())["checks"]

    assert len(checks) == 7
    assert all(check["passed"] for check in checks)
    assert "no self-test" not in (run / "report.html").read_text()


def test_the_views_are_there(run):
    assert (run / "report.html").stat().st_size > 100_000
    assert (run / "junit.xml").is_file()
    assert list((run / "allure-results").glob("*-result.json"))


def test_a_row_on_a_release_before_it_fails_by_its_claim():
    command = [sys.executable, "-m", "rig.cli", "run", "v1.08-04", "--firmware", "1.07"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "contactor_aux became open after 2.0" in ended.stdout
    assert "expected closed for 4.900 s" in ended.stdout
