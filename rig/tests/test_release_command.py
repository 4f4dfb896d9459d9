"""`hil release new` lays a release down on a copy of the tree, and a skeleton never passes."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rig import cli

ROOT = Path(__file__).parents[2]
TEXTS = ("bms/data/catalogue.toml", "bms/releases/__init__.py")
LIST = """
# Made up.
updated | contactor | The contactor opens 4 s after a protective open request; before, after 5 s.
known-issue | fans | The fan's "economic" strategy is forgotten \\ when the supply is cut.
added | fans | {long}
""".replace("{long}", "The fan of each battery runs on after a discharge, " * 4 + "for 30 s.")


@pytest.fixture
def tree(tmp_path):
    """What the command reads of a tree, and nothing else."""
    for name in TEXTS:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "tree" / name)
    (tmp_path / "tree" / "scenarios").mkdir()
    (tmp_path / "tree" / "rig").mkdir()
    (tmp_path / "tree" / "rig" / "__init__.py").touch()  # ruff sorts its imports as ours
    return tmp_path / "tree"


@pytest.fixture
def hil(monkeypatch, capsys, tree, tmp_path):
    def call(release, text, name="list.txt", *more):
        (tmp_path / name).write_text(text)
        arguments = ["release", "new", release, "--from", tmp_path / name, "--folder", tree, *more]
        monkeypatch.setattr("sys.argv", ["hil", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def files_of(tree):
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


def rows_of(tree):
    return tomllib.loads((tree / TEXTS[0]).read_text())["item"]


def test_a_statement_becomes_a_row_a_change_and_a_scenario(hil, tree):
    code, out, _ = hil("1.39", LIST, "list.txt", "--date", "2026-11-30")

    release = (tree / "bms/releases/v1_39.py").read_text()
    scenario = "scenarios/v1_39/test_01_contactor_opens_4_s_after.py"
    assert code == 0
    assert scenario in out
    assert 'item="v1.39-01"' in (tree / scenario).read_text() + release
    assert 'date="2026-11-30"' in release
    assert "    v1_38.RELEASE,\n    v1_39.RELEASE,\n)" in (tree / TEXTS[1]).read_text()


def test_rows_stand_after_the_older_ones_and_before_the_remarks_with_defects_last(hil, tree):
    before = [row["id"] for row in rows_of(tree)]
    hil("1.39", LIST)

    new = ["v1.39-01", "v1.39-02", "v1.39-K1"]
    general = [id_ for id_ in before if id_.startswith("general")]
    assert [row["id"] for row in rows_of(tree)] == [*before[: -len(general)], *new, *general]


def test_a_statement_is_kept_letter_by_letter(hil, tree):
    hil("1.39", LIST)

    told = {row["id"]: row["statement"] for row in rows_of(tree)}
    assert told["v1.39-K1"] == (
        """The fan's "economic" strategy is forgotten \\ when the supply is cut."""
    )
    assert told["v1.39-02"].startswith("The fan of each battery runs on after a discharge, The fan")


