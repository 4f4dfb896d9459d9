"""The squares of a matrix while it is worked on: a line a test, kept in a file that may outlive it.

A matrix takes hours. Kept squares of a row count again as long as nothing that its verdict can
depend on has changed (ADR 26); of other rows they are dropped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from rig.benches.file import load_bench
from rig.cells import Cell
from rig.errors import BenchFileError
from rig.recording import Verdict
from rig.unchanged import inputs_of

BENCH, SEED = "sim", 1
CELL = tuple(field.name for field in fields(Cell))
Key = tuple[Any, ...]


def begin_or_go_on(kept: Path, rows: Iterable[str]) -> int:
    """Make the file fit for going on; how many squares' tests in it still count.

    Raises BenchFileError for a file that is something else.
    """
    inputs = inputs_of_squares(rows)
    known = _read_inputs(_beside(kept))
    lines = [
        json.dumps(entry)
        for entry in read_entries(kept)
        if (row := entry["item"]) in known
        and inputs.get(row, known[row]) == known[row]
        and entry.get("ended") != Verdict.ABORTED
    ]
    _beside(kept).write_text(json.dumps({**known, **inputs}, indent=1) + "\n", encoding="utf-8")
    kept.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def take_back(kept: Path) -> None:
    """Leave no empty file of a matrix that nobody began with."""
    if kept.is_file() and kept.stat().st_size == 0:
        kept.unlink()
        _beside(kept).unlink(missing_ok=True)


def read_entries(path: Path) -> Sequence[dict[str, Any]]:
    """Every whole line; a last one that was cut off is none. Raises BenchFileError."""
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            entry = json.loads(line)
            known = {**{name: entry[name] for name in CELL}, "test": entry["test"]}
        except (ValueError, KeyError, TypeError) as error:
            raise BenchFileError(
                f"{path}:{number}: is no square of a matrix; allowed: a file of --keep, or none"
            ) from error
        found.append({**entry, **known})
    return found


def key_of_cell(entry: Mapping[str, Any]) -> Key:
    """What tells one cell from another."""
    return tuple(entry[name] for name in CELL)


def read_done(path: Path | None) -> frozenset[tuple[Key, str]]:
    """Which tests of which cells need not run again; none without a file."""
    entries = [] if path is None else read_entries(path)
    return frozenset((key_of_cell(entry), entry["test"]) for entry in entries)


def inputs_of_squares(rows: Iterable[str]) -> Mapping[str, str]:
    """A hash a row of what its squares can depend on, besides the release that each names."""
    return inputs_of(dict.fromkeys(rows, "matrix"), load_bench(BENCH).sha256, SEED)


def _beside(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.inputs.json")


def _read_inputs(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # a cut-off file: nothing that was kept can be trusted
    return {str(row): str(text) for row, text in found.items()} if isinstance(found, dict) else {}
