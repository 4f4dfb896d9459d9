"""Cutting a program message at its separators, but never inside a string, list or block.

Also where a message ends: a line feed inside a definite-length block is data.
"""

CLOSERS = {'"': '"', "'": "'", "(": ")"}


def split(text: str, separator: str) -> list[str]:
    """Cut at each separator that stands outside strings, parentheses and blocks."""
    if not any(mark in text for mark in "\"'(#"):
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
        elif character == "#":
            position += block_length(text, position) - 1
        position += 1
    parts.append(text[start:])
    return parts


def block_length(text: str, start: int) -> int:
    """Characters of the definite block at ``start``; 1 if none begins there."""
    digits = text[start + 1 : start + 2]
    if not digits.isdecimal() or digits == "0":
        return 1
    count = text[start + 2 : start + 2 + int(digits)]
    if len(count) < int(digits) or not count.isdecimal():
        return 1
    return 2 + int(digits) + int(count)


def message_end(data: bytes) -> int:
    """Where the line feed stands that ends the first message; -1 if it has not come yet."""
    end = data.find(b"\n")
    if end < 0 or b"#" not in data[:end]:
        return end
    text = data.decode("latin-1")
    position = 0
    while position < len(text):
        if text[position] == "\n":
            return position
        position += block_length(text, position) if text[position] == "#" else 1
    return -1