def test_what_is_laid_down_is_clean(hil, tree):
    hil("1.39", LIST)

    for command in (["check", "--no-cache"], ["format", "--no-cache", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml")]
        done = subprocess.run(
            [*ruff, "bms/releases/v1_39.py", "scenarios/v1_39"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_a_release_that_is_there_is_not_laid_down_again(hil, tree):
    hil("1.39", LIST)
    before = files_of(tree)

    code, _, err = hil("1.39", LIST)

    assert (code, files_of(tree)) == (2, before)
    assert "release 1.39: the tree has releases up to 1.39; allowed: a newer one" in err


def test_a_file_that_is_there_is_not_overwritten(hil, tree):
    (tree / "bms/releases/v1_39.py").write_text("mine\n")
    before = files_of(tree)

    code, _, err = hil("1.39", LIST)

    assert (code, files_of(tree)) == (2, before)
    assert "v1_39.py: is there; nothing was overwritten" in err


TOML = '[[statement]]\nkind = "added"\narea = "fans"\nstatement = "The fan is louder."\n'


def test_a_toml_list_gives_class_basis_and_name(hil, tree):
    hil("1.40", TOML + 'class = "specified"\nbasis = "stated"\nname = "loud"\n', "list.toml")

    row = next(row for row in rows_of(tree) if row["id"] == "v1.40-01")
    assert (row["class"], row["basis"]) == ("specified", "stated")
    assert "class Loud(Change" in (tree / "bms/releases/v1_40.py").read_text()
    assert (tree / "scenarios/v1_40/test_01_loud.py").is_file()


BAD = {
    "no separator": ("1.39", "The fan is louder.\n", "list.txt", "line 1", "kind | area"),
    "kind": (
        "1.39",
        "new | fans | The fan is louder.\n",
        "list.txt",
        "line 1: kind",
        "known-issue",
    ),
    "area": (
        "1.39",
        "added | The Fan | The fan is louder.\n",
        "list.txt",
        "line 1: area",
        "hyphens",
    ),
    "statement": ("1.39", "added | fans | louder\n", "list.txt", "line 1: statement", "a sentence"),
    "twice": (
        "1.39",
        "added | fans | The fan is louder.\nadded | fan | The fan is louder.\n",
        "list.txt",
        "line 2: the same statement as line 1",
        "once",
    ),
    "nothing": ("1.39", "# nothing\n", "list.txt", "list.txt: holds no statement", "kind | area"),
    "no TOML": ("1.39", "[[statement]\n", "list.toml", "list.toml: ", "allowed: TOML"),
    "another table": ("1.39", "[[row]]\n", "list.toml", "list.toml: row", "[[statement]] only"),
    "another field": ("1.39", TOML + "colour = 1\n", "list.toml", "statement 1", "kind, area"),
    "class": ("1.39", TOML + 'class = "vague"\n', "list.toml", "statement 1: class", "silent"),
    "name": ("1.39", TOML + 'name = "A b"\n', "list.toml", "statement 1: name", "underscores"),
    "no release": ("new", "added | fans | The fan is louder.\n", "list.txt", "'new'", "1.38"),
    "older": ("1.20", "added | fans | The fan is louder.\n", "list.txt", "release 1.20", "newer"),
}


@pytest.mark.parametrize(("release", "text", "name", "where", "allowed"), BAD.values(), ids=BAD)
def test_a_bad_list_is_one_line_and_changes_nothing(hil, tree, release, text, name, where, allowed):
    before = files_of(tree)

    code, _, err = hil(release, text, name)

    assert (code, len(err.splitlines()), files_of(tree)) == (2, 1, before)
    assert where in err
    assert allowed in err


def test_a_bad_day_is_refused(hil):
    assert hil("1.39", LIST, "list.txt", "--date", "soon")[0] == 2


def test_what_is_no_tree_is_refused(hil, tree):
    (tree / TEXTS[0]).unlink()

    code, _, err = hil("1.39", LIST)

    assert code == 2
    assert "no tree of the project" in err


@pytest.fixture(scope="module")
def next_tree(tmp_path_factory):
    """The whole project with a release 1.39 of skeletons."""
    folder = tmp_path_factory.mktemp("next") / "tree"
    folder.mkdir()
    ignored = shutil.ignore_patterns("tests", "__pycache__", "adr")
    for name in ("bms", "rig", "instruments", "reports", "scenarios"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "list.txt").write_text(LIST)
    in_tree(folder, "release", "new", "1.39", "--from", "list.txt", "--folder", ".")
    return folder


def in_tree(folder, *arguments):
    command = [sys.executable, "-m", "rig.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_skeleton_explains_itself(next_tree):
    code, said = in_tree(next_tree, "explain", "v1.39-01")

    assert code == 0
    assert "holds on: 1.39" in said
    assert "a skeleton: its deltas are not written" in said


def test_a_skeleton_is_not_run_and_makes_a_strict_run_fail(next_tree):
    arguments = ["qualify", "--firmware", "1.39", "--only", "v1.39-01", "--strict"]
    code, said = in_tree(next_tree, *arguments, "--out", "run")

    verdicts = json.loads((next_tree / "run" / "verdicts.json").read_text())["items"]
    row = next(row for row in verdicts if row["id"] == "v1.39-01")
    assert code == 1, said
    assert row["verdict"] == "NOT RUN"
    assert row["reason"] == "skeleton: claim what the row says, with expect(...)"
