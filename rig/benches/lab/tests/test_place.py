"""A bench as a place of a labgrid coordinator: taken, told, given back, looked at after a crash.

The same claims are tried on a small stand-in for labgrid's program and, where that is, on the real
one with a real coordinator on this machine.
"""

import json
import os
import shutil
import signal
import socket  # noqa: TID251 - to find a free port
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rig.benches.file import load_bench
from rig.benches.lab import held as held_module
from rig.benches.lab import place as place_module
from rig.benches.lab.facts import LabPlace
from rig.benches.lab.held import FOR_CHILDREN, held
from rig.benches.lab.place import OURS, PlaceIsTaken, PlaceState, acquired, state_of
from rig.benches.lab.rehearsal import with_addresses
from rig.commands.bench import bench_app
from rig.errors import BenchFileError

# What labgrid-client does with a place, as far as a run asks it to: words and exit codes are its.
STAND_IN = """#!{python}
import json, os, platform, sys, getpass
from pathlib import Path
_, _, coordinator, _, name, *words = sys.argv
file = Path({state!r})
def fail(text):
    sys.exit("labgrid-client: " + text)
if coordinator != "127.0.0.1:20408":
    fail("Server error: Error: Could not connect to coordinator")
places = json.loads(file.read_text())
if name not in places:
    fail("Error: place pattern " + name + " matches nothing")
place = places[name]
me = os.environ.get("LG_HOSTNAME", platform.node())
me += "/" + os.environ.get("LG_USERNAME", getpass.getuser())
match words[0]:
    case "show":
        print("Place '" + name + "':")
        if place["tags"]:
            print("  tags: " + ", ".join(k + "=" + v for k, v in place["tags"].items()))
        print("  matches:\\n  acquired: " + str(place["owner"]) + "\\n  acquired resources:")
    case "acquire":
        if place["owner"]:
            fail("Error: Place " + name + " is already acquired by " + place["owner"])
        place["owner"] = me
    case "release":
        if not place["owner"]:
            fail("Error: place " + name + " is not acquired")
        place["owner"] = None
    case "set-tags":
        key, value = words[1].split("=")
        place["tags"].pop(key, None)
        place["tags"].update({{key: value}} if value else {{}})
file.write_text(json.dumps(places))
"""
HOLD = """
import sys
from pathlib import Path
from rig.benches.lab.facts import LabPlace
from rig.benches.lab.place import acquired
with acquired(LabPlace(coordinator=sys.argv[1], name="bay1"), Path("first.toml"), lambda: ""):
    print("acquired", flush=True)
    sys.stdin.read()
"""
BAY = Path("bay.toml")


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> LabPlace:
    """The stand-in on PATH, with one place."""
    state = folder / "places.json"
    state.write_text(json.dumps({"bay1": {"owner": None, "tags": {}}}))
    program = folder / "bin" / "labgrid-client"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, state=str(state)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return LabPlace(coordinator="127.0.0.1:20408", name="bay1")


def real(folder: Path) -> Iterator[LabPlace]:
    """A real coordinator on this machine, with one place."""
    found = shutil.which("labgrid-coordinator") or str(OURS.with_name("labgrid-coordinator"))
    if not Path(found).is_file():
        pytest.skip("labgrid is not installed: make labgrid")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen([found, "-l", address], cwd=folder, stderr=subprocess.DEVNULL) as running:
        try:
            place, client = LabPlace(coordinator=address, name="bay1"), Path(found).parent
            words = [str(client / "labgrid-client"), "-x", address, "-p", "bay1", "create"]
            for _ in range(60):
                if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.5)  # noqa: TID251 - a process, on the wall clock
            yield place
        finally:
            running.kill()


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.independent)])
def place(request, tmp_path, monkeypatch) -> Iterator[LabPlace]:
    if request.param == "real":
        yield from real(tmp_path)
    else:
        yield stand_in(tmp_path, monkeypatch)


@pytest.fixture
def bay1(tmp_path, monkeypatch) -> LabPlace:
    return stand_in(tmp_path, monkeypatch)


