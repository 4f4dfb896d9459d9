"""One seed, one digest: whatever the hash seed, the number of workers, or what else is running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIO = "scenarios/v1_08/test_04_contactor_opening_delay.py"
ITEM = "v1.08-04"


def digest_of_a_run(folder, *options, hash_seed="0", seed="1"):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SCENARIO]
    command += ["--out", str(folder), "--seed", seed, *options]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    verdicts = json.loads((folder / "verdicts.json").read_text())
    row = next(item for item in verdicts["items"] if item["id"] == ITEM)
    assert row["verdict"] == "PASS"
    return row["digest"]


@pytest.mark.parametrize(
    ("options", "hash_seed"),
    [
        pytest.param((), "0", id="again"),
        pytest.param((), "4711", id="another hash seed"),
        pytest.param(("-n", "2"), "random", id="two workers"),
    ],
)
def test_a_run_leaves_the_same_digest(tmp_path, options, hash_seed):
    first = digest_of_a_run(tmp_path / "first")

    assert digest_of_a_run(tmp_path / "second", *options, hash_seed=hash_seed) == first


def test_another_seed_leaves_another_digest(tmp_path):
    assert digest_of_a_run(tmp_path / "1") != digest_of_a_run(tmp_path / "2", seed="2")


@pytest.mark.nightly
def test_two_hundred_runs_leave_one_digest(tmp_path):
    digests = {
        digest_of_a_run(
            tmp_path / str(number),
            *(("-n", "2") if number % 2 else ()),
            hash_seed=str(number % 4 // 2),
        )
        for number in range(200)
    }

    assert len(digests) == 1
