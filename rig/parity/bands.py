"""The bands of parity, from a TOML file: how far two benches may be apart, and why.

    goal_pct            the share of signal-seconds that has to be in band
    [claims]            time_s, share, why: how much longer the way from claim to claim may take
    [[signals]]         match, kind, value, share, time_s, why; the first that matches a name counts

Every band says why it is as wide as it is. A signal without a band has the narrowest: no
difference at all.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

from rig.errors import BenchFileError

FILE = Path(__file__).parent.parent / "benches" / "parity.toml"
NUMBERS = ("value", "share", "time_s")


class Kind(StrEnum):
    """What a signal is, which says how it is compared."""

    VALUE = "value"  # a measured quantity, or a number told on a bus
    STATE = "state"  # one of a few; the order of its edges counts, too
    BLINK = "blink"  # on and off all the time: no two edges belong together
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """How far apart: ``value`` in the signal's unit plus ``share`` of it, ``time_s`` for edges."""

    kind: Kind = Kind.VALUE
    value: float = 0.0
    share: float = 0.0
    time_s: float = 0.0
    why: str = "no band is declared for it"

    def width(self, of: float) -> float:
        """The band's half width at a value."""
        return self.value + self.share * abs(of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """All bands of a file; ``claims`` is that of the time from claim to claim."""

    goal_pct: float
    claims: Band
    signals: tuple[tuple[tuple[str, ...], Band], ...]

    def of(self, name: str) -> Band:
        """The band of a signal: the first that matches its name."""
        for patterns, band in self.signals:
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                return band
        return Band()


def read_bands(path: Path = FILE) -> Bands:
    """Read a file of bands. Raises BenchFileError with file, field and what is allowed."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchFileError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BenchFileError(f"{path}: no TOML: {error}") from error
    reader = _Reader(path)
    reader.known("", content, {"goal_pct", "claims", "signals"})
    claims = content.get("claims")
    if not isinstance(claims, dict):
        reader.fail("claims", claims, "a table of time_s, share and why")
    reader.known("claims", claims, {"time_s", "share", "why"})
    signals = content.get("signals")
    if not isinstance(signals, list) or not all(isinstance(each, dict) for each in signals):
        reader.fail("signals", signals, "tables [[signals]]")
    return Bands(
        goal_pct=reader.number("goal_pct", content.get("goal_pct")),
        claims=reader.band("claims", claims),
        signals=tuple(reader.entry(f"signals[{n}]", each) for n, each in enumerate(signals)),
    )


class _Reader:
    """One file, and what is said when something in it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fail(self, field: str, value: object, allowed: str) -> NoReturn:
        raise BenchFileError(f"{self._path}: {field} is {value!r}; allowed: {allowed}")

    def known(self, where: str, table: Mapping[str, Any], names: set[str]) -> None:
        for name in table:
            if name not in names:
                field = f"{where}.{name}" if where else name
                self.fail(field, table[name], ", ".join(sorted(names)))

    def entry(self, where: str, table: Mapping[str, Any]) -> tuple[tuple[str, ...], Band]:
        self.known(where, table, {"match", "kind", "why", *NUMBERS})
        match = table.get("match")
        if not isinstance(match, list) or not match or not all(isinstance(m, str) for m in match):
            self.fail(f"{where}.match", match, "a list of names; * stands for anything")
        return tuple(match), self.band(where, table)

    def band(self, where: str, table: Mapping[str, Any]) -> Band:
        kind, why = table.get("kind", "value"), table.get("why", "")
        if kind not in set(Kind):
            self.fail(f"{where}.kind", kind, ", ".join(Kind))
        if not isinstance(why, str) or not why.strip():
            self.fail(f"{where}.why", why, "a sentence")
        numbers = {name: self.number(f"{where}.{name}", table.get(name, 0.0)) for name in NUMBERS}
        return Band(kind=Kind(kind), why=why, **numbers)

    def number(self, field: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(field, value, "a number, 0 or more")
        if not math.isfinite(value) or value < 0:
            self.fail(field, value, "a number, 0 or more")
        return float(value)
