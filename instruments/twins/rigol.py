"""Kinds of parameter of this maker's instruments: limits depend on channel, mode and range.

They are therefore read as they are sent, and the device decides what they mean.
"""

from dataclasses import dataclass

from instruments.scpi import Number, ScpiError
from instruments.scpi.parameters import keyword

_WORDS = tuple((keyword(word), word[:3].upper()) for word in ("MINimum", "MAXimum", "DEFault"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A number whose limits depend on other settings, or a word for one that does."""

    unit: str
    words: tuple[str, ...] = ("MIN", "MAX", "DEF")
    optional: bool = False

    def parse(self, token: str) -> float | str:
        """Read the number or the word."""
        text = token.upper()
        for spellings, word in _WORDS:
            if text in spellings and word in self.words:
                return word
        return text if text in self.words else Number(unit=self.unit).parse(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A word for an end of the range after a query."""

    words: tuple[str, ...] = ("MIN", "MAX")
    optional: bool = True

    def parse(self, token: str) -> str:
        """Read the word."""
        for spellings, word in _WORDS:
            if token.upper() in spellings and word in self.words:
                return word
        raise ScpiError(-108)
