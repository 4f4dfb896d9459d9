"""ASC, Vector's text log: what CANoe, CANalyzer and many loggers write.

Rules of this file: times are seconds since the start that the file names, or since the line before
(`timestamps relative`). A line that is no frame is an event of the tool, and is passed over. The
start is local time of who recorded; it is taken as UTC, and said so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rig.replay.formats.raw import TIME_MAX_US, Batches, Notes, Readable, are_since_the_one_before
from rig.replay.formats.text import LINE_MAX, lines_of
from rig.replay.log import LoggedFrame, Problem

_BASE = re.compile(r"base\s+(hex|dec)(?:\s+timestamps\s+(absolute|relative))?", re.I)
_DATE = re.compile(r"(?:date|begin\s+triggerblock)\s+\S{2,4}\s+(.{10,60})", re.I)
_STAMP = re.compile(r"\s*(\d{1,9}\.\d{1,9})\s")
_BEGIN = re.compile(r"\s*\d{1,9}\.\d{1,9}\s+(?:\d{1,3}\s|CANFD\s)")
_MONTH_NAMES = "jan feb mar,mär,mrz apr may,mai jun jul aug sep oct,okt nov dec,dez"
_MONTHS = {
    name: f"{number:02}"
    for number, names in enumerate(_MONTH_NAMES.split(" "), 1)
    for name in names.split(",")
}
_SHAPES = (
    "%m %d %I:%M:%S.%f %p %Y",
    "%m %d %I:%M:%S %p %Y",
    "%m %d %H:%M:%S.%f %Y",
    "%m %d %H:%M:%S %Y",
)
_DIRECTIONS = frozenset({"Rx", "Tx", "TxRq", "rx", "tx"})
_FD_FLAG = 0x1000


def fits(line: str) -> bool:
    """Whether a line is one of the header, or a frame."""
    return len(line) <= LINE_MAX and (
        _BASE.match(line) is not None
        or (_BEGIN.match(line) is not None and not _DIRECTIONS.isdisjoint(line.split()))
    )


def read(file: Readable, notes: Notes) -> Batches:
    """The frames of a file."""
    notes.format = "ASC"
    reader = _Reader(notes)
    for number, lines in enumerate(lines_of(file, notes.file)):
        if number == 0:
            reader.look_at_the_clock(lines)
        frames = reader.frames(lines)
        if frames:
            yield frames


def start_us(text: str) -> int | None:
    """Unix time of a date as the format has it: `Sep 30 10:06:13.191 PM 2017`."""
    month, _, rest = text.strip().partition(" ")
    number = _MONTHS.get(month[:3].lower())
    if number is None:
        return None
    for shape in _SHAPES:
        try:
            told = datetime.strptime(f"{number} {rest.strip()}", shape).replace(tzinfo=UTC)
        except ValueError:
            continue
        since = told - datetime(1970, 1, 1, tzinfo=UTC)
        return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    return None


class _Reader:
    """Lines to frames."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._number = 0
        self._base = 16
        self._relative = self._deltas = False
        self._total_us = 0
        self._triggered = False
        self._identifiers: dict[str, tuple[int, bool]] = {}

    def look_at_the_clock(self, lines: list[str]) -> None:
        """Many tools write `timestamps relative` and mean since the start: the times tell."""
        stamps = (_STAMP.match(line) for line in lines)
        times_us = [int(float(stamp[1]) * 1e6 + 0.5) for stamp in stamps if stamp is not None]
        self._deltas = are_since_the_one_before(times_us)

    def frames(self, lines: list[str]) -> list[LoggedFrame]:
        """The frames of some lines; what is damaged is noted."""
        found: list[LoggedFrame] = []
        append, identifiers, bus_of = found.append, self._identifiers, self._notes.channels
        from_hex, directions, number = bytes.fromhex, _DIRECTIONS, self._number
        usual = self._base == 16 and not self._relative
        for number, line in enumerate(lines, self._number + 1):
            # The usual line, by the shortest way; whatever does not go by it goes by the other.
            try:
                stamp, bus, identifier, direction, kind, length, data = line.split(None, 6)
                if kind != "d" or length not in "12345678" or not usual:
                    raise ValueError
                if direction not in directions:
                    raise ValueError
                can_id, extended = identifiers[identifier]
                count = int(length)
                body = from_hex(data[: 3 * count - 1])
                if len(body) != count:
                    raise ValueError
                t_us = int(float(stamp) * 1e6 + 0.5)
                if t_us > TIME_MAX_US:
                    raise ValueError
                append(
                    LoggedFrame(
                        t_us,
                        bus_of[bus],
                        can_id,
                        extended,
                        body,
                    )
                )
            except (ValueError, KeyError, OverflowError):
                if len(line) <= LINE_MAX:
                    other = self._other(line, number)
                    usual = self._base == 16 and not self._relative
                    if other is not None:
                        append(other)
                else:
                    self._unreadable(number, line)
        self._number = number
        return found

    def _unreadable(self, number: int, line: str) -> None:
        self._notes.add(Problem.UNREADABLE, f"line {number}", line.strip()[:60])

    def _other(self, line: str, number: int) -> LoggedFrame | None:
        """A line of the header, an event, or a frame that is unusual or new."""
        stamp = line.split(None, 1)[:1]
        try:
            t_us = int(float(stamp[0]) * 1e6 + 0.5) if stamp and stamp[0][:1].isdigit() else None
        except (ValueError, OverflowError):
            t_us = None
        if t_us is None:
            self._header(line)
            return None
        if t_us > TIME_MAX_US:
            self._unreadable(number, line)
            return None
        if self._relative:
            self._total_us += t_us
            t_us = self._total_us
        if _BEGIN.match(line) is None:
            return None
        try:
            return self._frame(t_us, line.split(), number)
        except (ValueError, IndexError):
            self._unreadable(number, line)
            return None

    def _header(self, line: str) -> None:
        base, date = _BASE.match(line.strip()), _DATE.match(line.strip())
        if base is not None:
            self._base = 16 if base[1].lower() == "hex" else 10
            self._relative = (base[2] or "").lower() == "relative" and self._deltas
        elif date is not None:
            begins = line.strip()[:1] in "bB"
            if self._triggered or (self._number and not begins):
                return
            self._triggered = begins
            self._notes.epoch_us = start_us(date[1])
            remark = f"{self._notes.file}: its local time is taken as UTC"
            if remark not in self._notes.remarks:
                self._notes.remarks.append(remark)

    def _frame(self, t_us: int, tokens: list[str], number: int) -> LoggedFrame | None:
        if tokens[1] == "CANFD":
            return self._fd(t_us, tokens, number)
        bus = self._notes.channel(tokens[1])
        if tokens[2].lower() == "errorframe":
            return LoggedFrame(t_us, bus, 0, True, b"", True)
        if len(tokens) < 5 or tokens[3] not in _DIRECTIONS:
            return None  # an event of the tool: statistics, a status of the chip
        if tokens[4].lower() == "r":
            self._notes.add(Problem.SKIPPED, f"line {number}", "remote", t_us=t_us)
            return None
        if tokens[4].lower() != "d":
            raise ValueError(tokens[4])
        can_id, extended = self._identifier(tokens[2])
        length = int(tokens[5], self._base)
        return LoggedFrame(t_us, bus, can_id, extended, self._bytes(tokens[6:], min(length, 8)))

    def _fd(self, t_us: int, tokens: list[str], number: int) -> LoggedFrame | None:
        """A line of a channel that can do CAN FD: a classical frame, too, is written so."""
        bus = self._notes.channel(tokens[2])
        if tokens[4].lower() == "errorframe":
            return LoggedFrame(t_us, bus, 0, True, b"", True)
        rest = tokens[5:] if tokens[5] in {"0", "1"} and tokens[6] in {"0", "1"} else tokens[6:]
        length = int(rest[3])
        flags = int(rest[4 + length + 2], 16) if len(rest) > length + 6 else _FD_FLAG
        if flags & _FD_FLAG or length > 8 or length == 0:
            self._notes.add(Problem.SKIPPED, f"line {number}", "CAN FD", t_us=t_us)
            return None
        can_id, extended = self._identifier(tokens[4])
        return LoggedFrame(t_us, bus, can_id, extended, self._bytes(rest[4:], length))

    def _bytes(self, tokens: list[str], length: int) -> bytes:
        data = bytes(int(token, self._base) for token in tokens[:length])
        if len(data) < length:
            raise ValueError(length)
        return data

    def _identifier(self, text: str) -> tuple[int, bool]:
        known = self._identifiers.get(text)
        if known is not None:
            return known
        extended = text[-1:] in {"x", "X"}
        value = int(text[:-1] if extended else text, self._base)
        if not 0 <= value <= (0x1FFFFFFF if extended else 0x7FF):
            raise ValueError(text)
        if len(self._identifiers) < 100_000:  # chosen: noise shall not fill the memory
            self._identifiers[text] = value, extended
        return value, extended
