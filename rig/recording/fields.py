"""Reads the JSON of a run record, strictly: what is wrong is said in one line.

The line names the file, the field and what is allowed. A field that nobody here knows is left
alone, so that a newer record stays readable.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

Scalar = str | int | float | bool | None

# Not written where they are None: verdicts.json of a run from before them stays what it was.
_LEFT_OUT = frozenset({"judged_as", "unchanged_since", "inputs_sha256", "carried_from"})
# "class" is a word of Python's own.
_JSON_NAMES = {"item_class": "class"}


class RecordError(Exception):
    """A run record cannot be read as what it claims to be."""


class Fields:
    """One JSON object, read field by field."""

    __slots__ = ("_file", "_values", "_where")

    def __init__(self, value: object, file: str, where: str = "") -> None:
        if not isinstance(value, dict):
            raise RecordError(f"{file}: {where or 'the whole file'} must be a JSON object")
        self._values = value
        self._file = file
        self._where = where

    def text(self, name: str, allowed: Collection[str] = ()) -> str:
        """A text; one of `allowed`, where that is given."""
        value = self._required(name, "a text")
        if not isinstance(value, str):
            raise self.error(name, value, "a text")
        if allowed and value not in allowed:
            raise self.error(name, value, "one of " + ", ".join(allowed))
        return value

    def optional_text(self, name: str, allowed: Collection[str] = ()) -> str | None:
        """A text, or None where the field is null or missing."""
        return None if self._values.get(name) is None else self.text(name, allowed)

    def number(self, name: str) -> float:
        """A finite number."""
        value = self._required(name, "a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(name, value, "a number")
        if not math.isfinite(value):
            raise self.error(name, value, "a finite number")
        return value

    def optional_number(self, name: str) -> float | None:
        """A finite number, or None where the field is null or missing."""
        return None if self._values.get(name) is None else self.number(name)

    def integer(self, name: str) -> int:
        """A whole number."""
        value = self._required(name, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(name, value, "a whole number")
        return value

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._required(name, "true or false")
        if not isinstance(value, bool):
            raise self.error(name, value, "true or false")
        return value

    def utc(self, name: str) -> str:
        """An instant in ISO 8601 with the offset of UTC, kept as it was written."""
        value = self.text(name)
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise self.error(name, value, "an ISO time such as 2026-11-22T17:00:00Z") from None
        if instant.utcoffset() != timedelta(0):
            raise self.error(name, value, "a time in UTC, ending in Z or +00:00")
        return value

    def optional_day(self, name: str) -> str | None:
        """A day in ISO 8601, kept as it was written; None where the field is null or missing."""
        return None if self.optional_text(name) is None else self.day(name)

    def day(self, name: str) -> str:
        """A day in ISO 8601, kept as it was written."""
        value = self.text(name)
        try:
            date.fromisoformat(value)
        except ValueError:
            raise self.error(name, value, "a day such as 2026-11-22") from None
        return value

    def holds(self, name: str) -> bool:
        """Whether the field is there, and not null."""
        return self._values.get(name) is not None

    def scalar(self, name: str) -> Scalar:
        """A text, a number, true, false or null."""
        value = self._required(name, "a text, a number, true, false or null")
        if value is None or isinstance(value, str | int | float):
            return value
        raise self.error(name, value, "a text, a number, true, false or null")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self._list(name)
        if any(not isinstance(value, str) for value in values):
            raise self.error(name, values, "a list of texts")
        return tuple(str(value) for value in values)

    def scalars(self, name: str) -> dict[str, Scalar]:
        """An object that holds scalars only."""
        child = self.child(name)
        return {key: child.scalar(key) for key in child.names()}

    def child(self, name: str) -> Fields:
        """The object in a field."""
        return Fields(self._required(name, "an object"), self._file, self._path(name))

    def children(self, name: str) -> Iterator[Fields]:
        """The objects in a list."""
        for number, value in enumerate(self._list(name)):
            yield Fields(value, self._file, f"{self._path(name)}[{number}]")

    def value(self, name: str) -> object:
        """Any JSON value, for what is only shown and never judged."""
        return self._required(name, "any value")

    def names(self) -> tuple[str, ...]:
        """The names of all fields, as they stand in the file."""
        return tuple(self._values)

    def error(self, name: str, value: object, allowed: str) -> RecordError:
        """An error that names file, field and what is allowed."""
        shown = json.dumps(value, ensure_ascii=False, default=str)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return RecordError(f"{self._file}: {self._path(name)} is {shown}; allowed: {allowed}")

    def _list(self, name: str) -> list[object]:
        value = self._required(name, "a list")
        if not isinstance(value, list):
            raise self.error(name, value, "a list")
        return value

    def _required(self, name: str, allowed: str) -> object:
        if name not in self._values:
            raise RecordError(f"{self._file}: {self._path(name)} is missing; allowed: {allowed}")
        return self._values[name]

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


def read_json(path: Path) -> object:
    """The JSON value in `path`; RecordError names the file, the line and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordError(f"{path}: no such file; a run record holds one") from None
    except (UnicodeDecodeError, OSError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from None
    return parse_json(text, str(path))


def parse_json(text: str, file: str) -> object:
    """The JSON value in `text`; `file` is named where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordError(f"{file}: line {error.lineno}: not JSON: {error.msg}") from None


def canonical_json(value: object) -> str:
    """One text for one value: keys sorted, no blanks, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def as_json(value: object) -> object:
    """What a dataclass of the record looks like as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            _JSON_NAMES.get(field.name, field.name): as_json(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _LEFT_OUT or getattr(value, field.name) is not None
        }
    if isinstance(value, tuple | list):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    return value


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
