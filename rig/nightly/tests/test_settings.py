import pytest

from rig.errors import BenchFileError
from rig.nightly.settings import read_settings, refuse_changes, sources, write_settings
from rig.nightly.tests.conftest import settings
from rig.recording import Quarantine

HELD = Quarantine(
    owner="J. Doe", reason="trips", since="2026-11-01", expires="2026-12-01", ticket="L-3"
)


@pytest.mark.parametrize(
    "given",
    [
        settings(),
        settings(
            only=("v1.08-04",),
            until_ms=1_000,
            window="22:00-06:00",
            quarantine={"v1.08-04": HELD},
            expected_s={"v1.08-04": 2.5},
            sources={"bms/master.py": "ab"},
            jobs=None,
        ),
    ],
    ids=["usual", "full"],
)
def test_settings_come_back_as_they_were_written(tmp_path, given):
    write_settings(tmp_path, given)

    assert read_settings(tmp_path) == given


def test_a_folder_without_a_night_is_told(tmp_path):
    with pytest.raises(BenchFileError, match="no night was begun here"):
        read_settings(tmp_path)


@pytest.fixture
def tree(tmp_path):
    for path in ("bms/master.py", "rig/bench.py", "scenarios/v1_08/test_04_x.py", "bench.toml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("bms/master.py", "bms/master.py"),
        ("scenarios/v1_08/test_04_x.py", "scenarios/v1_08/test_04_x.py"),
        ("bench.toml", "bench bench.toml"),
    ],
    ids=["firmware", "scenario", "bench"],
)
def test_a_change_since_the_plan_was_frozen_is_refused_by_name(tree, path, named):
    was = sources(tree / "bench.toml", tree)
    (tree / path).write_text("2")

    with pytest.raises(BenchFileError, match=f"since its plan was frozen: {named};"):
        refuse_changes(tree, was, sources(tree / "bench.toml", tree))


def test_a_file_more_or_less_is_a_change_too(tree):
    was = sources(tree / "bench.toml", tree)
    (tree / "rig" / "new.py").write_text("")
    (tree / "rig" / "bench.py").unlink()

    with pytest.raises(BenchFileError, match=r"frozen: rig/bench\.py, rig/new\.py;"):
        refuse_changes(tree, was, sources(tree / "bench.toml", tree))


def test_tests_of_the_tree_are_no_part_of_a_run(tree):
    was = sources(tree / "bench.toml", tree)
    (tree / "rig" / "tests").mkdir()
    (tree / "rig" / "tests" / "test_it.py").write_text("")

    refuse_changes(tree, was, sources(tree / "bench.toml", tree))
