"""A bundle: a run with all that belongs to it in one ZIP file, which any tool opens.

Every byte of it is accounted for. The members are stored, not packed, in the order of bundle.json,
which comes first and states the SHA-256 of each of the others; what lies between them follows from
their names, sizes and CRCs, and is worked out again when a bundle is read. So no bit can flip
without being seen, and the same run gives the same bytes. Below 4 GiB and 65,535 files.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rig.recording.fields import RecordError
from rig.recording.manifest import (
    FileFacts,
    Manifest,
    all_files,
    file_facts,
    make_manifest,
    parse_manifest,
    text_of,
)

INDEX = "bundle.json"
CHUNK = 1 << 20
SIZE_MAX, FILES_MAX = 0xFFFFFFFF, 0xFFFE
# A name that can do no harm where it is unpacked.
_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9 ._+()=,-]+"
_NAME = re.compile(rf"(?:{_PART}/)*{_PART}")

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
# Version 2.0; 1 January 1980, the first day that the format knows: a bundle has no time of its own.
_VERSION, _TIME, _DATE = 20, 0, 0x21
_UNIX, _MODE = 3 << 8, 0o100644 << 16


@dataclass(frozen=True, slots=True)
class _Member:
    """A member as headers tell it; `offset` is where its header begins."""

    name: str
    size: int
    crc: int
    offset: int

    def local(self) -> bytes:
        name = self.name.encode()
        return (
            _LOCAL.pack(
                *(b"PK\x03\x04", _VERSION, 0, 0, _TIME, _DATE, self.crc, self.size, self.size),
                *(len(name), 0),
            )
            + name
        )

    def central(self) -> bytes:
        name = self.name.encode()
        return (
            _CENTRAL.pack(
                *(b"PK\x01\x02", _UNIX | _VERSION, _VERSION, 0, 0, _TIME, _DATE, self.crc),
                *(self.size, self.size, len(name), 0, 0, 0, 0, _MODE, self.offset),
            )
            + name
        )


def write_bundle(folder: Path, run: str, path: Path) -> Manifest:
    """Put a run's folder into one file at `path`; the index that it begins with.

    Raises RecordError where it is too large for one, or has a name that no bundle may hold.
    """
    names = all_files(folder)
    for name in names:
        if not _NAME.fullmatch(name):
            raise RecordError(
                f"{name}: allowed in a bundle: letters, digits, blanks and . _ - + ( ) = ,"
            )
    index = make_manifest(run, tuple(file_facts(folder, name) for name in names))
    if len(names) > FILES_MAX or index.size() > SIZE_MAX - (1 << 26):
        raise RecordError(
            f"{folder}: {len(names)} files of {index.size()} bytes; allowed in a bundle: "
            f"{FILES_MAX} files, below 4 GiB"
        )
    draft = path.with_name(path.name + ".tmp")
    try:
        with draft.open("wb") as out:
            _write(out, folder, index)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # after Ctrl-C, or on a full disk
    return index


def _write(out: BinaryIO, folder: Path, index: Manifest) -> None:
    head = text_of(index).encode()
    members = [_Member(INDEX, len(head), zlib.crc32(head), 0)]
    out.write(members[0].local())
    out.write(head)
    for each in index.files:
        crc = 0
        for chunk in _chunks(folder / each.path):
            crc = zlib.crc32(chunk, crc)
        member = _Member(each.path, each.size, crc, out.tell())
        members.append(member)
        out.write(member.local())
        written = sum(out.write(chunk) for chunk in _chunks(folder / each.path))
        if written != each.size:
            raise RecordError(f"{each.path}: changed while it was bundled; try again")
    where = out.tell()
    for member in members:
        out.write(member.central())
    out.write(_end(len(members), where, out.tell() - where))


def _end(count: int, where: int, size: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, size, where, 0)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def is_bundle(path: Path) -> bool:
    """Whether a path is a file that may be a bundle, rather than a run's folder."""
    return path.is_file()


