"""When a night has to be over: a window of the day, in local time, or so many hours from now."""

import re
from datetime import datetime, timedelta

from rig.errors import BenchFileError

WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class OutsideTheWindow(BenchFileError):
    """It is not the time of day for a night: nothing is to be done, and nothing is wrong."""


def end_of(window: str | None, hours: float | None, now: datetime) -> datetime | None:
    """The instant at which nothing begins any more; None for a night without an end.

    ``now`` has an offset. Raises BenchFileError for a window that is none, and OutsideTheWindow if
    ``now`` is not in it.
    """
    if window is not None and hours is not None:
        raise BenchFileError("--window, --hours: both are given; allowed: one of them")
    if hours is not None:
        return now + timedelta(hours=hours)
    if window is None:
        return None
    begin, end = _next_of(window, now)
    if begin > now:
        raise OutsideTheWindow(f"--window {window}: it is {now:%H:%M}; nothing to do")
    return end


def span_of(
    window: str | None, hours: float | None, now: datetime
) -> tuple[datetime, datetime] | None:
    """From when until when tests may begin, for who plans; None without an end.

    What is left of the window that ``now`` is in, or else the whole of the next one. Raises
    BenchFileError for a window that is none.
    """
    if window is None or hours is not None:
        end = end_of(window, hours, now)
        return None if end is None else (now, end)
    begin, end = _next_of(window, now)
    return max(begin, now), end


def _next_of(window: str, now: datetime) -> tuple[datetime, datetime]:
    """Beginning and end of the window that ``now`` is in, or else of the next one."""
    match = WINDOW.fullmatch(window)
    if match is None or match.group(1, 2) == match.group(3, 4):
        raise BenchFileError(f"--window {window}: allowed: two times of the day, as 22:00-06:00")
    first, last = (
        now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        for hour, minute in (match.group(1, 2), match.group(3, 4))
    )
    if last < first:
        last += timedelta(days=1)
    days = next(days for days in (-1, 0, 1) if now < last + timedelta(days=days))
    return first + timedelta(days=days), last + timedelta(days=days)
