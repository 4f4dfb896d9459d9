"""Whether the test process lives and goes on, by what the guardian sees and hears of it.

Rules of this file: the clock is told, in microseconds that only go forward; a clock that does
anything else is itself a failure, because nothing that rests on it can be trusted any more.
"""

from contextlib import suppress
from pathlib import Path

from rig.safety.spec import Limits

STOPPED = frozenset("Tt")
ENDED = frozenset("ZXx")
HUNG = "D"  # until a disk answers; every process is so for moments


class Vigil:
    """Keeps when the test was last heard, and since when an exchange lasts."""

    def __init__(self, limits: Limits, now_us: int) -> None:
        self._limits = limits
        self._heard_us: int | None = None  # a test that was never heard has nothing permitted
        self._looked_us = now_us
        self._begun: dict[str, list[int]] = {}

    def heard(self, now_us: int) -> None:
        """The test gave a sign of its progress."""
        self._heard_us = now_us

    def began(self, role: str, now_us: int) -> None:
        """An exchange with an instrument began."""
        self._begun.setdefault(role, []).append(now_us)
        self._heard_us = now_us

    def ended(self, role: str, now_us: int) -> None:
        """The one that began first has ended."""
        if begun := self._begun.get(role):
            begun.pop(0)
        self._heard_us = now_us

    def look(self, now_us: int, state: str | None) -> str | None:
        """What is wrong, None: nothing. ``state``: the process's, None where nobody can tell."""
        limits, before_us = self._limits, self._looked_us
        self._looked_us = now_us
        if not 0 <= now_us - before_us <= 1e6 * limits.stall_s:
            return f"the clock jumped by {(now_us - before_us) / 1e6:.3f} s between two looks"
        if state is not None and state in STOPPED:
            return "the test process was stopped"
        if state is not None and state in ENDED:
            return "the test process has ended"
        for role, begun in self._begun.items():
            if begun and now_us - begun[0] > 1e6 * limits.exchange_s:
                return f"an exchange with the {role} has hung for {limits.exchange_s:g} s"
        if self._heard_us is not None and now_us - self._heard_us > 1e6 * limits.heartbeat_s:
            return f"the test has made no progress for {limits.heartbeat_s:g} s"
        return None


def process_state(pid: int) -> str | None:
    """The letter that Linux gives a process's state, X if it is gone; None on other systems."""
    if not Path("/proc/self/stat").exists():
        return None
    with suppress(OSError, IndexError):
        # Its name is in parentheses, and may hold any character.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    return "X"
