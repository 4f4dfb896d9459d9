"""A lab's bench has one user at a time, and who comes second is told by whom it is used."""

import os
import subprocess
import sys

import pytest

from rig.benches.file import load_bench
from rig.benches.lab import held as held_module
from rig.benches.lab.held import FOR_CHILDREN, BenchIsTaken, held, holders
from rig.benches.lab.rehearsal import with_addresses
from rig.file_lock import open_lock, take, write_holder

HOLD = """
import sys
from rig.benches.file import load_bench
from rig.benches.lab.held import held
with held(load_bench("lab_example")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _locks_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_LOCKS", str(tmp_path / "locks"))
    monkeypatch.delenv(FOR_CHILDREN, raising=False)


@pytest.fixture
def somebody():
    """Another process that works on the bench."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_who_comes_second_is_told_by_whom_the_bench_is_used(somebody):
    with (
        pytest.raises(BenchIsTaken, match=rf"roles\.charger .* process {somebody.pid}, ") as told,
        held(load_bench("lab_example")),
    ):
        pass

    assert "allowed: one run at a time" in str(told.value)


@pytest.mark.parametrize("text", ["", '{"process": 1}'], ids=["free", "left by a killed run"])
def test_who_only_looks_at_a_lock_keeps_no_run_from_it(monkeypatch, text):
    lab = load_bench("lab_example")
    looking = open_lock(held_module._path(lab.roles["charger"].resource), 0o666)
    write_holder(looking, text)
    assert take(looking)
    monkeypatch.setattr(held_module, "sleep", lambda _s: os.close(looking))

    with held(lab):
        pass


def test_who_looks_while_another_looks_sees_a_free_bench(monkeypatch):
    lab = load_bench("lab_example")
    looking = open_lock(held_module._path(lab.roles["charger"].resource), 0o666)
    assert take(looking)
    monkeypatch.setattr(held_module, "sleep", lambda _s: os.close(looking))

    assert set(holders(lab).values()) == {None}


def test_a_killed_user_locks_nobody_out(somebody):
    somebody.kill()
    somebody.wait()

    with held(load_bench("lab_example")):
        assert {holder.process for holder in holders(load_bench("lab_example")).values()} == {
            os.getpid()
        }


def test_another_bench_file_with_the_same_supply_is_refused(somebody, tmp_path):
    text = load_bench("lab_example").path.read_text()
    text = text.replace('"lab_example"', '"second"').replace("192.168.10.12", "192.168.10.99")
    (tmp_path / "second.toml").write_text(text)

    with (
        pytest.raises(
            BenchIsTaken, match=r"second\.toml: roles\.charger \(TCPIP::192\.168\.10\.11"
        ),
        held(load_bench(str(tmp_path / "second.toml"))),
    ):
        pass


def test_two_rehearsals_on_one_machine_do_not_exclude_each_other(tmp_path):
    lab, files = load_bench("lab_example"), []
    for first_port, name in ((5025, "one"), (6025, "two")):
        doors = {
            role: f"TCPIP::127.0.0.1::{first_port + n}::SOCKET" for n, role in enumerate(lab.roles)
        }
        files.append(tmp_path / f"{name}.toml")
        files[-1].write_text(with_addresses(lab, doors, tmp_path / name))

    with held(load_bench(str(files[0]))), held(load_bench(str(files[1]))):
        pass


def test_sessions_that_a_command_starts_work_on_the_bench_that_it_holds():
    with held(load_bench("lab_example")):
        child = subprocess.run(
            [sys.executable, "-c", HOLD], input="", capture_output=True, text=True, check=False
        )

    assert child.stdout == "held\n", child.stderr


def test_a_free_bench_is_free_again_afterwards():
    with held(load_bench("lab_example")):
        pass

    assert set(holders(load_bench("lab_example")).values()) == {None}


def test_a_bench_without_anything_real_needs_no_lock():
    with held(load_bench("sim")), held(load_bench("sim")):
        pass

    assert holders(load_bench("sim")) == {}


def test_what_holds_it_says_itself_is_not_believed_blindly(tmp_path, monkeypatch):
    monkeypatch.setenv(FOR_CHILDREN, "12345")

    with held(load_bench("lab_example")):
        told = [holder for holder in holders(load_bench("lab_example")).values() if holder]

    assert {(holder.bench, holder.process) for holder in told} == {("lab_example", os.getpid())}
