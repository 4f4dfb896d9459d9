import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.errors import BenchFileError
from rig.nightly.lock import alone_with, hold_session

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from rig.nightly.lock import alone_with
with alone_with(Path(sys.argv[1]), 1.0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that works on the night, until it is killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"held\n"
    yield child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def test_two_at_once_are_refused_by_the_number_of_the_first(tmp_path, holder):
    with (
        pytest.raises(BenchFileError, match=f"process {holder.pid} works on this night"),
        alone_with(tmp_path, 1.0),
    ):
        pass


def test_the_lock_of_a_killed_process_is_known_as_stale_and_locks_nobody_out(tmp_path, holder):
    holder.kill()
    holder.wait()

    with alone_with(tmp_path, 1.0) as left_by:
        assert left_by == holder.pid


def test_one_that_ended_as_it_should_leaves_nothing_behind(tmp_path):
    with alone_with(tmp_path, 1.0):
        pass

    with alone_with(tmp_path, 1.0) as left_by:
        assert left_by is None


def test_nobody_goes_on_while_a_session_of_a_killed_command_still_runs(tmp_path):
    (tmp_path / "night.lock").write_text(str(os.getppid()))
    session = hold_session(tmp_path, is_worker=False)
    try:
        with (
            pytest.raises(BenchFileError, match="a session of a killed command still runs"),
            alone_with(tmp_path, 0.1),
        ):
            pass
    finally:
        os.close(session)

    with alone_with(tmp_path, 0.1):
        pass


def test_a_session_whose_command_is_gone_does_not_begin(tmp_path):
    (tmp_path / "night.lock").write_text("1234567")

    with pytest.raises(BenchFileError, match="the command that began this session is gone"):
        hold_session(tmp_path, is_worker=False)
