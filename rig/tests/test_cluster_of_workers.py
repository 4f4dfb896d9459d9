"""A real scheduler with real workers on this machine, each with a checkout of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rig.planning import ROOT

pytestmark = pytest.mark.independent

PARTS = ("bms", "rig", "instruments", "scenarios", "conftest.py", "pyproject.toml")
SMALL = ("--edges", "--null", "--only", "v1.17-01", "--only", "v1.16-02")  # 2 portions


class Cluster:
    """A scheduler on this machine, and workers of their own checkouts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._processes = folder, []
        self.ours, self.theirs = folder / "ours", folder / "theirs"
        for place in (self.ours, self.theirs):
            place.mkdir()
            for part in (*PARTS, "requirements.lock", "reports"):
                source = ROOT / part
                if source.is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(source, place / part, ignore=ignored)
                else:
                    shutil.copy(source, place / part)
        kernel = self.theirs / "rig" / "kernel.py"
        kernel.write_text(kernel.read_text() + "# edited\n")
        self.address = ""

    def __enter__(self) -> "Cluster":
        file = self.folder / "scheduler.json"
        options = ("--scheduler-file", str(file), "--port", "0")
        self._start("dask_scheduler", self.ours, *options)
        until(file.is_file)
        self.address = json.loads(file.read_text())["address"]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, what: str, place: Path, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.{what}", *options]
        with (self.folder / f"{what}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=place,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def worker(self, place: Path, name: str) -> "subprocess.Popen[bytes]":
        """One of one thread, started with that folder's code."""
        folder = ("--local-directory", str(self.folder / name), "--no-nanny")
        return self._start("dask_worker", place, self.address, "--nthreads", "1", *folder)

    def matrix(self, kept: Path, *options: str) -> "subprocess.Popen[str]":
        """`hil matrix`, of our folder's code."""
        command = [sys.executable, "-m", "rig.cli", "matrix", *SMALL, "--keep", str(kept)]
        return subprocess.Popen(
            [*command, *options],
            cwd=self.ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def until(is_so, within_s: float = 60.0) -> None:
    ends_s = time.monotonic() + within_s  # noqa: TID251 - processes, on the wall clock
    while not is_so():
        assert time.monotonic() < ends_s  # noqa: TID251
        time.sleep(0.1)  # noqa: TID251


@pytest.fixture
def a_cluster(tmp_path):
    pytest.importorskip("distributed", reason="dask.distributed is not installed: make dask")
    with Cluster(tmp_path) as running:
        yield running


def test_squares_of_a_cluster_are_those_of_this_machine_with_the_same_digests(a_cluster, tmp_path):
    for name in ("one", "two"):
        a_cluster.worker(a_cluster.ours, name)
    a_cluster.worker(a_cluster.theirs, "three")
    far, near = tmp_path / "far.jsonl", tmp_path / "near.jsonl"

    there = a_cluster.matrix(far, "--cluster", a_cluster.address)
    said, _ = there.communicate(timeout=1500)
    here = a_cluster.matrix(near, "-j", "1")
    here.communicate(timeout=1500)

    assert (there.returncode, here.returncode) == (0, 0), said
    assert said.count(": 1 at a time") == 2
    assert said.count("is refused: it has other code for") == 1
    assert sorted(far.read_text().splitlines()) == sorted(near.read_text().splitlines())
    assert all(json.loads(text)["digest"] for text in far.read_text().splitlines())


@pytest.mark.nightly
def test_a_worker_that_is_killed_at_work_costs_nothing_but_time(a_cluster, tmp_path):
    a_cluster.worker(a_cluster.ours, "one")
    killed = a_cluster.worker(a_cluster.ours, "two")
    far, near = tmp_path / "far.jsonl", tmp_path / "near.jsonl"

    there = a_cluster.matrix(far, "--leave-one-out", "--cluster", a_cluster.address)
    assert there.stdout is not None
    heard = [there.stdout.readline() for _ in range(2)]
    time.sleep(1.0)  # noqa: TID251 - it has begun by now
    killed.send_signal(signal.SIGKILL)
    rest, _ = there.communicate(timeout=1500)
    a_cluster.matrix(near, "--leave-one-out", "-j", "1").communicate(timeout=1500)

    assert all(": 1 at a time" in text for text in heard)
    assert "is lost; cells to be run again: " in rest
    assert there.returncode == 0, rest
    assert sorted(far.read_text().splitlines()) == sorted(near.read_text().splitlines())
