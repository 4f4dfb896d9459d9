"""Kinds of program data, and how each is read from its text.

A kind is frozen and knows no device, so that what it reads can be remembered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, Protocol

from instruments.scpi.errors import ScpiError

_NRF = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*E\s*[+-]?\d+)?)\s*([A-Z/%]*)$")
_RADIX = {"#H": 16, "#Q": 8, "#B": 2}
_MULTIPLIERS: Mapping[str, float] = {
    "G": 1e9,
    "MA": 1e6,
    "K": 1e3,
    "": 1.0,
    "M": 1e-3,
    "U": 1e-6,
    "N": 1e-9,
    "P": 1e-12,
}
# SCPI keeps two habits of engineers: megohm and megahertz, though M is milli elsewhere.
_MEGA_BY_HABIT = frozenset({"OHM", "HZ"})


class Parameter(Protocol):
    """One place in a command's parameter list."""

    @property
    def optional(self) -> bool:
        """Whether it may be left out; the handler then gets None."""

    def parse(self, token: str) -> Any:
        """Read the value, or raise the ScpiError that a device queues."""


@lru_cache
def _suffixes(unit: str) -> dict[str, float]:
    """Every spelling of a unit with a multiplier, and what it multiplies by."""
    table = {multiplier + unit: factor for multiplier, factor in _MULTIPLIERS.items()}
    if unit in _MEGA_BY_HABIT:
        table["M" + unit] = 1e6
    return table


def keyword(spelling: str) -> frozenset[str]:
    """Short and long form of a mnemonic whose capitals are its short form, as ``MINimum``."""
    short = "".join(c for c in spelling if not c.islower())
    return frozenset({short, spelling.upper()})


_MINIMUM, _MAXIMUM, _DEFAULT = keyword("MINimum"), keyword("MAXimum"), keyword("DEFault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A decimal number with an optional unit, or MIN, MAX, DEF; also #H, #Q and #B."""

    unit: str = ""
    low: float = -inf
    high: float = inf
    default: float | None = None
    optional: bool = False

    def parse(self, token: str) -> float:
        """Read the value in the kind's own unit."""
        text = token.upper()
        bound = self.bound(text)
        if bound is not None:
            return bound
        value = self._value(text)
        if not self.low <= value <= self.high:
            raise ScpiError(-222)
        return value

    def bound(self, text: str) -> float | None:
        """The value that MIN, MAX or DEF stands for."""
        if text in _MINIMUM and self.low > -inf:
            return self.low
        if text in _MAXIMUM and self.high < inf:
            return self.high
        if text in _DEFAULT and self.default is not None:
            return self.default
        return None

    def _value(self, text: str) -> float:
        if text[:2] in _RADIX:
            try:
                return float(int(text[2:], _RADIX[text[:2]]))
            except ValueError:
                raise ScpiError(-121) from None
        match = _NRF.match(text)
        if match is None:
            raise ScpiError(-121 if text[:1] in set("+-.0123456789") else -104)
        value, suffix = float(match[1].replace(" ", "")), match[2]
        if not suffix:
            return value
        if not self.unit:
            raise ScpiError(-138)
        factor = _suffixes(self.unit).get(suffix)
        if factor is None:
            raise ScpiError(-131)
        return value * factor


@dataclass(frozen=True, slots=True)
class Extreme:
    """MIN, MAX or DEF after a query: the handler gets that bound of the number, or None."""

    number: Number
    optional: bool = True

    def parse(self, token: str) -> float:
        """Read the bound."""
        bound = self.number.bound(token.upper())
        if bound is None:
            raise ScpiError(-108)
        return bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean:
    """ON, OFF, or a number: what rounds to 0 is off."""

    optional: bool = False

    def parse(self, token: str) -> bool:
        """Read the state."""
        text = token.upper()
        if text in {"ON", "OFF"}:
            return text == "ON"
        try:
            return round(float(text)) != 0
        except (ValueError, OverflowError):
            raise ScpiError(-141 if text[:1].isalpha() else -121) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several mnemonics, each in its short or long form; the handler gets the short."""

    of: tuple[str, ...]
    optional: bool = False

    def parse(self, token: str) -> str:
        """Read the choice."""
        text = token.upper()
        for spelling in self.of:
            if text in keyword(spelling):
                return "".join(c for c in spelling if not c.islower())
        raise ScpiError(-224 if text[:1].isalpha() else -104)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string in either kind of quotes; a doubled quote inside stands for itself."""

    optional: bool = False

    def parse(self, token: str) -> str:
        """Read the string."""
        quote = token[:1]
        if quote not in {'"', "'"}:
            raise ScpiError(-104)
        if len(token) < 2 or token[-1] != quote:
            raise ScpiError(-151)
        return token[1:-1].replace(quote * 2, quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A definite-length block: ``#`` digits, count, bytes."""

    optional: bool = False

    def parse(self, token: str) -> bytes:
        """Read the bytes."""
        if len(token) < 3 or token[0] != "#" or not token[1].isdecimal() or token[1] == "0":
            raise ScpiError(-161)
        start = 2 + int(token[1])
        if not token[2:start].isdecimal() or len(token) != start + int(token[2:start]):
            raise ScpiError(-161)
        return token[start:].encode("latin-1")


_CHANNEL = re.compile(r"\s*(\d+)\s*(?::\s*(\d+)\s*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelList:
    """A list as ``(@101,103:105)``; each channel must be one of those that the device has."""

    of: frozenset[int]
    refusal: tuple[int, str] = (-222, "Data out of range")
    optional: bool = False

    def parse(self, token: str) -> tuple[int, ...]:
        """Read the channels in the order given; a range may run backwards."""
        inner = token[1:-1].strip()
        if token[:1] != "(" or token[-1:] != ")":
            raise ScpiError(-104)
        if inner[:1] != "@":
            raise ScpiError(-171)
        channels: list[int] = []
        for part in inner[1:].split(","):
            match = _CHANNEL.match(part)
            if match is None:
                raise ScpiError(-171)
            first, last = int(match[1]), int(match[2] or match[1])
            if abs(last - first) > 9999:
                raise ScpiError(*self.refusal)
            step = 1 if last >= first else -1
            channels.extend(range(first, last + step, step))
        if not self.of.issuperset(channels):
            raise ScpiError(*self.refusal)
        return tuple(channels)
