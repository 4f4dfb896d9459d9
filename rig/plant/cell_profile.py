"""Measured profiles as their files have them: time, current (positive = DISCHARGE), voltage.

Everything is read once, at the edge; what is wrong is one sentence with file, field and what is
allowed.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rig.errors import BenchFileError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A current and what a cell answered, row by row; charging positive, as everywhere here."""

    time_s: tuple[float, ...]
    current_a: tuple[float, ...]
    voltage_v: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A slow charge or discharge: charge moved since its start, voltage."""

    charge_ah: tuple[float, ...]
    voltage_v: tuple[float, ...]


def read_profile(path: Path) -> Profile:
    """A file with time_s, current_a, voltage_v. Raises BenchFileError if it cannot be used."""
    columns = _columns(path, ("time_s", "current_a", "voltage_v"))
    _rising(path, "time_s", columns["time_s"])
    return Profile(
        time_s=tuple(columns["time_s"]),
        current_a=tuple(-ampere for ampere in columns["current_a"]),
        voltage_v=tuple(columns["voltage_v"]),
    )


def read_sweep(path: Path) -> Sweep:
    """A file with charge_ah, voltage_v. Raises BenchFileError if it cannot be used."""
    columns = _columns(path, ("charge_ah", "voltage_v"))
    _rising(path, "charge_ah", columns["charge_ah"])
    return Sweep(charge_ah=tuple(columns["charge_ah"]), voltage_v=tuple(columns["voltage_v"]))


def _rising(path: Path, name: str, values: list[float]) -> None:
    for row, (before, after) in enumerate(pairwise(values), start=3):
        if after <= before:
            raise BenchFileError(
                f"profile {path}: line {row}, {name} is {after:g} after {before:g}; "
                "allowed: a value above that of the line before"
            )


def _columns(path: Path, names: tuple[str, ...]) -> dict[str, list[float]]:
    rows = csv.reader(io.StringIO(_text(path)))
    title = [field.strip() for field in next(rows, [])]
    missing = [name for name in names if name not in title]
    if missing:
        raise BenchFileError(
            f"profile {path}: column {missing[0]} is missing; allowed: a first line that has "
            f"{', '.join(names)}"
        )
    places = [title.index(name) for name in names]
    columns: dict[str, list[float]] = {name: [] for name in names}
    for line, row in enumerate(rows, start=2):
        if not row:
            continue
        for name, place in zip(names, places, strict=True):
            text = row[place] if place < len(row) else ""
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise BenchFileError(
                    f"profile {path}: line {line}, {name} is {text!r}; allowed: a number"
                )
            columns[name].append(value)
    if len(columns[names[0]]) < 2:
        raise BenchFileError(f"profile {path}: rows; allowed: two or more below the title")
    return columns


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        allowed = "allowed: a .csv or .csv.gz file"
        raise BenchFileError(f"profile {path}: no such file; {allowed}") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BenchFileError(
            f"profile {path}: cannot be read ({error}); allowed: CSV text, plain or gzip"
        ) from error
