"""manifest.json: every file of a finished run with its size and SHA-256, written once.

It covers what the run left (plan, journal, verdicts, log, attempts), not the views that are made
of it, nor the inputs that a dossier adds later. Its own hash stands on the dossier: with the number
on paper, a record that was forged whole can be told from the one that was signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rig.recording.fields import (
    Fields,
    RecordError,
    as_json,
    canonical_json,
    parse_json,
    sha256_of,
)

MANIFEST = "manifest.json"
# Views, made from the record, and what `hil report` is given: the run itself left none of these.
VIEWS = ("report.html", "report.pdf", "junit.xml")
INPUTS = ("matrix.json", "lab.toml", "against")
RECORD = (
    *("plan.json", "journal.jsonl", "verdicts.json", "pytest.log", "attempts"),
    *("selftest-before.json", "selftest-after.json", "night.json", "sessions", "questions"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """A file: `path` relative to the run's folder, with forward slashes; `size` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a run in the order of their paths; `sha256` is that of all of this."""

    run: str
    files: tuple[FileFacts, ...]
    sha256: str

    def size(self) -> int:
        """The bytes of all files together."""
        return sum(each.size for each in self.files)


def manifest_of(folder: Path, run: str) -> Manifest:
    """The manifest that the files of `folder` give now."""
    files = tuple(file_facts(folder, path) for path in files_of_record(folder))
    return Manifest(run=run, files=files, sha256=_hash(run, files))


def file_facts(folder: Path, path: str) -> FileFacts:
    """Size and hash of one file below `folder`."""
    where = folder / path
    return FileFacts(path=path, size=where.stat().st_size, sha256=sha256_of(where))


def write_manifest(folder: Path, run: str) -> Manifest:
    """Seal a finished run. A manifest that is there is never written again: it raises."""
    path = folder / MANIFEST
    if path.exists():
        raise RecordError(f"{path}: the run is sealed; allowed: a run without a manifest")
    manifest = manifest_of(folder, run)
    draft = path.with_suffix(".tmp")  # a run is sealed whole, or not at all
    draft.write_bytes(text_of(manifest).encode())
    draft.replace(path)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """A manifest whose own hash is right and whose bytes are as they were written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_manifest(content, str(path))


def parse_manifest(content: bytes, name: str) -> Manifest:
    """As `read_manifest`, from bytes; `name` is named where something is wrong."""
    try:
        fields = Fields(parse_json(content.decode(), name), name)
    except UnicodeDecodeError as error:
        raise RecordError(f"{name}: not UTF-8: {error.reason}; allowed: JSON") from None
    if fields.integer("format") != 1:
        raise fields.error("format", fields.integer("format"), "1")
    files = tuple(
        FileFacts(path=each.text("path"), size=each.integer("size"), sha256=each.text("sha256"))
        for each in fields.children("files")
    )
    manifest = Manifest(run=fields.text("run"), files=files, sha256=fields.text("sha256"))
    if manifest.sha256 != _hash(manifest.run, files):
        raise RecordError(f"{name}: its SHA-256 is not that of its content")
    # JSON has many spellings of one value; only one of them is ours.
    if content != text_of(manifest).encode():
        raise RecordError(f"{name}: not in the form in which it was written")
    return manifest


def text_of(manifest: Manifest) -> str:
    """The one spelling of a manifest."""
    content = as_json(manifest)
    assert isinstance(content, dict)
    return canonical_json({"format": 1, **content}) + "\n"


def make_manifest(run: str, files: tuple[FileFacts, ...]) -> Manifest:
    """A manifest of these files."""
    return Manifest(run=run, files=files, sha256=_hash(run, files))


def files_of_record(folder: Path) -> list[str]:
    """The paths of what the run left, in order."""
    return sorted(_files(folder, RECORD))


def all_files(folder: Path) -> list[str]:
    """The paths of all that belongs to a run, in order: its record, inputs, views, manifest.

    Not the Allure results: they are a second copy of the evidence.
    """
    return sorted(_files(folder, (*RECORD, *INPUTS, *VIEWS, MANIFEST)))


def _files(folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        path = folder / name
        if path.is_file():
            yield name
        for each in path.rglob("*") if path.is_dir() else ():
            if each.is_file():
                yield each.relative_to(folder).as_posix()


def _hash(run: str, files: tuple[FileFacts, ...]) -> str:
    content = {"format": 1, "run": run, "files": as_json(files)}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
