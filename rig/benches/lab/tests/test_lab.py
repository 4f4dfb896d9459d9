"""A lab on twins: its very file with other addresses, by the commands that a technician types."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rig.benches.file import load_bench
from rig.benches.lab.bench import check_needs
from rig.benches.lab.real_battery import RealBattery
from rig.can.adapter import AbsentBus
from rig.commands.bench import lab_file
from rig.errors import BenchFileError, NotOnThisBench
from rig.kernel import Kernel
from rig.needs import Needs
from rig.planning import ROOT, scenarios
from rig.recording import RunRecord, Verdict
from rig.views import BatteryView, BusView

HIL = [sys.executable, "-m", "rig.cli"]
TIMEOUT_S = 300.0
SHORT_ROW = "v1.17-01"  # 5 s


class Twins:
    """`hil bench rehearse`, while the context is entered."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lab"))  # a socket's name has to be short
        self.file = self.folder / "lab.toml"
        self._options = options

    def __enter__(self) -> "Twins":
        command = [*HIL, "bench", "rehearse", "lab_example", "--out", str(self.file)]
        self._process = subprocess.Popen(
            [*command, *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first.startswith("Twins of lab_example"), first
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=TIMEOUT_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def hil(self, *arguments: str) -> tuple[int, str]:
        """Exit code and all that it says."""
        done = subprocess.run(
            [*HIL, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout

    def verdict(self, item: str, *options: str):
        """The row's verdict after one session of pytest, of a run of its own."""
        run = Path(tempfile.mkdtemp(dir=self.folder)) / "run"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        command += ["--bench", str(self.file), "--out", str(run), *options]
        subprocess.run(
            [*command, str(scenarios()[item].path)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
        return next(one for one in RunRecord(run).verdicts().items if one.id == item)


@pytest.fixture(scope="module")
def twins():
    with Twins() as running:
        yield running


def test_a_lab_of_twins_is_found_sound_and_its_device_is_read(twins):
    code, said = twins.hil("bench", "check", str(twins.file), "--json")

    told = json.loads(said)
    assert code == 0, said
    assert (told["device"]["release"], told["device"]["serial"]) == ("1.38", "HQ2024AB001")
    assert {finding["grade"] for finding in told["findings"]} <= {"good", "unknown"}
    assert "system+" in {f["where"] for f in told["findings"] if f["step"] == "low energy"}


def test_a_row_passes_in_the_lab(twins):
    found = twins.verdict(SHORT_ROW)

    assert found.verdict is Verdict.PASS, found.reason


@pytest.mark.nightly
def test_a_row_that_is_judged_on_another_release_is_not_run_and_says_why(twins):
    found = twins.verdict(SHORT_ROW, "--firmware", "1.30")

    assert found.verdict is Verdict.NOT_RUN
    assert "a settable release: judged on 1.30, the device runs 1.38" in found.reason


def test_another_release_than_the_devices_stops_before_anything_is_started(twins):
    out = twins.folder / "other"
    code, said = twins.hil(
        "qualify", "--bench", str(twins.file), "--firmware", "1.37", "--out", str(out)
    )

    assert code == 2
    assert "--firmware 1.37: the device on lab_example runs 1.38; allowed: --firmware 1.38" in said
    assert not out.exists()


def test_a_bench_that_is_no_lab_is_refused_in_one_line():
    with pytest.raises(BenchFileError, match="'simulated' needs no check; allowed: a bench of"):
        lab_file("sim")


NEEDS = [
    ({"soc_pct": 98.0}, "soc_pct 98.0, here 60.0"),
    ({"series": 2}, "series 2, here 1"),
    ({"battery": "LFP 24 V 180 Ah"}, "battery LFP 24 V 180 Ah"),
    ({"starts_on": "1.30"}, "a settable release"),
    ({"settable_release": True}, "a settable release"),
]


@pytest.mark.parametrize(("needs", "words"), NEEDS, ids=[str(row[0]) for row in NEEDS])
def test_what_nobody_has_set_in_the_lab_is_not_on_this_bench_by_name(needs, words):
    lab = load_bench("lab_example").lab

    with pytest.raises(NotOnThisBench, match=words):
        check_needs(Needs.parse(needs), lab)


def test_rest_bus_batteries_can_be_told_their_serial_numbers():
    check_needs(
        Needs.parse({"serials": ("HQ17200047", "HQ17200048")}), load_bench("lab_example").lab
    )


def test_a_real_batterys_sensor_reads_the_truth_and_says_so():
    battery = BatteryView(RealBattery(), (8, 4), BusView(AbsentBus(Kernel(), "b"), None, {}), 0)

    with pytest.raises(NotOnThisBench, match=r"cell voltage sensor 1 that reads 3\.7"):
        battery.cell(1).reads(3.7)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "item", ["v1.08-04", "v1.11-06", "v1.16-02", "v1.30-06", "v1.09-06"], ids=str
)
def test_a_row_has_the_verdict_in_the_lab_that_it_has_in_simulation(twins, item):
    found = twins.verdict(item)

    assert found.verdict is Verdict.PASS, found.reason


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("swapped sense leads", "voltages"),
        ("wrong polarity", "wires.charger"),
        ("load on the wrong node", "wires.load"),
        ("sense lead off", "voltages.system"),
        ("wrong rating", "batteries"),
    ],
    ids=str,
)
def test_a_miswired_lab_of_twins_is_found_by_its_check(wrong, where):
    with Twins("--miswired", wrong) as running:
        code, said = running.hil("bench", "check", str(running.file), "--json")

    told = json.loads(said)
    assert code == 1
    assert [f["where"] for f in told["findings"] if f["grade"] == "wrong"] == [where]
