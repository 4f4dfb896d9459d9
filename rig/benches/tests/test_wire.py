"""Scenarios on the wire bench, as `hil qualify --bench wire` runs them: by sessions of pytest."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.clock import monotonic_us
from rig.errors import BenchFileError, NotOnThisBench
from rig.planning import ROOT, scenarios
from rig.recording import RunRecord, Verdict
from rig.short import Short, durations_of, write_short

CHARGE_ROW = "v1.24-01"  # 5 s, and nothing but buses, buttons and a contactor
TIMEOUT_S = 200.0


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="w"))  # a socket's name has to be short
    yield made
    shutil.rmtree(made, ignore_errors=True)


def command(folder: Path, item: str, *options: str) -> list[str]:
    path = scenarios()[item].path
    base = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    return [*base, "--bench", "wire", "--out", str(folder / "run"), *options, str(path)]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def verdict(folder: Path, item: str, *options: str):
    """The row's verdict after one session."""
    with (folder / "said").open("wb") as said:
        subprocess.run(
            command(folder, item, *options),
            cwd=ROOT,
            env=environment(folder),
            stdout=said,
            stderr=said,
            timeout=TIMEOUT_S,
            check=False,
        )
    found = RunRecord(folder / "run").verdicts()
    return next(one for one in found.items if one.id == item)


def processes_of(folder: Path) -> list[str]:
    """Command lines of what still runs with its sockets in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/hil" in line:
            found.append(line)
    return found


def test_a_row_passes_on_wires_and_leaves_neither_process_nor_socket(folder):
    found = verdict(folder, CHARGE_ROW, "--firmware", "1.38")

    assert found.verdict is Verdict.PASS, found.reason
    assert found.digest is None
    assert not processes_of(folder)
    assert not list(folder.glob("hil*"))


def test_on_the_release_before_the_same_row_fails_by_its_claim(folder):
    found = verdict(folder, CHARGE_ROW, "--firmware", "1.23", "--exact")

    assert found.verdict is Verdict.FAIL
    assert CHARGE_ROW in found.reason
    assert not processes_of(folder)


def test_a_row_that_needs_what_is_not_here_is_not_run_and_says_what(folder):
    found = verdict(folder, "v1.28-02", "-k", "supplies")

    assert found.verdict is Verdict.NOT_RUN
    assert "a GX supplied by the device" in found.reason


@pytest.mark.nightly
@pytest.mark.parametrize("item", ["v1.36-05", "v1.21-02"], ids=["an app", "a second master"])
def test_what_needs_more_than_one_device_alone_passes_on_wires(folder, item):
    found = verdict(folder, item)

    assert found.verdict is Verdict.PASS, found.reason
    assert not processes_of(folder)


@pytest.mark.nightly
def test_a_row_on_a_long_bus_is_not_run_and_says_why(folder):
    found = verdict(folder, "v1.08-07")

    assert found.verdict is Verdict.NOT_RUN
    assert "a private bus of 204 m" in found.reason


def test_a_silent_row_is_not_run_and_says_why(folder):
    found = verdict(folder, "v1.07-02")

    assert (found.verdict, found.reason.split(":")[0]) == (Verdict.NOT_RUN, "a silent row")


def test_a_row_above_the_limit_is_too_long_for_this_bench(folder):
    write_short(folder / "short.json", {CHARGE_ROW: {"test": 30.0}}, 20.0)

    found = verdict(folder, CHARGE_ROW, "--short", str(folder / "short.json"))

    assert found.verdict is Verdict.NOT_RUN
    assert found.reason == "too long for this bench: 30 s"


def test_a_row_without_a_known_duration_is_not_run():
    short = Short(durations={}, limit_s=20.0)

    with pytest.raises(NotOnThisBench, match="not known"):
        short.check(CHARGE_ROW, silent=False)


def test_an_attempt_is_given_up_after_three_times_its_simulated_time_and_a_minute():
    short = Short(durations={CHARGE_ROW: {"test": 10.0}}, limit_s=20.0)

    assert short.limit_us(CHARGE_ROW, "test") == 90_000_000
    assert short.limit_us(CHARGE_ROW, "another") == 600_000_000


def test_an_attempt_that_would_never_end_is_given_up_and_leaves_no_process(folder):
    three_s_in_all = -19.0  # three times that, and a minute
    durations = dict.fromkeys(scenarios()[CHARGE_ROW].tests, three_s_in_all)
    write_short(folder / "short.json", {CHARGE_ROW: durations}, 20.0)

    found = verdict(folder, CHARGE_ROW, "--short", str(folder / "short.json"))

    assert found.verdict is Verdict.BROKEN
    assert "has gone on for 3.000 s" in found.reason
    assert not processes_of(folder)


def test_durations_need_a_finished_simulated_run_of_that_release(folder):
    with pytest.raises(BenchFileError, match=r"--durations .* no finished run of 1\.37 .* allowed"):
        durations_of(folder, "1.37")


def test_durations_are_those_of_the_simulated_run(folder):
    path = scenarios()[CHARGE_ROW].path
    base = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    run = folder / "run"
    subprocess.run(
        [*base, "--bench", "sim", "--out", str(run), str(path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
        check=True,
    )

    found = durations_of(run, "1.38")

    (told,) = (one for one in RunRecord(run).verdicts().items if one.id == CHARGE_ROW)
    assert found == {CHARGE_ROW: found[CHARGE_ROW]}
    assert sum(found[CHARGE_ROW].values()) == pytest.approx(told.sim_s)


async def until(holds: Callable[[], bool], within_s: float) -> None:
    began_us = monotonic_us()
    while not holds():
        assert monotonic_us() - began_us < 1e6 * within_s, "not in time"
        await asyncio.sleep(0.05)


async def test_a_killed_session_leaves_no_process(folder):
    session = await asyncio.create_subprocess_exec(
        *command(folder, CHARGE_ROW),
        cwd=ROOT,
        env=environment(folder),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(lambda: len(processes_of(folder)) == 4, 60.0)

    session.kill()
    await session.wait()

    await until(lambda: not processes_of(folder), 10.0)


def test_the_selection_is_told_as_it_was_written(folder):
    write_short(folder / "short.json", {CHARGE_ROW: {"test": 5.0}}, 20.0)

    told = json.loads((folder / "short.json").read_text())
    assert told == {"limit_s": 20.0, "durations": {CHARGE_ROW: {"test": 5.0}}}
