"""night.json: what a night was asked to do and from which files, written before anything runs.

A night that was cut off goes on by it. It refuses to where a file of it has changed since: then
one run would be two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BenchFileError
from rig.nightly.schedule import OUTSIDE
from rig.planning import ROOT
from rig.recording import Quarantine, as_json, canonical_json, sha256_of
from rig.recording.fields import Fields, read_json
from rig.recording.reading import quarantine_of
from rig.recording.record import write_whole

NIGHT = "night.json"
BESIDE = ("conftest.py", "requirements.lock")
PACKAGES = ("bms", "instruments", "rig", "scenarios")  # what a verdict depends on
KINDS = frozenset({".py", ".toml", ".dbc", ".c"})
SHOWN = 5

__all__ = ["NIGHT", "OUTSIDE", "Settings", "read_settings", "sources", "write_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A night as it was begun. `until_ms` is in Unix time; `window` is how it was asked for.

    `retries` is how often one test is repeated, `retries_a_night` how many repetitions all tests
    may have together. `sources` are files by their path in the tree, with their SHA-256.
    """

    bench: str
    firmware: str
    seed: int
    only: tuple[str, ...]
    jobs: int | None
    begun: str
    window: str
    until_ms: int | None
    retries: int
    retries_a_night: int
    repeat_failures: bool
    order: tuple[str, ...]
    expected_s: Mapping[str, float]
    quarantine: Mapping[str, Quarantine]
    sources: Mapping[str, str]


def write_settings(folder: Path, settings: Settings) -> None:
    """Keep them, whole."""
    text = canonical_json({"format": 1, **dict(_items(settings))})
    write_whole(folder / NIGHT, text + "\n")


def _items(settings: Settings) -> Mapping[str, object]:
    content = as_json(settings)
    assert isinstance(content, dict)
    return content


def read_settings(folder: Path) -> Settings:
    """What a night was begun with. Raises BenchFileError where none was, RecordError if broken."""
    path = folder / NIGHT
    if not path.is_file():
        raise BenchFileError(f"{folder}: no night was begun here; allowed: the folder of a night")
    fields = Fields(read_json(path), str(path))
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    expected, held = fields.child("expected_s"), fields.child("quarantine")
    source = fields.child("sources")
    return Settings(
        bench=fields.text("bench"),
        firmware=fields.text("firmware"),
        seed=fields.integer("seed"),
        only=fields.texts("only"),
        jobs=fields.integer("jobs") if fields.holds("jobs") else None,
        begun=fields.utc("begun"),
        window=fields.text("window"),
        until_ms=fields.integer("until_ms") if fields.holds("until_ms") else None,
        retries=fields.integer("retries"),
        retries_a_night=fields.integer("retries_a_night"),
        repeat_failures=fields.truth("repeat_failures"),
        order=fields.texts("order"),
        expected_s={item: expected.number(item) for item in expected.names()},
        quarantine={item: quarantine_of(held.child(item)) for item in held.names()},
        sources={path: source.text(path) for path in source.names()},
    )


def sources(bench_file: Path, root: Path = ROOT) -> dict[str, str]:
    """The files that verdicts depend on, with their hashes: firmware, rig, scenarios, bench."""
    paths = [path for name in PACKAGES for path in (root / name).rglob("*") if _counts(path)]
    paths += [path for name in BESIDE if (path := root / name).is_file()]
    found = {path.relative_to(root).as_posix(): sha256_of(path) for path in sorted(paths)}
    return {**found, f"bench {bench_file.name}": sha256_of(bench_file)}


def _counts(path: Path) -> bool:
    return path.suffix in KINDS and "tests" not in path.parts and path.is_file()


def refuse_changes(folder: Path, was: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises BenchFileError, by name, if the night's files are no longer those it began with."""
    changed = sorted(path for path in {*was, *now} if was.get(path) != now.get(path))
    if changed:
        raise BenchFileError(
            f"{folder}: changed since its plan was frozen: {_some(changed)}; "
            "allowed: the files that it began with, or a new night"
        )


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
