"""Mutants: small mistakes in the firmware, each in a copy of the tree, to be killed by scenarios.

What once was, the matrix tries; a mutant is what never was. It is killed if one of the scenarios
that its entry names fails by a claim about the device: an error of the rig is no kill.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.cells import Cell, newest_where_it_holds, write_cells
from rig.clock import wall_s
from rig.planning import ROOT, scenarios

MUTANTS = ROOT / "rig" / "proofs" / "mutants.toml"
COPIED = ("bms", "rig", "instruments", "reports", "scenarios", "conftest.py", "pyproject.toml")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*_cache", ".hypothesis")
LOOK_EVERY_S = 0.2


class BadMutant(ValueError):
    """An entry that cannot be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mistake, and the scenarios of which one has to see it."""

    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """As people read it."""
        new = self.new.strip() or "(nothing)"
        return f"{self.file}: {self.old.strip()} -> {new}"

    def applied(self, text: str) -> str:
        """The file's text with the mistake. Raises BadMutant unless there is one place for it."""
        if text.count(self.old) != 1:
            raise BadMutant(
                f"{self.name}: 'old' is there {text.count(self.old)} times; allowed: once"
            )
        mutated = text.replace(self.old, self.new)
        if ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(text)):
            raise BadMutant(f"{self.name}: no mistake; allowed: a 'new' that means something else")
        return mutated


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    killers: tuple[str, ...]  # the scenarios that failed by a claim
    strange: tuple[str, ...]  # what else happened, in words

    @property
    def killed(self) -> bool:
        """Whether a claim has seen it."""
        return bool(self.killers)


def load_mutants(path: Path = MUTANTS) -> tuple[Mutant, ...]:
    """All entries. Raises BadMutant for one whose scenarios are not there."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    found = tuple(
        Mutant(file=e["file"], old=e["old"], new=e["new"], killed_by=tuple(e["killed_by"]))
        for e in entries
    )
    known = scenarios()
    for mutant in found:
        missing = [item for item in mutant.killed_by if item not in known]
        if missing or not mutant.killed_by:
            raise BadMutant(f"{mutant.name}: killed_by {missing}; allowed: rows with a scenario")
    return found


def try_mutants(mutants: Sequence[Mutant], jobs: int) -> Iterator[Outcome]:
    """Try each in a copy of the tree, so many at once; their outcomes as they come."""
    for mutant in mutants:
        mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="hil-mutants-") as folder:
        idle = [_copy(Path(folder) / str(number)) for number in range(min(jobs, len(mutants)))]
        waiting, running = list(mutants), list[_Trial]()
        while waiting or running:
            while waiting and idle:
                running.append(_Trial(waiting.pop(0), idle.pop()))
            for trial in [one for one in running if one.has_ended()]:
                running.remove(trial)
                idle.append(trial.tree)
                yield trial.outcome()


def _copy(tree: Path) -> Path:
    tree.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=LEFT_BEHIND)
        else:
            shutil.copyfile(source, tree / name)
    return tree


class _Trial:
    """One mutant under its scenarios, in a session of pytest within a copy of the tree."""

    def __init__(self, mutant: Mutant, tree: Path) -> None:
        self.mutant, self.tree = mutant, tree
        self._file = tree / mutant.file
        self._sound = self._file.read_text(encoding="utf-8")
        self._file.write_text(mutant.applied(self._sound), encoding="utf-8")
        self._squares, self._log = tree / "squares.jsonl", tree / "log"
        self._squares.write_text("", encoding="utf-8")
        cells = [Cell(item=i, firmware=str(newest_where_it_holds(i))) for i in mutant.killed_by]
        write_cells(tree / "cells.json", cells)
        paths = [scenarios()[item].relative for item in mutant.killed_by]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-record"]
        command += ["--cells", "cells.json", "--cells-out", self._squares.name, *paths]
        # What is written within a second of the last time must not be taken from an old cache.
        quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
        with self._log.open("wb") as log:
            self._session = subprocess.Popen(
                command, cwd=tree, stdout=log, stderr=subprocess.STDOUT, env=quiet
            )

    def has_ended(self) -> bool:
        """Whether it has, after a moment's wait."""
        try:
            self._session.wait(LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            return False
        self._file.write_text(self._sound, encoding="utf-8")
        return True

    def outcome(self) -> Outcome:
        """Who saw it."""
        lines = self._squares.read_text(encoding="utf-8").splitlines()
        squares = [json.loads(line) for line in lines]
        killers = {s["item"] for s in squares if s["measured"] is False}
        strange = {f"{s['item']}: {s['reason']}" for s in squares if isinstance(s["measured"], str)}
        if not squares:
            strange.add(self._log.read_text(encoding="utf-8", errors="replace")[-300:])
        return Outcome(
            mutant=self.mutant, killers=tuple(sorted(killers)), strange=tuple(sorted(strange))
        )


def mutants(
    of: Annotated[
        list[str] | None, typer.Option("--of", help="Only those whose file or text has this.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")
    ] = None,
) -> None:
    """Try small mistakes in the firmware: each has to be seen by a scenario."""
    out = Console()
    wanted = [m for m in load_mutants() if not of or any(text in m.name for text in of)]
    if not wanted:
        files = ", ".join(sorted({mutant.file for mutant in load_mutants()}))
        raise typer.BadParameter(f"none has {' or '.join(of or ())}; files: {files}")
    survivors, strange, began_s = 0, 0, wall_s()
    for outcome in try_mutants(wanted, jobs or os.cpu_count() or 1):
        survivors += not outcome.killed
        fate = f"killed by {', '.join(outcome.killers)}" if outcome.killed else "SURVIVES"
        out.print(f"{fate}: {outcome.mutant.name}", markup=False, highlight=False, soft_wrap=True)
        strange += bool(outcome.strange)
        for what in outcome.strange:
            out.print(f"  but {what}", markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{len(wanted) - survivors} of {len(wanted)} mutants killed, {strange} with something "
        f"strange, in {wall_s() - began_s:.0f} s"
    )
    raise typer.Exit(1 if survivors else 0)
