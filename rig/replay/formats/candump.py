"""candump: its log files (`candump -L`, `-l`) and what it prints (`-t a`, `-t A`, `-t d`, `-t z`).

Rules of this file: a time from 2001 on is Unix time, a smaller one counts from the recording's
start; what `-t d` prints is the time since the line before, told by times that do not rise. `-t A`
prints local time; it is taken as UTC, and said so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rig.replay.formats.raw import Batches, Notes, Readable, are_since_the_one_before
from rig.replay.formats.text import LINE_MAX, lines_of
from rig.replay.log import LogError, LoggedFrame, Problem

UNIX_FROM_US = 978_307_200_000_000  # chosen: no log of this system is older than 2001
_ERROR_FLAG, _IDENTIFIER_BITS = 0x20000000, 0x1FFFFFFF
_LINE = re.compile(
    r"\s*(?:\(([^)]{1,40})\)\s+)?([^\s(]\S{0,40})\s+(?:[RT]X\s+\S\s+\S\s+)?"
    r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})(?:#(\S*)|\s+\[(\d{1,2})\](.*))"
)
_BYTES = re.compile(r"\s*((?:[0-9A-Fa-f]{2}(?:\s+|$))*)(.*)")
_SECONDS = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?")


def fits(line: str) -> bool:
    """Whether a line is one of candump's."""
    return len(line) <= LINE_MAX and _LINE.match(line) is not None


def read(file: Readable, notes: Notes) -> Batches:
    """The frames of a file. Raises LogError where its lines have no times."""
    notes.format = "candump"
    reader = _Reader(notes)
    delta: bool | None = None
    total_us = 0
    for lines in lines_of(file, notes.file):
        frames = reader.frames(lines)
        if not frames:
            continue
        if delta is None:
            if frames[0].t_us >= UNIX_FROM_US:
                notes.epoch_us = 0
            delta = reader.printed and are_since_the_one_before([f.t_us for f in frames])
            if delta:
                notes.remarks.append(f"{notes.file}: its times are those since the line before")
        if delta:
            for frame in frames:
                total_us += frame.t_us
                frame.t_us = total_us
        yield frames


class _Reader:
    """Lines to frames."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._number = 0
        self._identifiers: dict[str, tuple[int, bool]] = {}
        self.printed = False
        self._local = False

    def frames(self, lines: list[str]) -> list[LoggedFrame]:
        """The frames of some lines; what is no frame is noted."""
        found: list[LoggedFrame] = []
        append, identifiers, bus_of = found.append, self._identifiers, self._notes.channels
        from_hex = bytes.fromhex
        number = self._number
        for number, line in enumerate(lines, self._number + 1):
            # The usual line, by the shortest way; whatever does not go by it goes by the other.
            try:
                stamp, bus, frame, *_ = line.split(None, 3)
                identifier, data = frame.split("#")
                can_id, extended = identifiers[identifier]
                if stamp[-8] != "." or stamp[0] != "(" or len(data) > 16 or len(stamp) > 21:
                    raise ValueError
                append(
                    LoggedFrame(
                        int(stamp[1:-8] + stamp[-7:-1]),
                        bus_of[bus],
                        can_id,
                        extended,
                        from_hex(data),
                    )
                )
            except (ValueError, KeyError, IndexError):
                other = self._other(line, number)
                if other is not None:
                    append(other)
        self._number = number
        return found

    def _other(self, line: str, number: int) -> LoggedFrame | None:
        """A line that is unusual, new, or no frame."""
        shape = _LINE.match(line) if len(line) <= LINE_MAX else None
        if shape is None:
            # After an error frame candump tells in words, indented, what it was.
            if line.strip() and not line.startswith(("\t\t", "#")):
                self._unreadable(number, line)
            return None
        stamp, bus, identifier, logged, length, printed = shape.groups()
        if stamp is None:
            raise LogError(
                f"{self._notes.file}: line {number} has no time; allowed: what `candump -L` or "
                "`candump -t a` writes"
            )
        t_us = self._time_us(stamp)
        data, kind = _data(logged, length, printed)
        if t_us is None or (data is None and not kind):
            self._unreadable(number, line)
            return None
        if data is None or kind:
            self._notes.add(Problem.SKIPPED, f"line {number}", kind)
            return None
        self.printed |= logged is None
        value = int(identifier, 16)
        on = self._notes.channel(bus)
        if len(identifier) == 8 and value & _ERROR_FLAG:
            return LoggedFrame(t_us, on, 0, True, b"", True)
        extended = len(identifier) == 8
        if value > (_IDENTIFIER_BITS if extended else 0x7FF):
            self._unreadable(number, line)
            return None
        if len(self._identifiers) < 100_000:  # chosen: noise shall not fill the memory
            self._identifiers[identifier] = value, extended
        return LoggedFrame(t_us, on, value, extended, data)

    def _unreadable(self, number: int, line: str) -> None:
        self._notes.add(Problem.UNREADABLE, f"line {number}", line.strip()[:60])

    def _time_us(self, stamp: str) -> int | None:
        seconds = _SECONDS.fullmatch(stamp)
        if seconds is not None:
            return int(seconds[1]) * 1_000_000 + int((seconds[2] or "0").ljust(6, "0")[:6])
        try:
            told = datetime.fromisoformat(stamp)
        except ValueError:
            return None
        if not self._local:
            self._local = True
            self._notes.remarks.append(f"{self._notes.file}: its local time is taken as UTC")
        since = told.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def _data(logged: str | None, length: str | None, printed: str | None) -> tuple[bytes | None, str]:
    """The bytes of a frame; else None, and which kind of frame it is if it is one."""
    if logged is not None:
        if logged.startswith("#"):
            return None, "CAN FD"
        if logged[:1] in {"R", "r"}:
            return None, "remote"
        text = logged.replace(".", "").partition("_")[0]
    else:
        shape = _BYTES.match(printed or "")
        text, rest = (shape[1], shape[2]) if shape is not None else ("", "")
        if rest.startswith("remote"):
            return None, "remote"
        if length is not None and int(length) > 8:
            return None, "CAN FD"
        text = "".join(text.split())
        if length is None or len(text) != 2 * int(length):
            return None, ""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None, ""
    return (data, "") if len(data) <= 8 else (None, "")
