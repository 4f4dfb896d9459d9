"""The guardian of one attempt on a bench whose instruments are reached over real connections.

It is started beside the device and armed before anything can be energised; it ends after the
instruments were let go. If it trips or dies the attempt ends as a failure of the bench.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from instruments.session import Session
from rig.benches.file import BenchFile
from rig.clock import monotonic_us, utc_now
from rig.errors import BenchError
from rig.kernel import Kernel
from rig.safety.client import GuardianLink, tasks_of_the_test
from rig.safety.hands import Hands
from rig.safety.latch import latch, latches_at
from rig.safety.report import note
from rig.safety.safe_state import Way
from rig.safety.spec import GuardianSpec, Limits, Place, Sense

GUARDED_STAND = ("-m", "rig.safety.guarded_stand")
GUARDED = frozenset({"charger", "load", "daq"})  # the roles that a guardian has to do with
REPORT = "safety.jsonl"  # in an attempt's folder: what its guardian did


def latches_of(file: BenchFile, doors: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The files that stand while a bench is tripped, one an instrument; twins have none.

    A laboratory that was tripped stays so until a person has been there. Twins need nobody, where
    the bench's file states that they are such: an address of this machine may be a tunnel's end.
    ``doors``: where its roles are reached, unless that is where its file says.
    """
    if file.kind != "lab" or file.twins:
        return ()
    reached = doors or {role: wired.resource for role, wired in file.roles.items()}
    return latches_at(door for role, door in reached.items() if role in GUARDED)


def guardian_spec(
    file: BenchFile, doors: Mapping[str, str], report: Path, sense: Sense, limits: Limits
) -> GuardianSpec:
    """A guardian's spec for this process, on a bench whose roles are reached at these doors."""
    places = {
        role: Place(model=file.roles[role].model, resource=door, serial=file.roles[role].serial)
        for role, door in doors.items()
        if role in GUARDED
    }
    return GuardianSpec(
        places=places,
        lines=file.lines,
        envelope=file.envelope,
        client=os.getpid(),
        report=str(report),
        sense=sense,
        limits=limits,
        latches=latches_of(file, doors),
    )


class Guarding:
    """A guardian, and what the test has to do with it besides asking it for permits."""

    def __init__(
        self, spec: GuardianSpec, folder: Path, kernel: Kernel, hands: Callable[[], Hands]
    ) -> None:
        """``hands``: the test's own drivers, for when the guardian is gone."""
        self._spec, self._folder, self._kernel, self._hands = spec, folder, kernel, hands
        self.link = GuardianLink(spec, self._fail, self._rescue)
        self.why = ""

    def watched(self, session: Callable[[str], Session]) -> Callable[[str], Session]:
        """Sessions whose exchanges the guardian knows of."""

        def opened(role: str) -> Session:
            found = session(role)
            hung_up = found.peer_has_closed
            found.run_by(lambda runner: self.link.watch(role, runner, hung_up))
            return found

        return opened

    async def start(self, stack: AsyncExitStack) -> None:
        """Start and arm it; it ends with the stack. Raises BenchError if it will not."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._surprised)
        stack.callback(loop.set_exception_handler, None)
        await self.link.start(self._folder)
        stack.push_async_callback(self.link.close)
        await self.link.arm()
        stack.push_async_callback(self.link.part)

    def _surprised(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A frame that cannot be recorded, a bus that has ended: a loop would log it and go on."""
        error = context.get("exception")
        if isinstance(error, Exception) and "handle" in context:
            self.link.tell_failure(f"in the test's own loop: {type(error).__name__}: {error}")
        loop.default_exception_handler(context)

    def _fail(self, why: str) -> None:
        self.why = why
        self._kernel.after(0, self._raise)

    def _raise(self) -> None:
        raise BenchError(self.why)

    def stop_the_test(self) -> None:
        """If the bench was brought to rest: whatever of the test still runs goes on no more."""
        self.link.release()
        if self.why:
            for task in tasks_of_the_test():
                task.cancel()

    async def _rescue(self) -> None:
        way = Way(self._hands(), self._spec.sense, self._spec.limits, monotonic_us)
        outcome = await way.go()
        # For the next run, as the guardian would have, and before a report that a disk may hold up.
        latch(self._spec.latches, f"{utc_now()} the guardian was gone, ended {outcome.state}")
        note(self._spec.report, "rescued by the test itself", **outcome.as_json())
