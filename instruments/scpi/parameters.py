"""Kinds of program data, and how each is read from its text.

A kind is frozen and knows no device, so that what it reads can be remembered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import floor, inf
from typing import Any, Protocol

from instruments.scpi.errors import ScpiError

_WHITE = r"[\x00-\x20]*"
_NRF = re.compile(
    rf"([+-]?(?:\d+\.?\d*|\.\d+))(?:{_WHITE}E{_WHITE}([+-]?\d+))?{_WHITE}([A-Z/%]*)$", re.ASCII
)
_TWO_NUMBERS = re.compile(r"[+-]?[\d.]+[\x00-\x20]+[+-]?[\d.]", re.ASCII)
# Limits of IEEE 488.2 section 7.7.2.4: digits of a mantissa, size of an exponent.
_MOST_DIGITS, _LARGEST_EXPONENT = 255, 32_000
_LONGEST_SUFFIX = 12
_RADIX = {"#H": 16, "#Q": 8, "#B": 2}
# The table of IEEE 488.2 section 7.7.3; M is milli, mega is MA.
_MULTIPLIERS: Mapping[str, float] = {
    "EX": 1e18,
    "PE": 1e15,
    "T": 1e12,
    "G": 1e9,
    "MA": 1e6,
    "K": 1e3,
    "": 1.0,
    "M": 1e-3,
    "U": 1e-6,
    "N": 1e-9,
    "P": 1e-12,
    "F": 1e-15,
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
    if unit.endswith("/S"):
        # A slew is told per ms or us as well.
        for spelling, factor in list(table.items()):
            table |= {spelling[:-1] + "MS": factor * 1e3, spelling[:-1] + "US": factor * 1e6}
    return table


def nearest(value: float) -> int:
    """The whole number that IEEE 488.2 rounds to: halves go away from zero."""
    return floor(value + 0.5) if value >= 0 else -floor(0.5 - value)


def decimal(text: str) -> tuple[float, str]:
    """A decimal number and the suffix behind it, both from upper-case text."""
    match = _NRF.match(text)
    if match is None:
        if text[:1] not in set("+-.0123456789"):
            raise ScpiError(-104)
        raise ScpiError(-103 if _TWO_NUMBERS.match(text) else -121)
    mantissa, exponent, suffix = match[1], match[2] or "0", match[3]
    if len(mantissa) > _MOST_DIGITS:
        raise ScpiError(-124)
    if len(exponent) > 7 or abs(int(exponent)) > _LARGEST_EXPONENT:
        raise ScpiError(-123)
    value = float(f"{mantissa}E{exponent}")
    if abs(value) == inf:
        raise ScpiError(-222)
    return value, suffix


def keyword(spelling: str) -> frozenset[str]:
    """Short and long form of a mnemonic whose capitals are its short form, as ``MINimum``."""
    short = "".join(c for c in spelling if not c.islower())
    return frozenset({short, spelling.upper()})


_MINIMUM, _MAXIMUM, _DEFAULT = keyword("MINimum"), keyword("MAXimum"), keyword("DEFault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A decimal number with an optional unit, or MIN, MAX, DEF; also #H, #Q and #B.

    ``whole`` rounds it before its range is looked at.
    """

    unit: str = ""
    low: float = -inf
    high: float = inf
    default: float | None = None
    whole: bool = False
    optional: bool = False

    def parse(self, token: str) -> float:
        """Read the value in the kind's own unit."""
        text = token.upper()
        bound = self.bound(text)
        if bound is not None:
            return bound
        value = self._value(text)
        if self.whole:
            value = float(nearest(value))
        if not self.low <= value <= self.high or abs(value) == inf:
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
            return _radix(text)
        value, suffix = decimal(text)
        if not suffix:
            return value
        if not self.unit:
            raise ScpiError(-138)
        if len(suffix) > _LONGEST_SUFFIX:
            raise ScpiError(-134)
        factor = _suffixes(self.unit).get(suffix)
        if factor is None:
            raise ScpiError(-131)
        return value * factor


def _radix(text: str) -> float:
    digits = text[2:]
    # Python reads underscores and signs into whole numbers; SCPI does not.
    if not digits.isalnum() or len(digits) > _MOST_DIGITS:
        raise ScpiError(-121)
    try:
        return float(int(digits, _RADIX[text[:2]]))
    except ValueError:
        raise ScpiError(-121) from None


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
        if text[:1].isalpha():
            raise ScpiError(-141)
        if text[:2] in _RADIX:
            return _radix(text) != 0
        value, suffix = decimal(text)
        if suffix:
            raise ScpiError(-138)
        return nearest(value) != 0


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
        inner = token[1:-1]
        if len(token) < 2 or token[-1] != quote or quote in inner.replace(quote * 2, ""):
            raise ScpiError(-151)
        return inner.replace(quote * 2, quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block: ``#``, digits, count and bytes; or ``#0`` and bytes up to the message's end."""

    optional: bool = False

    def parse(self, token: str) -> bytes:
        """Read the bytes."""
        if token[:1] != "#":
            raise ScpiError(-104)
        if token[1:2] == "0":
            return token[2:].removesuffix("\n").encode("latin-1")
        if len(token) < 3 or not token[1].isdecimal():
            raise ScpiError(-161)
        start = 2 + int(token[1])
        if not token[2:start].isdecimal() or len(token) != start + int(token[2:start]):
            raise ScpiError(-161)
        return token[start:].encode("latin-1")


_CHANNEL = re.compile(rf"{_WHITE}(\d{{1,9}}){_WHITE}(?::{_WHITE}(\d{{1,9}}){_WHITE})?$", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelList:
    """A list as ``(@101,103:105)``; each channel must be one of those that the device has.

    ``may_be_empty`` takes ``(@)``; ``ranges_skip`` passes over what does not exist between the
    ends of a range, which must exist.
    """

    of: frozenset[int]
    refusal: tuple[int, str] = (-222, "Data out of range")
    may_be_empty: bool = False
    ranges_skip: bool = False
    optional: bool = False

    def parse(self, token: str) -> tuple[int, ...]:
        """Read the channels in the order given; a range may run backwards."""
        if token[:1] != "(" or token[-1:] != ")":
            raise ScpiError(-104)
        inner = token[1:-1].strip()
        if inner[:1] != "@":
            raise ScpiError(-171)
        if self.may_be_empty and not inner[1:].strip():
            return ()
        channels: list[int] = []
        for part in inner[1:].split(","):
            match = _CHANNEL.match(part)
            if match is None:
                raise ScpiError(-171)
            channels += self._span(int(match[1]), int(match[2] or match[1]))
        return tuple(channels)

    def _span(self, first: int, last: int) -> list[int]:
        if first not in self.of or last not in self.of:
            raise ScpiError(*self.refusal)
        step = 1 if last >= first else -1
        span = range(first, last + step, step)
        if self.ranges_skip:
            return [channel for channel in span if channel in self.of]
        if not self.of.issuperset(span):
            raise ScpiError(*self.refusal)
        return list(span)
