"""Wall-clock time, for what is outside a virtual run: when a run began, and how long it took."""

import time
from datetime import UTC, datetime


def utc_now() -> str:
    """The time now, in UTC, as ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def unix_ms() -> int:
    """Milliseconds since 1970 by the clock on the wall, which may be set meanwhile."""
    return time.time_ns() // 1_000_000


def wall_s() -> float:
    """Seconds of a clock that only goes forward."""
    return time.perf_counter()  # noqa: TID251 - this file is the one that may


def cpu_s() -> float:
    """Seconds of processor time that this process has used."""
    return time.process_time()


def monotonic_us() -> int:
    """Microseconds of the machine's monotonic clock, which all its processes share."""
    return time.monotonic_ns() // 1000