class Somebody:
    """A run in another process, of another user unless it is ours."""

    def __init__(self, place: LabPlace, **env: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLD, place.coordinator],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "acquired\n"

    def crashes(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def test_a_run_has_the_place_until_its_end(place):
    with acquired(place, BAY, lambda: "never asked"):
        during = state_of(place)

    assert f"_{os.getpid()}_" in during.run
    assert during.owner.count("/") == 1
    assert state_of(place) == PlaceState(owner="", run="")


def test_who_comes_second_is_told_who_has_the_place(place):
    somebody = Somebody(place, LG_HOSTNAME="bench-pc", LG_USERNAME="ann")

    with (
        pytest.raises(PlaceIsTaken, match=r"'bay1' at 127\.0\.\S+ is acquired by bench-pc/ann"),
        acquired(place, BAY, lambda: ""),
    ):
        pass

    somebody.crashes()


def test_after_a_crash_the_place_is_reclaimed_when_nothing_is_wrong_with_the_bench(place):
    Somebody(place).crashes()
    left, looked = state_of(place), []

    with acquired(place, BAY, lambda: looked.append("looked") or ""):
        during = state_of(place)

    assert looked == ["looked"]
    assert during.owner == left.owner
    assert during.run != left.run
    assert state_of(place) == PlaceState(owner="", run="")


def test_after_a_crash_a_bench_with_a_fault_is_refused_by_name_and_stays_so(bay1):
    Somebody(bay1).crashes()
    left = state_of(bay1).run

    for _ in range(2):
        with (
            pytest.raises(BenchFileError, match=r"not end .*: voltages: 3 V apart; allowed: hil"),
            acquired(bay1, BAY, lambda: "voltages: 3 V apart"),
        ):
            pytest.fail("it was used")

    assert state_of(bay1) == PlaceState(owner="", run=left)


def test_a_check_of_the_bench_itself_makes_it_good_again(bay1):
    Somebody(bay1).crashes()

    with acquired(bay1, BAY, None) as stay:
        stay.prove()

    assert state_of(bay1).run == ""


def test_a_check_that_finds_something_leaves_it_as_it_was(bay1):
    Somebody(bay1).crashes()
    left = state_of(bay1).run

    with acquired(bay1, BAY, None):
        pass

    assert state_of(bay1) == PlaceState(owner="", run=left)


def test_another_run_of_the_same_user_that_goes_on_is_no_crash(bay1):
    somebody = Somebody(bay1)

    with pytest.raises(PlaceIsTaken, match="is acquired by"), acquired(bay1, BAY, lambda: ""):
        pass

    somebody.crashes()


def test_a_place_that_its_user_has_acquired_by_hand_is_used_and_stays_acquired(bay1):
    command = ["labgrid-client", "-x", bay1.coordinator, "-p", "bay1", "acquire"]
    subprocess.run(command, check=True)

    with acquired(bay1, BAY, lambda: "never asked"):
        pass

    state = state_of(bay1)
    assert state.owner != ""
    assert state.run == ""


def test_what_was_acquired_by_hand_stays_so_over_a_run_that_crashed(bay1):
    command = ["labgrid-client", "-x", bay1.coordinator, "-p", "bay1", "acquire"]
    subprocess.run(command, check=True)
    Somebody(bay1).crashes()

    with acquired(bay1, BAY, lambda: ""):
        pass

    state = state_of(bay1)
    assert state.owner != ""
    assert state.run == ""


@pytest.mark.parametrize(
    ("process", "since", "alive"),
    [
        ("ours", "20990101000000", False),
        ("1", "20000101000000", False),  # it is younger than the tag: another's number
        ("1", "20990101000000", True),
        ("parent", "20000101000000", False),
        ("parent", "20990101000000", True),
        ("999999999", "20990101000000", False),
    ],
)
def test_a_tagged_run_lives_if_a_process_of_its_number_is_as_old_as_the_tag(process, since, alive):
    number = {"ours": os.getpid(), "parent": os.getppid()}.get(process, process)

    for hand in ("", "_hand"):
        assert place_module._is_alive(f"{place_module._host()}_{number}_{since}{hand}") is alive


def test_ctrl_c_gives_the_place_back(bay1):
    with pytest.raises(KeyboardInterrupt), acquired(bay1, BAY, lambda: ""):
        raise KeyboardInterrupt

    assert state_of(bay1) == PlaceState(owner="", run="")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (LabPlace(coordinator="127.0.0.1:20408", name="bay9"), "'bay9' at .* matches nothing"),
        (LabPlace(coordinator="127.0.0.1:9", name="bay1"), "Could not connect to coordinator"),
    ],
    ids=["place", "coordinator"],
)
def test_what_is_not_there_is_said_in_one_line(bay1, place, words):
    with pytest.raises(BenchFileError, match=words):
        state_of(place)


