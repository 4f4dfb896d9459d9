import json
from pathlib import Path
from typing import Any

import pytest

from reports import write_allure
from rig.recording import RunRecord


@pytest.fixture
def results(run: RunRecord, tmp_path: Path) -> list[dict[str, Any]]:
    folder = write_allure(run.folder, tmp_path / "allure")
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*-result.json"))]


def of(results: list[dict[str, Any]], item: str) -> list[dict[str, Any]]:
    return [each for each in results if {"name": "item", "value": item} in each["labels"]]


@pytest.mark.parametrize(
    ("item", "statuses"),
    [
        ("v1.08-04", ["passed"]),
        ("v1.08-05", ["failed"]),
        ("v1.09-06", ["failed", "failed"]),  # Allure shows the newest as the test: never PASS
        ("v1.14-02", ["unknown"]),
        ("v1.15-01", ["broken"]),
        ("v1.20-03", ["broken"]),
        ("v1.38-02", ["skipped"]),
    ],
)
def test_every_attempt_has_a_result(
    results: list[dict[str, Any]], item: str, statuses: list[str]
) -> None:
    assert sorted(each["status"] for each in of(results, item)) == statuses


def test_the_attempts_of_a_test_share_their_history(results: list[dict[str, Any]]) -> None:
    retries = [each for each in of(results, "v1.09-06") if each["name"].endswith("test_it")]

    assert len({each["historyId"] for each in retries}) == 1
    assert len({each["uuid"] for each in retries}) == 2


def test_a_flaky_test_is_marked_as_one(results: list[dict[str, Any]]) -> None:
    assert all(each["statusDetails"]["flaky"] for each in of(results, "v1.09-06"))


def test_area_and_basis_are_labels(results: list[dict[str, Any]]) -> None:
    (result,) = of(results, "v1.08-04")

    assert {"name": "area", "value": "contactor"} in result["labels"]
    assert {"name": "basis", "value": "stated"} in result["labels"]


def test_attachments_are_copies_of_the_evidence(run: RunRecord, tmp_path: Path) -> None:
    folder = write_allure(run.folder, tmp_path / "allure")
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    (result,) = of(results, "v1.08-04")

    copied = {
        each["name"]: (folder / each["source"]).read_bytes() for each in result["attachments"]
    }

    origin = run.folder / "attempts/v1.08-04/test_it-1"
    assert copied == {path.name: path.read_bytes() for path in origin.iterdir()}


def test_measurements_are_steps(results: list[dict[str, Any]]) -> None:
    (result,) = of(results, "v1.08-04")

    assert [each["name"] for each in result["steps"]] == [
        "opening delay: 5.003 ± 0.012 s (limits 4.9 … 5.1)"
    ]


def test_writing_twice_gives_the_same_files(run: RunRecord, tmp_path: Path) -> None:
    folder = write_allure(run.folder, tmp_path / "allure")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}

    write_allure(run.folder, folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_the_bench_is_in_the_environment(run: RunRecord, tmp_path: Path) -> None:
    folder = write_allure(run.folder, tmp_path / "allure")

    assert "bench=sim\n" in (folder / "environment.properties").read_text()
