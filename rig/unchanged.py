"""What a row's verdict can depend on, as one hash: while it is the same, nothing new can show.

In virtual time an attempt is a function of its sources. Imports decide whose contents count: the
scenario and all that it imports, the plugin that runs it and all that this imports (bench, plant,
firmware), every instrument, the data beside them, the bench's file, the versions of what is
installed, Python, seed, the release that the row is judged on, and of the catalogue the row itself.
What none of them imports (reports, commands, tests, texts) cannot touch a verdict. A finer rule,
by which room a scenario exercised, would have to be believed; this one can be checked (ADR 26).
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bms.catalogue import Item, catalogue
from rig.errors import BenchFileError
from rig.planning import ROOT, scenarios
from rig.recording import EarlierRun, RunRecord, Verdict, canonical_json, sha256_of, verify_record

OURS = frozenset({"bms", "rig", "instruments", "scenarios", "conftest"})
DATA_OF = ("bms", "rig", "instruments")
NOT_READ = frozenset({"tests", "adr", "commands", "__pycache__", "proofs", "deploy"})
CATALOGUE = Path("bms/data/catalogue.toml")


def inputs_of(
    judged_on: Mapping[str, str | None], bench_sha256: str, seed: int
) -> Mapping[str, str]:
    """The hash of all that the verdict of each row can depend on.

    ``judged_on`` is the release of each row that is asked for; one without a scenario, or that is
    judged on no release, has none.
    """
    engine = _closure(_engine(), frozenset())
    common = [_of_files(engine.values()), _of_files(_data()), bench_sha256, seed]
    common += [platform.python_version(), sha256_of(ROOT / "requirements.lock")]
    found = {}
    for id_, scenario in scenarios().items():
        if judged_on.get(id_) is None:
            continue
        module = ".".join(scenario.path.relative_to(ROOT).with_suffix("").parts)
        own = _of_files(_closure((module,), frozenset(engine)).values())
        content = [*common, own, _claim(catalogue()[id_]), judged_on[id_]]
        found[id_] = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    return found


def _claim(item: Item) -> list[object]:
    """What a row says, and where it holds."""
    told = [item.id, item.kind, item.row_class, item.statement]
    return [*told, *(str(version) for version in item.holds_on)]


def _engine() -> list[str]:
    """What runs every scenario; drivers and twins are imported by their names in a table."""
    instruments = (path.relative_to(ROOT) for path in (ROOT / "instruments").rglob("*.py"))
    names = [".".join(path.with_suffix("").parts) for path in instruments if _counts(path)]
    return ["conftest", "rig.plugin", *names]


def _closure(modules: Iterable[str], apart: frozenset[str]) -> dict[str, Path]:
    """Modules of ours and all that they import, wherever in the file, but for those ``apart``."""
    wanted, seen = list(modules), set(apart)
    files: dict[str, Path] = {}
    while wanted:
        name = wanted.pop()
        if name in seen or name.partition(".")[0] not in OURS:
            continue
        seen.add(name)
        wanted.append(name.rpartition(".")[0])  # a package runs before what is in it
        path = _file_of(name)
        if path is not None:
            files[name] = path
            wanted += _imports(path)
    return files


def _file_of(module: str) -> Path | None:
    """Where a module stands; None for a name in one."""
    stem = ROOT.joinpath(*module.split("."))
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()), None)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Every name of ours that a file imports: modules, and what may be one."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return ()  # it cannot be imported: its row is BROKEN, and never carried
    return tuple(name for node in ast.walk(tree) for name in _named_by(node))


def _named_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _data() -> tuple[Path, ...]:
    """What stands beside the sources and is read by them: tables, cells, databases, the kernel.

    Of the kernel its source: what a machine's own compiler made of it differs from machine to
    machine, and is made again when the source changes.
    """
    found = []
    for package in DATA_OF:
        for path in (ROOT / package).rglob("*"):
            inside = path.relative_to(ROOT)
            bench = inside.parent == Path("rig/benches")
            if path.suffix in {".py", ".md", ".so"} or inside == CATALOGUE or bench:
                continue
            if path.is_file() and _counts(inside):
                found.append(path)
    return tuple(found)


def _counts(inside: Path) -> bool:
    """Whether anything in an attempt reads what stands there."""
    return not NOT_READ & set(inside.parts)


def _of_files(paths: Iterable[Path]) -> str:
    told = [f"{path.relative_to(ROOT).as_posix()} {_sha256(path)}" for path in sorted(paths)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


@cache
def _sha256(path: Path) -> str:
    return sha256_of(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An earlier run, and the rows that passed there and are not run again."""

    earlier: EarlierRun
    rows: frozenset[str]

    @property
    def by_row(self) -> Mapping[str, str]:
        """The run that stands for each of them."""
        return dict.fromkeys(self.rows, self.earlier.run)


def carried_from(
    folder: Path, *, bench: str, firmware: str, bench_sha256: str, seed: int
) -> Carried:
    """Which rows passed in the run in `folder`, and have the same inputs today.

    Raises BenchFileError for a run that is not sound, or is of another bench, release or seed.
    """
    found = verify_record(folder)
    if not found.sound or found.manifest_sha256 is None:
        why = found.problems[0] if found.problems else "it has no manifest"
        raise BenchFileError(f"--since {folder}: {why}; allowed: a run that hil verify finds sound")
    record = RunRecord(folder)
    plan, verdicts = record.plan(), record.verdicts()
    stated = (("bench", plan.run.bench, bench), ("firmware", plan.run.firmware, firmware))
    for name, there, here in (*stated, ("seed", plan.run.seed, seed)):
        if there != here:
            raise BenchFileError(f"--since {folder}: {name} is {there}; allowed: {here}")
    inputs = inputs_of({row.id: row.firmware for row in plan.rows}, bench_sha256, seed)
    passed = {item.id for item in verdicts.items if item.verdict is Verdict.PASS}
    rows = frozenset(
        row.id
        for row in plan.rows
        # A row that nobody has worked the inputs out of is run again.
        if row.id in passed and row.inputs_sha256 is not None
        if row.inputs_sha256 == inputs.get(row.id)
    )
    earlier = EarlierRun(run=plan.run.id, manifest_sha256=found.manifest_sha256)
    return Carried(earlier=earlier, rows=rows)


def write_carried(path: Path, carried: Carried) -> None:
    """For the session of pytest; it is kept with the run."""
    content = {
        "run": carried.earlier.run,
        "manifest_sha256": carried.earlier.manifest_sha256,
        "rows": sorted(carried.rows),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_carried(path: Path) -> Carried:
    """Read what `write_carried` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    earlier = EarlierRun(run=content["run"], manifest_sha256=content["manifest_sha256"])
    return Carried(earlier=earlier, rows=frozenset(content["rows"]))
