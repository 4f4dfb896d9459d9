"""What a guardian is told about a bench, and when a trip has to be reset by a person."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rig.benches.file import load_bench
from rig.benches.guarding import Guarding, guardian_spec
from rig.clock import monotonic_us
from rig.errors import BenchError
from rig.planning import ROOT, scenarios
from rig.recording import RunRecord, Verdict
from rig.safety.spec import Limits, Sense
from rig.safety.tests.bench import bench
from rig.wall import WallLoop

CHARGE_ROW = "v1.24-01"
TWINS = dict.fromkeys(("charger", "load", "daq"), "TCPIP::127.0.0.1::5025::SOCKET")
REAL = {**TWINS, "charger": "TCPIP::psu.bench::5025::SOCKET"}


def spec(kind: str, doors: dict[str, str], *, twins: bool = False):
    file = replace(load_bench("wire"), kind=kind, name="cellar", twins=twins)
    return guardian_spec(file, doors, Path("report"), Sense(), Limits())


def test_the_guardian_goes_to_the_same_instruments_as_the_test():
    told = spec("wire", TWINS)

    assert {role: place.model for role, place in told.places.items()} == {
        "charger": "EA PSB 10080-1000",
        "load": "Chroma 63206A-150-600",
        "daq": "Keysight DAQ970A",
    }
    assert told.envelope.voltage_v_max == 62.0


def test_a_tripped_laboratory_waits_for_a_person():
    assert len(set(spec("lab", REAL).latches)) == 2  # of two addresses


def test_a_laboratory_behind_a_tunnel_waits_for_a_person_as_well():
    assert len(set(spec("lab", TWINS).latches)) == 1


def test_twins_that_are_stated_wait_for_nobody():
    assert spec("lab", TWINS, twins=True).latches == ()
    assert spec("wire", TWINS).latches == ()


def left_alone(work) -> None:
    """Run it in a loop of the wall clock, as an attempt on a wire bench."""
    with asyncio.Runner(loop_factory=WallLoop) as runner:
        runner.run(work)


def guarding(tmp_path: Path, hands: Any = None) -> Guarding:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    sense = Sense(interlock_relay=201, current_channel=319)
    file = load_bench("wire")
    told = guardian_spec(file, TWINS, tmp_path / "safety.jsonl", sense, Limits())
    return Guarding(told, tmp_path, loop.kernel, lambda: hands)


def test_a_guardian_that_is_gone_ends_the_attempt_with_an_error_of_the_bench(tmp_path):
    async def attempt() -> None:
        guarding(tmp_path)._fail("the guardian died")
        await asyncio.sleep(60)

    with pytest.raises(BenchError, match="the guardian died"):
        left_alone(attempt())


def test_the_test_itself_brings_the_bench_to_rest_and_leaves_a_report(tmp_path):
    hands, charger, _load, daq, _log = bench()
    charger.on = daq.closed = True

    async def attempt() -> None:
        await guarding(tmp_path, hands)._rescue()

    left_alone(attempt())

    (line,) = (json.loads(text) for text in (tmp_path / "safety.jsonl").read_text().splitlines())
    assert (line["did"], line["state"]) == ("rescued by the test itself", "safe")
    assert not charger.on
    assert not daq.closed


def test_after_a_failure_nothing_of_the_test_goes_on_while_the_bench_is_taken_down(tmp_path):
    went_on = []

    async def scenario() -> None:
        await asyncio.sleep(0.05)
        went_on.append("the scenario")

    async def attempt() -> None:
        one = guarding(tmp_path)
        running = asyncio.ensure_future(scenario())
        await asyncio.sleep(0)
        one.why = "the guardian died"
        one.stop_the_test()
        await asyncio.sleep(0.1)
        assert running.cancelled()

    left_alone(attempt())

    assert went_on == []


def test_an_error_where_nobody_waits_for_it_ends_the_test_by_its_guardian(tmp_path):
    told: list[str] = []

    def record_a_frame() -> None:
        raise OSError(28, "No space left on device")

    class Link:
        """A guardian's link that is armed at once, and keeps what it is told."""

        tell_failure = staticmethod(told.append)

        async def _nothing(self, _folder: Path | None = None) -> None: ...

        start = arm = part = close = _nothing

    async def attempt() -> None:
        one = guarding(tmp_path)
        one.link = Link()  # type: ignore[assignment]
        async with AsyncExitStack() as stack:
            await one.start(stack)
            asyncio.get_running_loop().call_soon(record_a_frame)
            await asyncio.sleep(0.01)

    left_alone(attempt())

    assert told == ["in the test's own loop: OSError: [Errno 28] No space left on device"]


def _guardian_of(folder: Path) -> int | None:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"rig.safety.guardian {folder}/hil" in line:
            return int(path.parent.name)
    return None


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="processes of a wire bench need POSIX")
def test_a_row_whose_guardian_is_killed_is_broken_and_its_bench_was_brought_to_rest():
    folder = Path(tempfile.mkdtemp(prefix="g"))  # a socket's name has to be short
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += ["--bench", "wire", "--out", str(folder / "run")]
    session = subprocess.Popen(
        [*command, str(scenarios()[CHARGE_ROW].path)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        reports, until_us = [], monotonic_us() + 120_000_000
        while not any("armed" in path.read_text() for path in reports):
            assert monotonic_us() < until_us, "nothing was armed in time"
            with suppress(subprocess.TimeoutExpired):
                session.wait(0.1)
            reports = list((folder / "run").rglob("safety.jsonl"))
        guardian = _guardian_of(folder)
        assert guardian is not None
        os.kill(guardian, signal.SIGKILL)
        session.wait(120)

        found = RunRecord(folder / "run").verdicts()
        (row,) = (one for one in found.items if one.id == CHARGE_ROW)
        assert row.verdict is Verdict.BROKEN
        assert "the guardian" in row.reason
        assert "rescued by the test itself" in reports[0].read_text()
    finally:
        session.kill()
        session.wait()
        shutil.rmtree(folder, ignore_errors=True)
