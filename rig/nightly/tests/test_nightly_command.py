"""`hil nightly` as a lab uses it: real nights of one short row on the simulated bench."""

import json
import shutil
import sys
import threading  # noqa: TID251 - a web server of the test's own
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest

from rig.cli import main
from rig.nightly.settings import read_settings, write_settings
from rig.nightly.tests.conftest import settings

ROW = "v1.33-03"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def hil(*words: str) -> Done:
    """The command in this process; only its sessions of pytest are processes of their own."""
    out, err, before = StringIO(), StringIO(), sys.argv
    sys.argv = ["hil", "nightly", "sim", *words]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def web():
    """A web address that takes what it is sent."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def night(runs, web, tmp_path_factory):
    """One whole night, in quarantine, told by command (which fails) and by webhook."""
    quarantine = tmp_path_factory.mktemp("lab") / "quarantine.toml"
    quarantine.write_text(
        f'[[quarantine]]\nid = "{ROW}"\nowner = "J. Doe"\nreason = "the load trips"\n'
        'since = 2026-01-01\nexpires = 2126-01-01\nticket = "LAB-3"\n'
    )
    folder = runs / "1"
    done = hil(
        *("--only", ROW, "--runs", str(runs), "--out", str(folder), "--jobs", "1"),
        *("--quarantine", str(quarantine), "--webhook", web[0]),
        *("--notify-command", f"{sys.executable} -c 'import sys; sys.exit(7)'"),
    )
    return done, folder


def verdict(folder):
    items = json.loads((folder / "verdicts.json").read_text())["items"]
    return next(item for item in items if item["id"] == ROW)


def test_a_night_ends_with_self_tests_record_report_history_and_summary(night):
    done, folder = night

    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("selftest-before.json", "selftest-after.json", "manifest.json", "report.html"):
        assert (folder / name).is_file()
    assert (folder.parent / "history.sqlite").is_file()
    assert json.loads((folder / "summary.json").read_text())["self_test"] == {
        "before": True,
        "after": True,
    }


def test_quarantine_runs_and_counts_as_not_verified_on_the_terminal_and_in_the_record(night):
    done, folder = night

    assert verdict(folder)["verdict"] == "NOT VERIFIED"
    assert "it was PASS" in verdict(folder)["reason"]
    assert "NOT VERIFIED" in done.stdout
    assert "  PASS" not in done.stdout


def test_the_summary_comes_by_webhook_and_a_command_that_fails_changes_nothing(night, web):
    done, _ = night
    _, posted = web

    assert "not told: --notify-command" in done.stdout
    assert "exit code 7" in done.stdout
    assert done.returncode == 0
    (summary,) = posted
    assert summary["counts"]["NOT VERIFIED"] == 1
    assert summary["attention"][0]["id"] == ROW


def test_resuming_a_finished_night_says_so_and_does_nothing(night):
    _, folder = night
    before = sorted(path.name for path in folder.rglob("*"))

    done = hil("--resume", str(folder))

    assert done.returncode == 0
    assert "nothing to resume" in done.stdout
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_last_finds_nothing_where_the_newest_night_has_ended(night):
    _, folder = night

    done = hil("--resume", "last", "--runs", str(folder.parent))

    assert done.returncode == 0
    assert "nothing to resume" in done.stdout


@pytest.fixture
def begun(night, tmp_path):
    """A night that was killed before its plan was frozen."""
    _, folder = night
    other = tmp_path / "cut-off"
    other.mkdir()
    write_settings(other, read_settings(folder))
    return other


def test_a_night_whose_files_have_changed_is_refused_by_name(begun):
    was = read_settings(begun)
    write_settings(
        begun,
        settings(bench=was.bench, only=(ROW,), sources={**was.sources, "bms/master.py": "0" * 64}),
    )

    done = hil("--resume", str(begun))

    assert done.returncode == 2
    assert "changed since its plan was frozen: bms/master.py" in done.stderr


def test_a_night_whose_time_is_over_ends_with_rows_that_say_so(begun):
    was = read_settings(begun)
    write_settings(
        begun, settings(bench=was.bench, only=(ROW,), until_ms=1_000, sources=was.sources)
    )

    done = hil("--resume", str(begun))

    assert done.returncode == 0, done.stdout + done.stderr
    assert (verdict(begun)["verdict"], verdict(begun)["reason"]) == (
        "NOT RUN",
        "outside the time window",
    )
    assert "NOT RUN: outside the time window" in done.stdout


def not_now() -> str:
    """A window that is hours away."""
    soon = datetime.now(UTC).astimezone() + timedelta(hours=2)
    return f"{soon:%H:%M}-{soon + timedelta(hours=1):%H:%M}"


def test_a_night_that_was_cut_off_is_judged_after_its_window_too(night, begun):
    shutil.copyfile(night[1] / "plan.json", begun / "plan.json")
    was = read_settings(begun)
    write_settings(
        begun, settings(bench=was.bench, only=(ROW,), until_ms=1_000, sources=was.sources)
    )

    done = hil("--resume", "auto", "--window", not_now(), "--runs", str(begun.parent))

    assert done.returncode == 0, done.stdout + done.stderr
    assert verdict(begun)["verdict"] == "NOT RUN"
    assert (begun / "summary.json").is_file()


def test_a_machine_is_told_that_there_is_nothing_to_do(tmp_path):
    done = hil("--window", not_now(), "--runs", str(tmp_path), "--json")

    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["record"] is None
    assert "window" in told["why"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["--resume", "/none"], "--resume /none: no such folder", id="no folder"),
        pytest.param(["--resume", "/tmp"], "no night was begun here", id="no night"),
        pytest.param(["--window", "22-06"], "--window 22-06: allowed:", id="no window"),
        pytest.param(["--webhook", "ftp://x"], "--webhook ftp://x: allowed:", id="no web"),
        pytest.param(
            ["--webhook", "http://[::1/"], "--webhook http://[::1/: allowed:", id="no host"
        ),
        pytest.param(["--webhook", "http://a b/"], "--webhook http://a b/: allowed:", id="a blank"),
        pytest.param(["--hours", "1e300"], "less than or equal to 168", id="for ever"),
        pytest.param(["--quarantine", "/none.toml"], "/none.toml: cannot be read", id="no file"),
        pytest.param(["--out", "/proc/x"], "--out /proc/x: ", id="no place"),
    ],
)
def test_a_bad_input_is_one_line_and_exit_code_2(words, says):
    done = hil(*words)

    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
