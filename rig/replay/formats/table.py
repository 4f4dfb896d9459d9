"""CSV: python-can's, SavvyCAN's, and any table of which a mapping says what its columns are.

Rules of this file: the first line names the columns. A row is a frame or noted.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Callable
from datetime import UTC, datetime

from rig.replay.formats.candump import UNIX_FROM_US
from rig.replay.formats.mapping import KNOWN, UNITS_US, Columns, Flag
from rig.replay.formats.raw import TIME_MAX_US, Batches, Notes, Readable
from rig.replay.formats.text import LINE_MAX, lines_of
from rig.replay.log import LogError, LoggedFrame, Problem


def layout_of(line: str) -> Columns | None:
    """The known layout whose columns a first line names; None for any other."""
    names = {each.strip() for each in line.split(",")}
    return next((each for each in KNOWN if _needed(each) <= names), None)


def read(file: Readable, notes: Notes, columns: Columns) -> Batches:
    """The frames of a table. Raises LogError where it has not the columns."""
    notes.format = columns.name if columns.name == "CSV" else f"CSV ({columns.name})"
    notes.resolution_us = 1 if columns.time_unit != "ms" else 1000
    reader: _Reader | None = None
    number = 0
    for lines in lines_of(file, notes.file):
        rows = lines
        if reader is None:
            head, *rows = lines
            reader = _Reader(columns, _split(head, columns), notes)
            number = 1
        frames = reader.frames(rows, number)
        number += len(rows)
        if frames:
            if notes.epoch_us is None and frames[0].t_us >= UNIX_FROM_US:
                notes.epoch_us = 0
            yield frames


def _needed(columns: Columns) -> set[str]:
    flags = (columns.extended, columns.error, columns.remote)
    names = {columns.time, columns.identifier, *columns.data}
    names |= {each for each in (columns.length, columns.bus) if each is not None}
    return names | {flag.column for flag in flags if flag is not None}


def _split(line: str, columns: Columns) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=columns.delimiter), [])
    except csv.Error:
        return []


class _Reader:
    """Rows to frames."""

    def __init__(self, columns: Columns, head: list[str], notes: Notes) -> None:
        names = [each.strip().removeprefix("\xef\xbb\xbf") for each in head]
        # SavvyCAN's last columns are missing where no frame is so long.
        optional = set(columns.data[1:]) if columns is not None and columns in KNOWN else set()
        missing = _needed(columns) - optional - set(names)
        if missing:
            raise LogError(
                f"{notes.file}: no column {', '.join(sorted(missing))}; allowed: "
                f"{', '.join(names)[:200]}"
            )
        self._notes, self._columns = notes, columns
        self._place = {name: index for index, name in enumerate(names)}
        self._time = self._place[columns.time]
        self._id = self._place[columns.identifier]
        self._data = [self._place[each] for each in columns.data if each in self._place]
        self._length = None if columns.length is None else self._place[columns.length]
        self._bus = None if columns.bus is None else self._place[columns.bus]
        self._flags = [
            None if flag is None else self._place[flag.column]
            for flag in (columns.extended, columns.error, columns.remote)
        ]
        self._bytes = _FORMS[columns.data_form]
        self._scale_us = UNITS_US.get(columns.time_unit)

    def frames(self, lines: list[str], number: int) -> list[LoggedFrame]:
        """The frames of some rows after line `number`; what is damaged is noted."""
        found: list[LoggedFrame] = []
        delimiter = self._columns.delimiter
        quoted = any('"' in line for line in lines)
        for place, line in enumerate(lines, number + 1):
            if not line or line.isspace():
                continue
            try:
                if len(line) > LINE_MAX:
                    raise ValueError
                cells = (
                    _split(line, self._columns) if quoted else line.rstrip("\r").split(delimiter)
                )
                frame = self._frame(cells, place)
            except (ValueError, IndexError, OverflowError, binascii.Error):
                self._notes.add(Problem.UNREADABLE, f"line {place}", line.strip()[:60])
                continue
            if frame is not None:
                found.append(frame)
        return found

    def _frame(self, cells: list[str], number: int) -> LoggedFrame | None:
        columns = self._columns
        t_us = self._time_us(cells[self._time].strip())
        if abs(t_us) > TIME_MAX_US:
            raise ValueError(t_us)
        bus = self._notes.channel(cells[self._bus].strip() if self._bus is not None else "1")
        extended_at, error_at, remote_at = self._flags
        if _is(columns.error, cells, error_at):
            return LoggedFrame(t_us, bus, 0, True, b"", True)
        if _is(columns.remote, cells, remote_at):
            self._notes.add(Problem.SKIPPED, f"line {number}", "remote", t_us=t_us)
            return None
        can_id = int(cells[self._id], columns.identifier_base)
        extended = (
            can_id > 0x7FF
            if columns.extended is None
            else _is(columns.extended, cells, extended_at)
        )
        if not 0 <= can_id <= (0x1FFFFFFF if extended else 0x7FF):
            raise ValueError(can_id)
        length = None if self._length is None else int(cells[self._length])
        if len(self._data) > 1 and length is not None and length <= 8:
            text = " ".join(cells[place] for place in self._data[:length])
        else:
            text = " ".join(cells[place] for place in self._data if place < len(cells))
        data = self._bytes(text)
        if (length or len(data)) > 8:
            self._notes.add(Problem.SKIPPED, f"line {number}", "CAN FD", t_us=t_us)
            return None
        if length is not None and len(data) != length:
            raise ValueError(length)
        return LoggedFrame(t_us, bus, can_id, extended, data)

    def _time_us(self, text: str) -> int:
        if self._columns.decimal != ".":
            text = text.replace(self._columns.decimal, ".")
        if self._scale_us is None:
            told = datetime.fromisoformat(text)
            told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
            since = told - datetime(1970, 1, 1, tzinfo=UTC)
            return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
        if self._scale_us == 1.0 and "." not in text:
            return int(text)
        whole, _, part = text.partition(".")
        if self._scale_us == 1e6 and whole.isdigit() and (not part or part.isdigit()):
            # By whole numbers: a Unix time in microseconds is at the end of what a float can say.
            return int(whole) * 1_000_000 + int((part or "0").ljust(6, "0")[:6])
        value = float(text) * self._scale_us
        if not abs(value) < 1e18:
            raise ValueError(text)
        return round(value)


def _is(flag: Flag | None, cells: list[str], place: int | None) -> bool:
    return flag is not None and place is not None and cells[place].strip().lower() in flag.values


def _hex(text: str) -> bytes:
    text = text.replace("0x", " ").replace("0X", " ")
    parts = text.split()
    if len(parts) > 1:
        return bytes(int(part, 16) for part in parts)
    return bytes.fromhex(text)


def _dec(text: str) -> bytes:
    return bytes(int(part) for part in text.split())


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=False)


_FORMS: dict[str, Callable[[str], bytes]] = {"hex": _hex, "dec": _dec, "base64": _base64}
