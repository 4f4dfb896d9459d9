"""NMEA 2000 group functions (PGN 126208): others ask for a PGN, or command its fields.

Public: the field layouts that decoders publish. A parameter is a field's number and its bytes; how
many bytes those are only the PGN tells, so whoever reads a message says it of each field.
"""

from collections.abc import Callable
from dataclasses import dataclass

GROUP_FUNCTION = 126208
PRIORITY = 3
REQUEST, COMMAND, ACKNOWLEDGE = 0, 1, 2
_FIRST_PARAMETER = {REQUEST: 11, COMMAND: 6}  # byte

# Codes of an acknowledge, for the PGN, for the interval or priority, and for a parameter.
OK = 0
PGN_NOT_SUPPORTED, PGN_COMMAND_NOT_SUPPORTED = 1, 4
INTERVAL_NOT_SUPPORTED = 1
INVALID_FIELD, OUT_OF_RANGE, ACCESS_DENIED = 1, 3, 4

SAME_INTERVAL, STANDARD_INTERVAL = 0xFFFFFFFF, 0xFFFFFFFE
TEXT = -1  # a field's length: variable, as its first byte says


@dataclass(frozen=True, slots=True)
class GroupFunction:
    """A request or a command: for which PGN, the interval that a request asks for (ms), fields.

    ``fields``: number and bytes; None for the bytes from the first field on whose length is not
    known.
    """

    function: int
    pgn: int
    interval_ms: int
    fields: tuple[tuple[int, bytes | None], ...]


def read(data: bytes, length_of: Callable[[int, int], int | None]) -> GroupFunction | None:
    """The group function in a message; None for one that is cut short, or of another kind.

    ``length_of``: of a PGN and a field, its bytes; TEXT, or None where nobody knows it.
    """
    first = _FIRST_PARAMETER.get(data[0]) if data else None
    if first is None or len(data) < first:
        return None
    pgn = int.from_bytes(data[1:4], "little")
    interval_ms = int.from_bytes(data[4:8], "little") if data[0] == REQUEST else SAME_INTERVAL
    count, rest = data[first - 1], data[first:]
    fields: list[tuple[int, bytes | None]] = []
    while len(fields) < count and rest:
        number = rest[0]
        length = length_of(pgn, number)
        if length == TEXT:
            length = rest[1] if len(rest) > 1 else None
        if length is None or len(rest) <= length:
            fields += [(number, None)] * (count - len(fields))
            break
        fields.append((number, rest[1 : 1 + length]))
        rest = rest[1 + length :]
    return GroupFunction(data[0], pgn, interval_ms, tuple(fields))


def acknowledge(pgn: int, pgn_code: int, interval_code: int, codes: tuple[int, ...]) -> bytes:
    """The answer to a request or a command: a code for the PGN, and one for each field."""
    data = bytes((ACKNOWLEDGE,)) + pgn.to_bytes(3, "little")
    data += bytes((pgn_code | interval_code << 4, len(codes)))
    pairs = [*codes, 0xF] if len(codes) % 2 else codes
    return data + bytes(low | high << 4 for low, high in zip(pairs[::2], pairs[1::2], strict=True))


def text(value: str) -> bytes:
    """A text of variable length: how many bytes in all, that it is ASCII, and its characters."""
    raw = value.encode("ascii", "replace")
    return bytes((len(raw) + 2, 1)) + raw


def read_text(raw: bytes) -> str | None:
    """What a text says, ASCII or UTF-16; None for what is none."""
    if len(raw) < 2 or raw[0] != len(raw) or raw[1] not in {0, 1}:
        return None
    try:
        return raw[2:].decode("ascii" if raw[1] else "utf-16-le")
    except UnicodeDecodeError:
        return None
