"""Cutting a program message at its separators, but never inside a string, list or block.

Also where a message ends: a line feed inside a definite-length block is data. A line feed ends a
message even inside a string, else a forgotten quote would swallow every message after it.
"""

CLOSERS = {'"': '"', "'": "'", "(": ")"}
# White space of IEEE 488.2: every control character and the blank; the line feed is a terminator.
WHITE = "".join(map(chr, range(33)))
_BEFORE_A_PARAMETER = WHITE + ","
_MARKS = "\"'(#"
_NEVER = 1 << 62


def split(text: str, separator: str) -> list[str]:
    """Cut at each separator that stands outside strings, parentheses and blocks."""
    if not any(mark in text for mark in _MARKS):
        return text.split(separator)
    parts: list[str] = []
    start = position = 0
    while position < len(text):
        character = text[position]
        if character == separator:
            parts.append(text[start:position])
            start = position + 1
        elif character in CLOSERS:
            end = text.find(CLOSERS[character], position + 1)
            position = len(text) if end < 0 else end
        elif character == "#" and _begins_a_parameter(text, position):
            position += block_length(text, position) - 1
        position += 1
    parts.append(text[start:])
    return parts


def strip(text: str) -> str:
    """Take white space off both ends, but none that is a block's data."""
    text = text.lstrip(WHITE)
    start = text.find("#")
    if start < 0:
        return text.rstrip(WHITE)
    end = 0
    while start >= 0:
        if _begins_a_parameter(text, start):
            end = min(start + block_length(text, start), len(text))
        start = text.find("#", max(start + 1, end))
    return text[:end] + text[end:].rstrip(WHITE)


def block_length(text: str, start: int) -> int:
    """Characters of the block at ``start``; 1 if none begins there.

    An indefinite block, ``#0``, has no end but the message's.
    """
    digits = text[start + 1 : start + 2]
    if not digits.isdecimal():
        return 1
    if digits == "0":
        return _NEVER
    count = text[start + 2 : start + 2 + int(digits)]
    if len(count) < int(digits) or not count.isdecimal():
        return 1
    return 2 + int(digits) + int(count)


def message_end(data: bytes, ends: bytes = b"\n") -> int:
    """Where the character stands that ends the first message; -1 if it has not come yet."""
    end = min((at for at in map(data.find, _each(ends)) if at >= 0), default=-1)
    if end < 0 or b"#" not in data[:end]:
        return end
    text, enders = data.decode("latin-1"), ends.decode("latin-1")
    position, quote = 0, ""
    while position < len(text):
        character = text[position]
        if character in enders:
            return position
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and _begins_a_parameter(text, position):
            length = block_length(text, position)
            # An indefinite block ends with the message, at the first line feed after it.
            position += 1 if length == _NEVER else length - 1
        position += 1
    return -1


def _begins_a_parameter(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] in _BEFORE_A_PARAMETER


def _each(ends: bytes) -> list[bytes]:
    return [ends[i : i + 1] for i in range(len(ends))]