def unpack_bundle(path: Path, folder: Path) -> list[str]:
    """Unpack into an empty folder, and check every byte; what is wrong, a line each.

    A member that is not as the index says is unpacked as well, so that the record can be judged.
    """
    damaged: list[str] = []
    with path.open("rb") as file:
        reader = _Reader(file, path.stat().st_size, folder)
        try:
            reader.read()
        except _Damaged as damage:
            damaged.append(f"{path.name}: {damage}")
    named = _against_the_index(reader, path.name)
    # What the index names needs no second line.
    told = {problem.partition(":")[0] for problem in named}
    return [*damaged, *(each for name, each in reader.problems if name not in told), *named]


class _Damaged(Exception):
    """The archive cannot be followed any further."""


class _Reader:
    """Reads members one after the other, and works out again what lies between them."""

    def __init__(self, file: BinaryIO, size: int, folder: Path) -> None:
        self._file, self._size, self._folder = file, size, folder
        self.problems: list[tuple[str, str]] = []
        self.hashes: dict[str, FileFacts] = {}
        self.index: bytes = b""
        self._members: list[_Member] = []

    def read(self) -> None:
        """All of it; raises _Damaged where the archive ends to make sense."""
        while self._next_signature() == b"PK\x03\x04":
            self._member()
        where = self._file.tell()
        wanted = b"".join(member.central() for member in self._members)
        wanted += _end(len(self._members), where, len(wanted))
        rest = self._file.read(len(wanted) + 1)
        if rest != wanted:
            # The first byte that is not as it must be.
            pairs = zip(rest, wanted, strict=False)
            differing = next((n for n, (a, b) in enumerate(pairs) if a != b), len(wanted))
            raise _Damaged(f"the list of members differs at byte {where + differing}")

    def _next_signature(self) -> bytes:
        signature = self._file.read(4)
        self._file.seek(-len(signature), 1)
        return signature

    def _member(self) -> None:
        offset = self._file.tell()
        after = f"after {self._members[-1].name}" if self._members else "at its beginning"
        head = self._file.read(_LOCAL.size)
        if len(head) < _LOCAL.size:
            raise _Damaged(f"it ends {after}")
        fields = _LOCAL.unpack(head)
        crc, size, length = fields[6], fields[7], fields[9]
        name = self._file.read(length).decode("ascii", errors="replace")
        if (
            not _NAME.fullmatch(name)
            or name in self.hashes
            or self._file.tell() + size > self._size
        ):
            raise _Damaged(f"the member {after} (byte {offset}) has a header that cannot be right")
        found = self._unpack(name, size)
        member = _Member(name, size, crc, offset)
        if head + name.encode() != member.local() or found != crc:
            self.problems.append((name, f"{name}: its header is wrong (byte {offset})"))
        self._members.append(member)

    def _unpack(self, name: str, size: int) -> int:
        """Copy a member's content; its CRC."""
        target = self._folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            out = target.open("xb")
        except OSError:
            raise _Damaged(f"{name}: lies where another member is") from None
        crc, digest, content, left = 0, hashlib.sha256(), bytearray(), size
        with out:
            while left:
                chunk = self._file.read(min(left, CHUNK))
                left -= len(chunk)
                crc = zlib.crc32(chunk, crc)
                digest.update(chunk)
                out.write(chunk)
                if name == INDEX:
                    content += chunk
        if name == INDEX:
            self.index = bytes(content)
            target.unlink()
        self.hashes[name] = FileFacts(path=name, size=size, sha256=digest.hexdigest())
        return crc


def _against_the_index(reader: _Reader, archive: str) -> list[str]:
    if INDEX not in reader.hashes:
        return [f"{archive}: {INDEX} is missing; allowed: a bundle of `hil export`"]
    try:
        index = parse_manifest(reader.index, INDEX)
    except RecordError as error:
        return [str(error)]
    problems = []
    stated = {each.path: each for each in index.files}
    for name, each in stated.items():
        found = reader.hashes.get(name)
        if found is None:
            problems.append(f"{name}: missing from the bundle")
        elif found.sha256 != each.sha256 or found.size != each.size:
            problems.append(f"{name}: differs from its SHA-256 in {INDEX}")
    for name in reader.hashes:
        if name not in stated and name != INDEX:
            problems.append(f"{name}: in the bundle, but not in {INDEX}")
    if list(reader.hashes) != [INDEX, *stated]:
        problems.append(f"{archive}: its members are not those of {INDEX}, or in another order")
    return problems
