"""A rehearsal states in its file that nothing real is behind its addresses; nobody assumes it."""

import re
import tomllib
from pathlib import Path

import pytest

from rig.benches.file import FOLDER, load_bench
from rig.benches.guarding import guardian_spec
from rig.benches.lab.asked import described
from rig.benches.lab.rehearsal import as_toml, with_addresses
from rig.errors import BenchFileError
from rig.safety.spec import Limits, Sense

DOORS = {
    name: f"TCPIP::127.0.0.1::{5025 + n}::SOCKET"
    for n, name in enumerate(("charger", "load", "daq", "chamber"))
}


def rehearsed(tmp_path: Path, **changed: str | bool) -> Path:
    """A rehearsal's file of the example lab, with some fields as given: `roles__daq__resource`."""
    text = with_addresses(load_bench("lab_example"), DOORS, tmp_path / "hub")
    content = tomllib.loads(text)
    for place, value in changed.items():
        *tables, field = place.split("__")
        table = content
        for name in tables:
            table = table[name]
        table[field] = value
    path = tmp_path / "twins.toml"
    path.write_text(as_toml(content), encoding="utf-8")
    return path


def latches_of(path: Path) -> tuple[str, ...]:
    file = load_bench(str(path))
    doors = {role: wired.resource for role, wired in file.roles.items()}
    return guardian_spec(file, doors, Path("report"), Sense(), Limits()).latches


def test_a_rehearsals_guardian_waits_for_nobody_after_a_trip(tmp_path):
    assert latches_of(rehearsed(tmp_path)) == ()


def test_the_same_file_without_its_statement_is_of_a_real_lab(tmp_path):
    path = rehearsed(tmp_path)
    path.write_text(path.read_text().replace("twins = true\n", ""))

    assert len(latches_of(path)) == 3


def test_the_record_of_a_rehearsal_says_that_it_is_one(tmp_path):
    assert "a rehearsal: everything on it is a twin" in described(
        load_bench(str(rehearsed(tmp_path)))
    )
    assert "rehearsal" not in described(load_bench("lab_example"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"roles__load__resource": "TCPIP::192.168.10.12::5025::SOCKET"},
            "roles.load.resource: 'TCPIP::192.168.10.12::5025::SOCKET' on a bench of twins; "
            "allowed: an address of this machine",
        ),
        ({"roles__daq__resource": "USB0::0x0957::0x0807::MY1::INSTR"}, "an address of this mach"),
        ({"roles__chamber__resource": "TCPIP::oven.lab::2049::SOCKET"}, "an address of this mach"),
        ({"can__private__interface": "pcan"}, "can.private.interface: 'pcan' on a bench of twins"),
        ({"bench__twins": False}, "bench.twins: False; allowed: true, or nothing for a real lab"),
        ({"bench__twins": "yes"}, "bench.twins: 'yes'; allowed: true"),
    ],
    ids=["lan", "usb", "name", "adapter", "false", "text"],
)
def test_a_statement_that_cannot_be_true_is_refused(tmp_path, changed, words):
    with pytest.raises(BenchFileError, match=re.escape(words)):
        load_bench(str(rehearsed(tmp_path, **changed)))


def test_a_bench_that_is_no_lab_has_no_such_statement(tmp_path):
    path = tmp_path / "sim.toml"
    text = (FOLDER / "sim.toml").read_text()
    path.write_text(text.replace("[bench]\n", "[bench]\ntwins = true\n"))

    with pytest.raises(BenchFileError, match=re.escape("bench.twins: is unknown; allowed: name")):
        load_bench(str(path))
