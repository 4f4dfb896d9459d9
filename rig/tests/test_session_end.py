"""However `hil` ends, the session that it started brings its bench to the safe state, and ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHIN_S = 40.0  # chosen: a busy machine loads pytest slowly
HIL = """
import sys
from pathlib import Path
from rig.commands.running import run_session
folder = Path(sys.argv[1])
options = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
run_session(options, [folder / "test_long.py"], folder / "log", folder / "journal.jsonl", 1)
"""
LONG = """
import os, signal, time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

@pytest.fixture
def bench():
    yield
    (HERE / "safe").touch()

def test_it(bench):
    if (HERE / "stubborn").exists():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    (HERE / "began.new").write_text(str(os.getpid()))
    (HERE / "began.new").replace(HERE / "began")
    time.sleep(120)
"""


class Hil:
    """A `hil` that runs a session, and what became of both."""

    def __init__(self, folder: Path, *, ignoring: bool = False) -> None:
        self.folder = folder
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_long.py").write_text(LONG)
        self.process = subprocess.Popen(
            [sys.executable, "-c", HIL, str(folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_ignore_ctrl_c if ignoring else None,  # noqa: PLW1509 - no thread here
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
        until((folder / "began").exists)
        self.session = int((folder / "began").read_text())

    def safe(self) -> bool:
        return (self.folder / "safe").exists()

    def session_is_gone(self) -> bool:
        try:
            os.kill(self.session, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{self.session}/stat").read_text().split()[2] == "Z"


def _ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def until(holds, within_s: float = WITHIN_S) -> None:
    end_s = time.monotonic() + within_s  # noqa: TID251 - other processes, on the wall clock
    while not holds():
        assert time.monotonic() < end_s, "not in time"  # noqa: TID251
        time.sleep(0.02)  # noqa: TID251


@pytest.fixture
def hil(tmp_path):
    started = []

    def start(**options):
        started.append(Hil(tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        if not each.session_is_gone():
            os.kill(each.session, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_session_of_a_hil_that_is_ended_leaves_its_bench_safe(hil, number):
    running = hil()

    running.process.send_signal(number)

    until(running.session_is_gone)
    assert running.safe()
    running.process.wait(WITHIN_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_so_does_that_of_a_hil_in_the_background_of_a_script(hil, number):
    running = hil(ignoring=True)

    running.process.send_signal(number)

    until(running.session_is_gone, 20.0)
    assert running.safe()


def test_a_second_ctrl_c_ends_a_session_that_does_not_end(hil, tmp_path):
    (tmp_path / "stubborn").touch()
    running = hil()
    running.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1.0)
    assert not running.session_is_gone()

    running.process.send_signal(signal.SIGINT)

    running.process.wait(10.0)
    assert running.session_is_gone()
