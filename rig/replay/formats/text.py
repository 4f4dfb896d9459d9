"""Lines of a text file, packed or not, in lists, without ever holding much of it.

Rules of this file: bytes that are no characters of the format are for its reader to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

from rig.replay.formats.raw import Readable
from rig.replay.log import LogError

CHUNK = 1 << 20
LINE_MAX = 4096  # chosen: no line of these formats is longer; a damaged one can be anything


def lines_of(file: Readable, name: str) -> Iterator[list[str]]:
    """Lists of lines without their ends. Raises LogError for what is no text."""
    rest = ""
    while chunk := file.read(CHUNK):
        text = rest + chunk.decode("latin-1")
        lines = text.split("\n")
        rest = lines.pop()
        if len(rest) > CHUNK:
            raise LogError(f"{name}: a line of more than {CHUNK} characters; allowed: {LINE_MAX}")
        if lines:
            yield lines
    if rest:
        yield [rest]
