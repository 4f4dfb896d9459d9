"""What a change can touch: its own row, the rows that import it, every row, or none."""

import shutil
from pathlib import Path

import pytest

from rig import planning, unchanged
from rig.benches.file import load_bench
from rig.commands import since
from rig.recording import EarlierRun

PLUGIN_IMPORTS = (
    "from bms.rooms import contactor\n\n\ndef build():\n    from rig.bench import Bench\n"
)
TREE = {
    "conftest.py": "",
    "requirements.lock": "numpy==1\n",
    "README.md": "",
    "bms/__init__.py": "",
    "bms/rooms/__init__.py": "",
    "bms/rooms/contactor.py": "from bms import timing\n",
    "bms/timing.py": "",
    "bms/data/limits.toml": "",
    "bms/data/catalogue.toml": "",
    "bms/tests/test_contactor.py": "",
    "bms/host/command.py": "",
    "instruments/drivers/supply.py": "",
    "instruments/tests/test_supply.py": "",
    "rig/__init__.py": "",
    "rig/bench.py": "",
    "rig/plugin.py": PLUGIN_IMPORTS,
    "rig/plant/native/kernel.c": "",
    "rig/plant/native/kernel-9d0da5f5d2f3.so": "",
    "rig/can/dbc/general.dbc": "",
    "rig/commands/release.py": "",
    "rig/benches/lab.toml": "",
    "reports/page.py": "",
    "scenarios/__init__.py": "",
    "scenarios/procedures/__init__.py": "",
    "scenarios/procedures/starting.py": "",
    "scenarios/v1_08/test_04_delay.py": "from scenarios.procedures import starting\n",
    "scenarios/v1_24/test_01_hardware.py": "import pytest\n",
}
ROWS = {"v1.08-04": "1.38", "v1.24-01": "1.38"}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(unchanged, "ROOT", tmp_path)
    monkeypatch.setattr(planning, "ROOT", tmp_path)
    monkeypatch.setattr(planning, "SCENARIOS", tmp_path / "scenarios")
    return tmp_path


def hashes(judged_on=ROWS, bench_sha256="ab", seed=1):
    for remembered in (unchanged._sha256, unchanged._imports, unchanged._data):
        remembered.cache_clear()
    return unchanged.inputs_of(judged_on, bench_sha256, seed)


def differing(before, after):
    return {row for row in before | after if before.get(row) != after.get(row)}


TOUCHED = {
    "scenarios/v1_08/test_04_delay.py": {"v1.08-04"},
    "scenarios/procedures/starting.py": {"v1.08-04"},
    "bms/timing.py": set(ROWS),
    "bms/data/limits.toml": set(ROWS),
    "rig/bench.py": set(ROWS),
    "rig/can/dbc/general.dbc": set(ROWS),
    "instruments/drivers/supply.py": set(ROWS),
    "rig/plant/native/kernel.c": set(ROWS),
    "rig/plant/native/kernel-9d0da5f5d2f3.so": set(),  # each machine has its own compiler
    "conftest.py": set(ROWS),
    "requirements.lock": set(ROWS),
    "bms/data/catalogue.toml": set(),
    "bms/host/command.py": set(),
    "bms/tests/test_contactor.py": set(),
    "instruments/tests/test_supply.py": set(),
    "reports/page.py": set(),
    "rig/benches/lab.toml": set(),
    "rig/commands/release.py": set(),
    "README.md": set(),
}


@pytest.mark.parametrize(("path", "rows"), TOUCHED.items(), ids=TOUCHED)
def test_a_change_touches(tree: Path, path: str, rows: set[str]) -> None:
    before = hashes()
    with (tree / path).open("a") as file:
        file.write("# another line\n")

    assert differing(before, hashes()) == rows


def test_a_new_file_that_is_imported_touches_whoever_imports_it(tree: Path) -> None:
    (tree / "scenarios/v1_24/test_01_hardware.py").write_text("from scenarios import hardware\n")
    before = hashes()
    (tree / "scenarios/hardware.py").write_text("")

    assert differing(before, hashes()) == {"v1.24-01"}


@pytest.mark.parametrize(
    "given",
    [{"seed": 2}, {"bench_sha256": "cd"}, {"judged_on": dict.fromkeys(ROWS, "1.37")}],
    ids=["seed", "bench", "release"],
)
def test_what_the_run_was_given_touches_every_row(tree: Path, given: dict[str, object]) -> None:
    assert differing(hashes(), hashes(**given)) == set(ROWS)


def test_where_the_tree_stands_touches_nothing(tree: Path, tmp_path, monkeypatch) -> None:
    before = hashes()
    elsewhere = shutil.copytree(tree, tmp_path / "elsewhere")
    monkeypatch.setattr(unchanged, "ROOT", elsewhere)
    monkeypatch.setattr(planning, "SCENARIOS", elsewhere / "scenarios")

    assert hashes() == before


def test_a_row_that_is_judged_on_no_release_has_no_hash(tree: Path) -> None:
    assert hashes(judged_on={"v1.08-04": None, "v1.24-01": "1.38"}).keys() == {"v1.24-01"}


def test_where_everything_may_have_been_touched_the_run_is_a_whole_one(monkeypatch, capsys):
    earlier = EarlierRun(run="monday", manifest_sha256="ab" * 32)
    nothing = unchanged.Carried(earlier=earlier, rows=frozenset())
    monkeypatch.setattr(since, "carried_from", lambda *_, **__: nothing)
    selected = dict.fromkeys(ROWS)

    found = since.not_again(Path("monday"), selected, load_bench("sim"), "1.38", 1)

    assert found == (None, selected)
    assert "PARTIAL" not in capsys.readouterr().out
