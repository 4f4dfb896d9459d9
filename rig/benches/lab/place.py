"""A bench as a place of a labgrid coordinator: a fleet's users take turns at it.

It is asked by labgrid's own program, `labgrid-client` (ADR 31). A run acquires the place, and tags
it with who it is until it has ended; where such a tag still stands, that run did not end, and the
bench has to prove itself before it is used. A place that its user has acquired by hand is used, and
stays acquired. Who comes second is told who is there.
"""

import getpass
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rig.benches.lab.facts import LabPlace
from rig.clock import utc_now
from rig.errors import BenchFileError
from rig.planning import ROOT

PROGRAM = "labgrid-client"
OURS = ROOT / ".labgrid" / "bin" / PROGRAM  # where `make labgrid` leaves it
ANSWER_S = 60.0  # chosen: it starts in a second, on a busy machine in ten
TAG = "hil"
BY_HAND = "_hand"
RUN = re.compile(rf"(?P<host>[a-z0-9]*)_(?P<process>\d+)_(?P<since>\d{{14}})(?:{BY_HAND})?")
CLOCKS_S = 2.0  # chosen: a boot's time is told in whole seconds, and so is a tag's
TOLD = re.compile(r"^  (acquired|tags): (.*)$", re.MULTILINE)
SoundOr = Callable[[], str]
"""Checks the bench; empty if nothing is wrong, or what is."""


class PlaceIsTaken(BenchFileError):
    """Somebody else has this bench's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceState:
    """As the coordinator has it: ``owner`` as host/user, ``run`` as a run's tag; empty: nobody."""

    owner: str
    run: str


@dataclass(slots=True)
class Stay:
    """A run's time on a bench; ``left``: the run before did not end, and nobody has looked yet."""

    left: str = ""

    def prove(self) -> None:
        """The bench was looked at, and nothing is wrong with it."""
        self.left = ""


def state_of(place: LabPlace) -> PlaceState:
    """Who has it. Raises BenchFileError if labgrid, the coordinator or the place is not there."""
    told = dict(TOLD.findall(_ask(place, "show")))
    owner = told.get("acquired", "None")
    tags = dict(tag.partition("=")[::2] for tag in told.get("tags", "").split(", "))
    return PlaceState(owner="" if owner == "None" else owner, run=tags.get(TAG, ""))


@contextmanager
def acquired(place: LabPlace, path: Path, sound_or: SoundOr | None) -> Iterator[Stay]:
    """Have the place in here; ``path``: of the bench's file, for what is complained of.

    After a run that did not end the bench is checked by ``sound_or``; None: who enters checks it,
    and says so by `Stay.prove`. Raises PlaceIsTaken, and BenchFileError for what the check finds.
    """
    before = state_of(place)
    _refuse_others(place, path, before)
    if not before.owner:
        try:
            _ask(place, "acquire")
        except BenchFileError:
            _refuse_others(place, path, state_of(place))  # who was quicker
            raise
        except KeyboardInterrupt:
            _leave(place, Stay(left=before.run), by_hand=False)
            raise
    # What was acquired by hand stays so over runs that crash.
    by_hand = bool(before.owner) and (not before.run or before.run.endswith(BY_HAND))
    stay = Stay(left=before.run)
    try:
        if stay.left and sound_or is not None:
            _say(f"place {place.name} was left by a run that did not end ({stay.left}): checking")
            if wrong := sound_or():
                raise BenchFileError(
                    f"{path}: place.name: {place.name!r} was left by a run that did not end "
                    f"({stay.left}), and the bench is not as it should be: {wrong}; allowed: "
                    "hil bench check without a finding, then again"
                )
            stay.prove()
        if not stay.left:
            _ask(place, "set-tags", f"{TAG}={_own_tag(by_hand=by_hand)}")
        yield stay
    finally:
        _leave(place, stay, by_hand=by_hand)


def _refuse_others(place: LabPlace, path: Path, state: PlaceState) -> None:
    """Raises PlaceIsTaken if anybody else has it, or another run of this user's."""
    alive = state.owner == _me() and _is_alive(state.run)
    if (state.owner and state.owner != _me()) or alive:
        run = f" (run {state.run})" if state.run else ""
        raise PlaceIsTaken(
            f"{path}: place.name: {place.name!r} at {place.coordinator} is acquired by "
            f"{state.owner}{run}; allowed: one run at a time"
        )


def _leave(place: LabPlace, stay: Stay, *, by_hand: bool) -> None:
    """Give it back; what was left by another run stays tagged until somebody has looked."""
    try:
        if not stay.left:
            _ask(place, "set-tags", f"{TAG}=")
        if not by_hand:
            _ask(place, "release")
    except BenchFileError as error:  # the run has its verdicts all the same
        _say(f"the place could not be given back: {error}")


def _ask(place: LabPlace, *words: str) -> str:
    """What labgrid-client says. Raises BenchFileError with what it complains of."""
    where = f"place {place.name!r} at {place.coordinator}"
    program = shutil.which(PROGRAM) or (str(OURS) if OURS.is_file() else None)
    if program is None:
        raise BenchFileError(f"{where}: {PROGRAM} is not here; allowed: the extra labgrid "
                             "(make labgrid), or it on PATH")  # fmt: skip
    # Only the bench file says where: what a shell has for labgrid is of somebody's other work.
    env = {name: value for name, value in os.environ.items() if name not in {"LG_ENV", "LG_PLACE"}}
    try:
        done = subprocess.run(
            [program, "-x", place.coordinator, "-p", place.name, *words],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchFileError(f"{where}: {PROGRAM} does not answer: {error}") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise BenchFileError(f"{where}: {PROGRAM} {words[0]}: {said}")
    return done.stdout


def _me() -> str:
    """Who we are, as labgrid names owners."""
    host = os.environ.get("LG_HOSTNAME") or platform.node()
    return f"{host}/{os.environ.get('LG_USERNAME') or getpass.getuser()}"


def _own_tag(*, by_hand: bool) -> str:
    """Of this run: `host_process_since`, of the signs that labgrid means to allow."""
    since = re.sub(r"[^0-9]", "", utc_now()[:19])
    return f"{_host()}_{os.getpid()}_{since}{BY_HAND if by_hand else ''}"


def _host() -> str:
    return re.sub(r"[^a-z0-9]", "", platform.node().lower())


def _is_alive(run: str) -> bool:
    """Whether a tagged run's process is on this machine: a process of its number and its age."""
    told = RUN.fullmatch(run)
    if told is None or told["host"] != _host() or sys.platform == "win32":
        return False  # where signal 0 is Ctrl-C
    process = int(told["process"])
    if process == os.getpid():
        return False  # this run has not tagged it yet
    try:
        os.kill(process, 0)
    except PermissionError:
        pass
    except OSError:
        return False
    began_s = _began_s(process)
    since = datetime.strptime(told["since"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return began_s is None or began_s <= since.timestamp() + CLOCKS_S


def _began_s(process: int) -> float | None:
    """When a process began, in seconds since 1970; None where nobody tells."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        boot = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text("utf-8"), re.MULTILINE)
    except OSError:
        return None
    if boot is None:
        return None
    ticks = stat.rpartition(")")[2].split()[19]  # proc(5): starttime, the 22nd field
    return int(boot[1]) + int(ticks) / os.sysconf("SC_CLK_TCK")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
