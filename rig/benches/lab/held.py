"""One run at a time on a lab's bench: its instruments and adapters are locked while it works.

The lock is one file an address, in a folder that all users of the machine share: two bench files
that name the same supply exclude each other too. It ends with its process, however that ends. Who
comes second is told who is there, and since when. A command holds it for the sessions of pytest
that it starts; other kinds of benches have processes and addresses of their own, and need none.
"""

import getpass
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from time import sleep  # noqa: TID251 - a lock of other processes, on the wall clock

from rig.benches.file import BenchFile
from rig.benches.lab.finding import Grade
from rig.benches.lab.place import Stay, acquired
from rig.clock import utc_now
from rig.errors import BenchFileError
from rig.file_lock import open_lock, read_holder, take, write_holder

FOR_CHILDREN = "HIL_BENCH_HELD_BY"
FOLDER = "HIL_LOCKS"
LOOKS, LOOK_S = 10, 0.05  # chosen: half a second; a look at a lock takes a millisecond


class BenchIsTaken(BenchFileError):
    """Somebody else works on this bench, or on an instrument of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who works on a bench; `since` is ISO 8601 in UTC."""

    bench: str
    user: str
    process: int
    since: str
    command: str


def addresses(file: BenchFile) -> Mapping[str, str]:
    """What a lab's run has to itself: address -> what the bench file calls it; else nothing."""
    if file.lab is None:
        return {}
    found = {role.resource: f"roles.{name}" for name, role in file.roles.items()}
    for name, port in file.lab.can.items():
        # Each rehearsal has a hub of its own, told by its socket.
        at = f"@{port.options['socket']}" if "socket" in port.options else ""
        found[f"{port.interface}:{port.channel}{at}"] = f"can.{name}"
    return found


@contextmanager
def held(file: BenchFile, *, is_check: bool = False) -> Iterator[Stay]:
    """Have the bench to oneself in here, on this machine and in a fleet.

    ``is_check``: the bench is entered to be checked; otherwise that is done here if the last run
    on its place did not end. Raises BenchIsTaken or PlaceIsTaken, saying by whom it is used.
    """
    if os.environ.get(FOR_CHILDREN, "") in _holders_of(file):
        yield Stay()  # by the command that started us
        return
    me = Holder(
        bench=file.name,
        user=_user(),
        process=os.getpid(),
        since=utc_now(),
        command=" ".join(Path(word).name if n == 0 else word for n, word in enumerate(sys.argv)),
    )
    with ExitStack() as stack:
        for address, what in addresses(file).items():
            handle = open_lock(_path(address), 0o666)
            stack.callback(os.close, handle)
            if not _taken(handle, patient=True):
                raise BenchIsTaken(f"{file.path}: {what} ({address}) {_told(read_holder(handle))}")
            write_holder(handle, json.dumps(asdict(me)))
            stack.callback(write_holder, handle, "")
        stay = Stay()
        if file.lab is not None and file.lab.place is not None:
            sound_or = None if is_check else lambda: _first_finding(file)
            stay = stack.enter_context(acquired(file.lab.place, file.path, sound_or))
        before = os.environ.get(FOR_CHILDREN)
        os.environ[FOR_CHILDREN] = str(os.getpid())
        try:
            yield stay
        finally:
            os.environ.pop(FOR_CHILDREN)
            if before is not None:
                os.environ[FOR_CHILDREN] = before


def _first_finding(file: BenchFile) -> str:
    """What is wrong with the bench, by the whole walk round it; empty: nothing."""
    from rig.benches.lab.checking.walk import Asked, check_bench  # hardly ever needed

    today = date.fromisoformat(utc_now()[:10])
    asked = Asked(today=today, night_hours=None, energise=True, runs=file.path.parent)
    report = check_bench(file, asked, lambda _step, _found: None)
    return next((str(f) for f in report.findings if f.grade is Grade.WRONG), "")


def holders(file: BenchFile) -> Mapping[str, Holder | None]:
    """Who holds what of a bench, by its field; None: it is free."""
    found: dict[str, Holder | None] = {}
    for address, what in addresses(file).items():
        handle = open_lock(_path(address), 0o666)
        try:
            found[what] = None if _taken(handle) else _parse(read_holder(handle))
        finally:
            os.close(handle)
    return found


def _taken(handle: int, *, patient: bool = False) -> bool:
    """Whether the lock is ours. Who only looks at one has it for a moment, and says nothing.

    ``patient``: wait for a moment even where a name stands, which may be of a run long gone.
    """
    for _ in range(LOOKS):
        if take(handle):
            return True
        if not patient and read_holder(handle):
            return False
        sleep(LOOK_S)
    return take(handle)


def _holders_of(file: BenchFile) -> set[str]:
    """The processes that hold all of it; nobody where anything is free."""
    known = holders(file)
    if not known or None in known.values():
        return set()
    return {str(holder.process) for holder in known.values() if holder is not None}


def _path(address: str) -> Path:
    folder = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / "hil-locks")
    with suppress(OSError):
        folder.mkdir(parents=True)
        folder.chmod(0o1777)  # everybody's, as the folder above it
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = folder / f"{name}.lock"
    if not path.exists():
        handle = open_lock(path, 0o666)
        with suppress(OSError, AttributeError):
            os.fchmod(handle, 0o666)  # the next to come may be somebody else
        os.close(handle)
    return path


def _told(text: str) -> str:
    holder = _parse(text)
    return (
        f"is in use by {holder.user} since {holder.since}: process {holder.process}, "
        f"{holder.command!r} on bench {holder.bench}; allowed: one run at a time"
    )


def _parse(text: str) -> Holder:
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return Holder(bench="?", user="somebody", process=0, since="?", command="?")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
