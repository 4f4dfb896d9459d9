"""The quarantine file: rows that run but do not count, each with who answers for it and until when.

    [[quarantine]]
    id = "v1.30-04"
    owner = "J. Doe"
    reason = "the load trips at 300 A since its repair"
    since = 2026-11-20
    expires = 2026-12-04        # the last day; afterwards the row fails until somebody decides
    ticket = "LAB-311"

Read once, at the edge; what is wrong is said in one line that names file, field and what is
allowed.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rig.errors import BenchFileError
from rig.recording import Quarantine

FIELDS = ("id", "owner", "reason", "since", "expires", "ticket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantines:
    """The entries by row: those of the day, and ids of those that only begin later."""

    entries: dict[str, Quarantine]
    later: tuple[str, ...]

    def expired(self, day: date) -> tuple[str, ...]:
        """The rows whose entries have expired by a day."""
        return tuple(id_ for id_, each in self.entries.items() if not each.lasts(str(day)))


def read_quarantine(path: Path, known: Collection[str], day: date) -> Quarantines:
    """The entries of a file on a day. Raises BenchFileError for anything wrong in it."""
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise BenchFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchFileError(f"{path}: is no TOML: {error}") from error
    entries = content.pop("quarantine", [])
    for name in content:
        raise _bad(path, name, "is unknown", "[[quarantine]] entries")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise _bad(path, "quarantine", "is no list of tables", "[[quarantine]] entries")
    found: dict[str, Quarantine] = {}
    later = []
    for number, each in enumerate(entries):
        id_, entry = _entry(path, f"quarantine[{number}]", each, known)
        if id_ in found or id_ in later:
            raise _bad(path, f"quarantine[{number}].id", f"{id_} is there already", "every id once")
        if entry.since > str(day):
            later.append(id_)
        else:
            found[id_] = entry
    return Quarantines(entries=found, later=tuple(later))


def _entry(
    path: Path, where: str, table: dict[str, Any], known: Collection[str]
) -> tuple[str, Quarantine]:
    for name in table:
        if name not in FIELDS:
            raise _bad(path, f"{where}.{name}", "is unknown", ", ".join(FIELDS))
    words = {name: _text(path, where, table, name) for name in ("id", "owner", "reason", "ticket")}
    days = {name: _day(path, where, table, name) for name in ("since", "expires")}
    if words["id"] not in known:
        raise _bad(path, f"{where}.id", repr(words["id"]), "an id of the catalogue, as v1.08-04")
    if days["expires"] < days["since"]:
        raise _bad(path, f"{where}.expires", f"{days['expires']} is before since", "a later day")
    entry = Quarantine(
        owner=words["owner"],
        reason=words["reason"],
        ticket=words["ticket"],
        since=str(days["since"]),
        expires=str(days["expires"]),
    )
    return words["id"], entry


def _text(path: Path, where: str, table: dict[str, Any], name: str) -> str:
    found = table.get(name)
    if not isinstance(found, str) or not found.strip():
        given = "is missing" if found is None else repr(found)
        raise _bad(path, f"{where}.{name}", given, "a text")
    return " ".join(found.split())


def _day(path: Path, where: str, table: dict[str, Any], name: str) -> date:
    found = table.get(name)
    if type(found) is not date:
        given = "is missing" if found is None else repr(found)
        raise _bad(path, f"{where}.{name}", given, "a day without quotes, as 2026-11-22")
    return found


def _bad(path: Path, where: str, given: str, allowed: str) -> BenchFileError:
    return BenchFileError(f"{path}: {where}: {given}; allowed: {allowed}")
