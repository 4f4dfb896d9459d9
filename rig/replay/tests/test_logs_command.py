"""`hil log show`, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rig.commands.logs import log_app
from rig.replay.log import LogError
from rig.replay.tests.samples import written


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(log_app, ["show", *map(str, arguments)], catch_exceptions=True)


def test_a_log_is_told_in_lines(tmp_path: Path) -> None:
    result = run(written(tmp_path, "blf"))

    assert result.exit_code == 0
    assert "40 frames in 0.975 s, BLF" in result.stdout
    assert "bus 1: ve_can, 23 frames" in result.stdout
    assert "DUT: address 0x50 of bus 1" in result.stdout


def test_a_log_is_told_to_a_machine(tmp_path: Path) -> None:
    result = run(written(tmp_path, "log"), "--json")

    content = json.loads(result.stdout)
    assert [(bus["name"], bus["role"]) for bus in content["buses"]] == [
        ("can0", "ve_can"),
        ("can1", "private"),
    ]


def test_a_page_is_written_beside_what_is_told(tmp_path: Path) -> None:
    page = tmp_path / "a.html"

    result = run(written(tmp_path, "log"), "--html", page)

    assert f"page: {page}" in result.stdout
    assert "sample.log" in page.read_text(encoding="utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.html", "sample.log"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bus", "can0"], "--bus can0: allowed: NAME=ROLE, ROLE one of ve_can, private"),
        (["--bus", "can7=private"], "--bus can7: no such bus in the log; allowed: can0, can1"),
        (["--html", "a.pdf"], "--html a.pdf: allowed: a name that ends in .html"),
        (["--dbc", "none.dbc"], "--dbc none.dbc: No such file or directory; allowed: a DBC file"),
    ],
    ids=["no role", "no bus", "no page", "no dbc"],
)
def test_a_wrong_option_is_refused_in_one_line(
    options: list[str], said: str, tmp_path: Path
) -> None:
    result = run(written(tmp_path, "log"), *options)

    assert isinstance(result.exception, LogError)
    assert said in str(result.exception)


def test_what_is_no_log_ends_with_code_2_and_one_line(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all\n", encoding="ascii")

    done = subprocess.run(
        [sys.executable, "-m", "rig.cli", "log", "show", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "letter.txt: no log that is known; allowed: candump" in done.stderr
