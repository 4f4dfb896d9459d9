"""How a DAQ970A writes numbers and lists, and the kinds of its parameters."""

from dataclasses import dataclass
from math import inf

from instruments.scpi import ChannelList, Number


def exponent(value: float) -> str:
    """As the instrument writes numbers that are not whole."""
    return f"{value:+.8E}"


@dataclass(frozen=True, slots=True)
class Span:
    """A range or resolution; AUTO, DEF, MIN, MAX and, with ``words``, any word arrive as None."""

    words: bool = False
    optional: bool = True

    def parse(self, token: str) -> float | None:
        """Read it."""
        if token.upper() in {"AUTO", "DEF", "DEFAULT", "MIN", "MAX"} or (
            self.words and token[:1].isalpha()
        ):
            return None
        return float(Number(low=0.0, high=1e9).parse(token))


@dataclass(frozen=True, slots=True)
class EmptyOr:
    """A channel list that may be ``(@)``, which empties what it is for."""

    channels: ChannelList
    optional: bool = False

    def parse(self, token: str) -> tuple[int, ...]:
        """Read it."""
        empty = token.replace(" ", "") == "(@)"
        return () if empty else self.channels.parse(token)


@dataclass(frozen=True, slots=True)
class OrInfinity:
    """A count, or INF for scans without end."""

    number: Number
    optional: bool = False

    def parse(self, token: str) -> float:
        """Read it."""
        return inf if token.upper() in {"INF", "INFINITY"} else float(self.number.parse(token))


def block(text: str) -> str:
    """A definite-length block."""
    count = str(len(text))
    return f"#{len(count)}{count}{text}"
