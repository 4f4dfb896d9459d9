"""The examples in deploy/ call a command that is there, with options that it has."""

import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import typer
import typer.main

from rig.cli import app
from rig.errors import BenchFileError
from rig.nightly.quarantine import read_quarantine

DEPLOY = Path(__file__).parents[3] / "deploy"
CALLERS = (
    "hil-nightly.service",
    "hil-nightly-resume.service",
    "gitlab-ci.yml",
    "Jenkinsfile",
    "README.md",
)


def calls(name):
    """Every `hil nightly ...` of a file, with its continuation lines."""
    text = (DEPLOY / name).read_text().replace("\\\n", " ")
    text = re.sub(r"\n +(--)", r" \1", text)
    return [found.split() for found in re.findall(r"bin/hil (nightly [^\n`>]+)", text)]


@pytest.mark.parametrize("name", [name for name in CALLERS if name != "README.md"])
def test_an_example_calls_nightly_with_options_that_it_has(name):
    command = typer.main.get_command(app).commands["nightly"]
    known = {option for parameter in command.params for option in parameter.opts}

    found = calls(name)

    assert found
    for words in found:
        context = command.make_context("nightly", words[1:], resilient_parsing=False)
        assert context.params["bench"] == "/etc/hil/bench.toml"
        assert {word for word in words if word.startswith("--")} <= known
        assert context.params["resume"] in {"auto", "last"}


def test_an_option_that_is_not_there_would_be_noticed():
    command = typer.main.get_command(app).commands["nightly"]

    with pytest.raises(typer.BadParameter.__bases__[0], match="--retry"):
        command.make_context("nightly", ["sim", "--retry", "1"])


@pytest.mark.parametrize("name", ["hil-nightly.service", "hil-nightly-resume.service"])
def test_a_service_goes_on_after_a_kill_and_not_after_a_result(name):
    text = (DEPLOY / name).read_text()

    assert "Restart=on-failure" in text
    assert "RestartPreventExitStatus=1 2 3 130" in text
    assert "KillMode=process" in text


def test_the_timer_makes_up_for_a_start_that_was_missed():
    assert "Persistent=true" in (DEPLOY / "hil-nightly.timer").read_text()


def test_the_quarantine_example_is_one_once_it_is_no_comment(tmp_path):
    lines = (DEPLOY / "quarantine.toml").read_text().splitlines()
    entry = [line[2:] for line in lines if re.match(r"# (\[\[|\w+ = )", line)]
    path = tmp_path / "quarantine.toml"
    path.write_text("\n".join(entry))

    found = read_quarantine(path, ["v1.30-04"], date(2026, 11, 22))

    assert list(found.entries) == ["v1.30-04"]
    with pytest.raises(BenchFileError):
        read_quarantine(path, ["v1.08-04"], date(2026, 11, 22))


@pytest.mark.independent
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze: not here")
def test_systemd_takes_the_units(tmp_path):
    for path in DEPLOY.glob("hil-*"):
        unit = path.read_text().replace("/opt/hil/.venv/bin/hil", sys.executable)
        (tmp_path / path.name).write_text(unit)

    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.glob("hil-*")))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.strip()) == (0, "")
