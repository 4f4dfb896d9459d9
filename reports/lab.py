"""lab.toml: who answers for a dossier, and which deviations they accepted.

    [lab]
    name = "Battery laboratory"         # and place, operator, reviewer, approver, customer

    [[deviation]]
    rows = ["v1.23-05"]
    covers = ["NOT RUN"]                # verdicts that are accepted; never PASS, never more
    reason = "the chamber is away for calibration"
    ticket = "LAB-123"                  # may be left out
    approver = "J. Smith"
    approved = 2026-11-01
    expires = 2027-02-01                # the last day on which it counts

A deviation accepts that a row is not verified. It never makes a row PASS.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

from rig.recording import RecordError, Verdict

LAB = "lab.toml"
PEOPLE = ("name", "place", "customer", "operator", "reviewer", "approver")
_COVERED = tuple(str(each) for each in Verdict if each is not Verdict.PASS)
_DEVIATION = ("rows", "covers", "reason", "ticket", "approver", "approved", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """An accepted deviation; it counts from `approved` to `expires`, both included."""

    rows: tuple[str, ...]
    covers: tuple[Verdict, ...]
    reason: str
    ticket: str
    approver: str
    approved: date
    expires: date

    def counts_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.approved <= day <= self.expires

    def accepts(self, row: str, verdict: Verdict) -> bool:
        """Whether it is about this row with this verdict."""
        return row in self.rows and verdict in self.covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What a laboratory adds to a record; `people` has those of PEOPLE that were given."""

    people: Mapping[str, str]
    deviations: tuple[Deviation, ...]


NOBODY = Lab(people={}, deviations=())


def read_lab(path: Path, rows: Sequence[str]) -> Lab:
    """Read a lab.toml; `rows` are the ids that a deviation may name.

    Raises RecordError, in one line that names file, field and what is allowed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: is no TOML: {error}") from None
    return _Reader(path, frozenset(rows)).lab(content)


class _Reader:
    """Takes the file apart; every complaint begins with its name."""

    def __init__(self, path: Path, rows: frozenset[str]) -> None:
        self._path, self._rows = path, rows

    def lab(self, content: Mapping[str, object]) -> Lab:
        self._known("", content, ("lab", "deviation"))
        people = content.get("lab", {})
        if not isinstance(people, dict):
            self._complain("lab", people, "a table")
        self._known("lab.", people, PEOPLE)
        given = content.get("deviation", [])
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            self._complain("deviation", given, "tables, each under [[deviation]]")
        return Lab(
            people={name: self._text(people, "lab.", name) for name in PEOPLE if name in people},
            deviations=tuple(self._deviation(n, each) for n, each in enumerate(given, start=1)),
        )

    def _deviation(self, number: int, table: Mapping[str, object]) -> Deviation:
        where = f"deviation {number}: "
        self._known(where, table, _DEVIATION)
        rows = self._texts(table, where, "rows")
        for row in rows:
            if row not in self._rows:
                self._complain(f"{where}rows", row, "an id of the run's plan")
        covers = self._texts(table, where, "covers")
        for each in covers:
            if each not in _COVERED:
                self._complain(f"{where}covers", each, ", ".join(_COVERED))
        approved, expires = self._day(table, where, "approved"), self._day(table, where, "expires")
        if expires < approved:
            self._complain(f"{where}expires", str(expires), f"a day from {approved} on")
        return Deviation(
            rows=rows,
            covers=tuple(Verdict(each) for each in covers),
            reason=self._text(table, where, "reason"),
            ticket=self._text(table, where, "ticket") if "ticket" in table else "",
            approver=self._text(table, where, "approver"),
            approved=approved,
            expires=expires,
        )

    def _text(self, table: Mapping[str, object], where: str, name: str) -> str:
        found = table.get(name)
        if not isinstance(found, str) or not found.strip():
            self._complain(f"{where}{name}", found, "a text that is not empty")
        return found.strip()

    def _texts(self, table: Mapping[str, object], where: str, name: str) -> tuple[str, ...]:
        found = table.get(name)
        if not isinstance(found, list) or not found or not all(isinstance(t, str) for t in found):
            self._complain(f"{where}{name}", found, "a list of one text or more")
        return tuple(found)

    def _day(self, table: Mapping[str, object], where: str, name: str) -> date:
        found = table.get(name)
        if type(found) is not date:
            self._complain(f"{where}{name}", found, "a day, as 2026-11-22")
        return found

    def _known(self, where: str, table: Mapping[str, object], names: Sequence[str]) -> None:
        for name in table:
            if name not in names:
                self._complain(f"{where}{name}", "unknown", ", ".join(names))

    def _complain(self, where: str, given: object, allowed: str) -> NoReturn:
        said = "is missing" if given is None else f"is {given!r}"
        raise RecordError(f"{self._path}: {where} {said}; allowed: {allowed}")