def test_without_labgrid_a_bench_with_a_place_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("rig.benches.lab.place.OURS", tmp_path / "labgrid-client")

    with pytest.raises(BenchFileError, match="labgrid-client is not here; allowed: the extra"):
        state_of(LabPlace(coordinator="127.0.0.1:20408", name="bay1"))


# In a bench file


def lab_at(folder: Path, coordinator: str = "127.0.0.1:20408", name: str = "bay1") -> Path:
    """The example lab, as a place."""
    text = load_bench("lab_example").path.read_text()
    path = folder / "bay.toml"
    path.write_text(f'{text}\n[place]\ncoordinator = "{coordinator}"\nname = "{name}"\n')
    return path


@pytest.fixture
def _own_locks(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_LOCKS", str(tmp_path / "locks"))
    monkeypatch.delenv(FOR_CHILDREN, raising=False)


@pytest.mark.usefixtures("_own_locks")
def test_whoever_holds_the_bench_has_its_place(bay1, tmp_path):
    bench = load_bench(str(lab_at(tmp_path)))

    with held(bench):
        during = state_of(bay1)

    assert during.owner != ""
    assert state_of(bay1).owner == ""


@pytest.mark.usefixtures("_own_locks")
def test_a_bench_whose_last_run_did_not_end_is_walked_round_before_it_is_held(
    bay1, tmp_path, monkeypatch
):
    bench = load_bench(str(lab_at(tmp_path)))
    Somebody(bay1).crashes()
    monkeypatch.setattr(held_module, "_first_finding", lambda file: f"{file.name}: the load is on")

    with pytest.raises(BenchFileError, match="lab_example: the load is on"), held(bench):
        pytest.fail("it was used")


@pytest.mark.usefixtures("_own_locks")
def test_bench_lock_tells_who_has_the_place(bay1, tmp_path):
    Somebody(bay1, LG_HOSTNAME="bench-pc", LG_USERNAME="ann").crashes()

    told = CliRunner().invoke(bench_app, ["lock", str(lab_at(tmp_path)), "--json"])

    assert told.exit_code == 1
    assert json.loads(told.output)["place"]["owner"] == "bench-pc/ann"


def test_a_rehearsal_takes_no_place_from_anybody(tmp_path):
    bench = load_bench(str(lab_at(tmp_path)))
    doors = {role: f"TCPIP::127.0.0.1::{n}::SOCKET" for n, role in enumerate(bench.roles, 5025)}
    (tmp_path / "twins.toml").write_text(with_addresses(bench, doors, tmp_path / "hub"))

    lab = load_bench(str(tmp_path / "twins.toml")).lab

    assert lab is not None
    assert lab.place is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"coordinator": "lab-pc"}, r"place\.coordinator: 'lab-pc'; allowed: host:port"),
        ({"name": "bay*"}, r"place\.name: 'bay\*'; allowed: the name of one place"),
    ],
    ids=["no port", "pattern"],
)
def test_a_place_that_names_none_is_refused(tmp_path, given, words):
    with pytest.raises(BenchFileError, match=words):
        load_bench(str(lab_at(tmp_path, **given)))
