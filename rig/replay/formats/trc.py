"""TRC, PEAK's trace: versions 1.0 to 2.1.

Rules of this file: times are milliseconds since the start that the file names. Which column is what
stands in the version, and from 2.0 on in the file. The start is local time of who recorded; it is
taken as UTC, and said so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from rig.replay.formats.raw import TIME_MAX_US, Batches, Notes, Readable
from rig.replay.formats.text import LINE_MAX, lines_of
from rig.replay.log import LogError, LoggedFrame, Problem

_UNIX_DAY = 25_569  # days from PEAK's day 0, 1899-12-30, to 1970
_V1 = re.compile(r"\s*\d{1,9}\)\s+\d{1,12}(?:\.\d{1,4})?\s")
# Letters as PEAK has them from 2.0 on: number, time, type, bus, identifier, direction, reserved,
# length, data.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "1.0": ("N", "O", "I", "L", "D"),
    "1.1": ("N", "O", "T", "I", "L", "D"),
    "1.2": ("N", "O", "B", "T", "I", "L", "D"),
    "1.3": ("N", "O", "B", "T", "I", "R", "L", "D"),
    "2.0": ("N", "O", "T", "I", "d", "L", "D"),
    "2.1": ("N", "O", "T", "B", "I", "d", "R", "L", "D"),
}
_RESOLUTIONS_US = {"1.0": 1000, "1.1": 100}
_DATA_TYPES = frozenset({"DT", "Rx", "Tx"})
_ERROR_TYPES = frozenset({"ER", "Error"})
_REMOTE_TYPES = frozenset({"RR"})
_FD_TYPES = frozenset({"FD", "FB", "FE", "BI"})


def fits(line: str) -> bool:
    """Whether a line is one of a header, or a frame of version 1.0."""
    return line.startswith(";$FILEVERSION") or (
        len(line) <= LINE_MAX and _V1.match(line) is not None
    )


def read(file: Readable, notes: Notes) -> Batches:
    """The frames of a file. Raises LogError for a version that is not known."""
    notes.format = "TRC 1.0"
    notes.resolution_us = _RESOLUTIONS_US["1.0"]
    reader = _Reader(notes)
    for lines in lines_of(file, notes.file):
        frames = reader.frames(lines)
        if frames:
            yield frames


class _Reader:
    """Lines to frames."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._number = 0
        self._identifiers: dict[str, tuple[int, bool]] = {}
        self._columns: tuple[str, ...] = ()
        self._set_columns(_COLUMNS["1.0"])

    def _set_columns(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        place = {letter: index for index, letter in enumerate(columns)}
        self._time, self._id = place["O"], place["I"]
        self._length = place.get("L", place.get("l", -1))
        self._type, self._bus = place.get("T", -1), place.get("B", -1)
        self._data = place["D"]

    def frames(self, lines: list[str]) -> list[LoggedFrame]:
        """The frames of some lines; what is damaged is noted."""
        found: list[LoggedFrame] = []
        number = self._number
        for number, line in enumerate(lines, self._number + 1):
            if line.startswith(";"):
                self._header(line.strip())
                continue
            if not line.strip():
                continue
            try:
                if len(line) > LINE_MAX:
                    raise ValueError
                frame = self._frame(line.split(None, self._data), number)
            except (ValueError, IndexError, OverflowError):
                self._notes.add(Problem.UNREADABLE, f"line {number}", line.strip()[:60])
                continue
            if frame is not None:
                found.append(frame)
        self._number = number
        return found

    def _header(self, line: str) -> None:
        name, _, value = line.partition("=")
        value = value.strip()
        if name == ";$FILEVERSION":
            if value not in _COLUMNS:
                raise LogError(
                    f"{self._notes.file}: TRC version {value[:20]!r} is not known; allowed: "
                    f"{', '.join(_COLUMNS)}"
                )
            self._notes.format = f"TRC {value}"
            self._notes.resolution_us = _RESOLUTIONS_US.get(value, 1)
            self._set_columns(_COLUMNS[value])
        elif name == ";$STARTTIME":
            try:
                days = float(value)
            except ValueError:
                days = math.nan
            if _UNIX_DAY < days < 1e6:
                self._notes.epoch_us = round((days - _UNIX_DAY) * 86_400_000) * 1000
                self._notes.remarks.append(f"{self._notes.file}: its local time is taken as UTC")
        elif name == ";$COLUMNS":
            columns = tuple(value.split(","))
            if not {"O", "I", "D"} <= set(columns) or columns[-1] != "D":
                raise LogError(
                    f"{self._notes.file}: $COLUMNS={value[:40]} has no O, I, or D as the last; "
                    "allowed: such as N,O,T,B,I,d,R,L,D"
                )
            self._set_columns(columns)

    def _frame(self, columns: list[str], number: int) -> LoggedFrame | None:
        t_us = int(float(columns[self._time]) * 1000 + 0.5)
        if not 0 <= t_us <= TIME_MAX_US:
            raise ValueError(t_us)
        kind = columns[self._type] if self._type >= 0 else "Rx"
        identifier = columns[self._id] if len(columns) > self._id else ""
        if kind not in _DATA_TYPES or identifier == "FFFFFFFF":
            return self._no_data(t_us, kind, columns, number)
        bus = self._notes.channel(columns[self._bus] if self._bus >= 0 else "1")
        known = self._identifiers.get(identifier)
        if known is None:
            known = self._identifier(identifier)
        length = int(columns[self._length]) if self._length >= 0 else 8
        if not 0 <= length <= 8:
            raise ValueError(length)
        rest = columns[self._data].rstrip() if length else ""
        if rest.startswith("RTR"):
            self._notes.add(Problem.SKIPPED, f"line {number}", "remote", t_us=t_us)
            return None
        data = bytes.fromhex(rest[: 3 * length - 1]) if length else b""
        if len(data) != length:
            raise ValueError(length)
        return LoggedFrame(t_us, bus, known[0], known[1], data)

    def _no_data(self, t_us: int, kind: str, columns: list[str], number: int) -> LoggedFrame | None:
        """A line of another kind; None for what the tool tells of itself."""
        if kind in _ERROR_TYPES:
            bus = columns[self._bus] if self._bus >= 0 else "1"
            return LoggedFrame(t_us, self._notes.channel(bus), 0, True, b"", True)
        if kind in _REMOTE_TYPES or kind in _FD_TYPES:
            what = "remote" if kind in _REMOTE_TYPES else "CAN FD"
            self._notes.add(Problem.SKIPPED, f"line {number}", what, t_us=t_us)
        return None

    def _identifier(self, text: str) -> tuple[int, bool]:
        value, extended = int(text, 16), len(text) > 4
        if not 0 <= value <= (0x1FFFFFFF if extended else 0x7FF):
            raise ValueError(text)
        if len(self._identifiers) < 100_000:  # chosen: noise shall not fill the memory
            self._identifiers[text] = value, extended
        return value, extended
