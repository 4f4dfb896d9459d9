"""Where a victim can be struck, and how: at every byte that passes between driver and wire.

A point is the instant before a message is written, after it was written, or after its answer was
read; or the instant at which a CAN frame was heard; or a millisecond while its guardian arms. The
victim strikes itself, so that the point is exact, and says first when that is.
"""

import ctypes
import json
import os
import signal
import threading  # noqa: TID251 - a hung read hangs its session's thread; never a virtual run
from enum import StrEnum
from typing import Any

from instruments.exchange import Exchange, Runner
from instruments.liveness import _link, _wire
from rig.clock import monotonic_us
from rig.proofs.kills_disk import Disk


class Kind(StrEnum):
    """What happens to the victim, or to its guardian."""

    NOTHING = "nothing"
    SIGKILL = "SIGKILL"
    SIGSTOP = "SIGSTOP"
    SIGSEGV = "SIGSEGV"
    INTERRUPT = "double interrupt"
    HUNG = "hung VISA read"
    SOCKET = "closed socket"
    DISK = "full disk"
    GUARDIAN_KILLED = "guardian killed"
    GUARDIAN_STOPPED = "guardian stopped"
    CLOCK = "clock jump"
    BOTH = "test and guardian killed"


ENERGISES = "after charger OUTP ON"


class Strike:
    """Counts points, and strikes at one of them."""

    def __init__(
        self, job: int, kind: Kind, place: str, number: int, guardian: int, disk: Disk
    ) -> None:
        """``place``: "wire", "frame" or "arming", and the number of the point meant there."""
        self._job, self._kind, self._guardian, self.disk = job, kind, guardian, disk
        self._place, self._number = place, number
        self._counts = {"wire": 0, "frame": 0, "arming": 0}
        self._lock = threading.Lock()
        self._energised = False
        self.labels: list[str] = []

    def tell(self, **told: Any) -> None:
        """A line to the campaign."""
        os.write(1, json.dumps({"job": self._job, **told}).encode() + b"\n")

    def point(self, label: str, place: str = "wire", link: Any = None) -> None:
        """One point is reached; ``link``: the connection that it is on."""
        if place == "frame" and not self._energised:
            return  # before that nothing could be left on
        with self._lock:
            self._energised = self._energised or label.startswith(ENERGISES)
            number = self._counts[place]
            self._counts[place] += 1
            if self._kind is Kind.NOTHING and place == "wire":
                self.labels.append(label)
            meant = place == self._place and number == self._number
        if meant and self._kind is not Kind.NOTHING:
            self.tell(at=monotonic_us(), label=label)
            self._strike(link)

    def _strike(self, link: Any) -> None:
        match self._kind:
            case Kind.SIGKILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.SIGSTOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Kind.SIGSEGV:
                ctypes.string_at(0)
            case Kind.INTERRUPT:  # the second comes from the campaign
                os.kill(os.getpid(), signal.SIGINT)
            case Kind.HUNG:  # in a library that knows no time-out
                threading.Event().wait()
            case Kind.SOCKET:
                wire = _wire(_link(link))
                assert wire is not None
                wire.shutdown(2)
            case Kind.DISK:
                self.disk.strike()
            case Kind.GUARDIAN_KILLED:
                os.kill(self._guardian, signal.SIGKILL)
            case Kind.GUARDIAN_STOPPED:
                os.kill(self._guardian, signal.SIGSTOP)
            case Kind.CLOCK:
                jump = signal.SIGUSR1 if self._number % 2 else signal.SIGUSR2
                os.kill(self._guardian, jump)
            case Kind.BOTH:
                os.kill(self._guardian, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.NOTHING:
                pass


class Pierced:
    """A session's resource with a point before and after everything that passes."""

    def __init__(self, resource: Any, role: str, strike: Strike) -> None:
        self.__dict__.update(_resource=resource, _role=role, _strike=strike, _last="")

    def __getattr__(self, name: str) -> Any:
        """Everything else is the resource's own."""
        return getattr(self.__dict__["_resource"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        """What is set is set on the resource."""
        setattr(self.__dict__["_resource"], name, value)

    def write(self, message: str) -> int:
        """Send a message, between two points."""
        own = self.__dict__
        resource, strike, what = own["_resource"], own["_strike"], f"{own['_role']} {message}"
        own["_last"] = what
        strike.point(f"before {what}", link=resource._resource)  # noqa: SLF001 - the wire itself
        written: int = resource.write(message)
        strike.point(f"after {what}", link=resource._resource)  # noqa: SLF001 - the wire itself
        return written

    def read(self) -> str:
        """Take an answer; then comes a point."""
        own = self.__dict__
        resource, strike = own["_resource"], own["_strike"]
        answer: str = resource.read()
        strike.point(f"answer to {own['_last']}", link=resource._resource)  # noqa: SLF001 - so here
        return answer


class Recorded:
    """A runner that keeps a record of its exchanges on the disk, as an attempt does."""

    def __init__(self, runner: Runner, strike: Strike) -> None:
        self._runner, self._strike = runner, strike

    async def run(self, exchange: Exchange[Any]) -> Any:
        """Run one, and write that down. Raises OSError if the disk is full."""
        found = await self._runner.run(exchange)
        self._strike.disk.keep(b"an exchange\n")
        return found

    def stop(self) -> None:
        """As the runner's own."""
        self._runner.stop()
