"""Branches: a running virtual bench goes on several times from one state, in forked processes.

A child is a whole copy of the bench at that instant; it runs its branch, hands back what the branch
returned and the digest of what happened, and is gone. Its record is its own.
"""

import asyncio
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeVar

from rig.errors import BenchError, NotOnThisBench, NotReady, Unmet
from rig.kernel import Kernel, VirtualLoop

T = TypeVar("T")


class Trunk(Protocol):
    """What a bench has to know of its branches."""

    kernel: Kernel

    def settle_record(self) -> None:
        """Write down what is still on its way into the record and the digest."""
        ...

    def enter_branch(self, name: str) -> None:
        """From now on, in this process, the record is the branch's."""
        ...

    def leave_branch(self, name: str, digest: str) -> None:
        """A branch has ended with this digest; back in the trunk."""
        ...


async def run_in_child(trunk: Trunk, name: str, begin: Callable[[], Awaitable[T]]) -> T:
    """Run one branch in a forked process, to its end, and give what it returned.

    Raises what the branch raised, named after it, and BenchError if it died without a word.
    """
    if not isinstance(asyncio.get_running_loop(), VirtualLoop):
        raise NotOnThisBench("branches: only virtual time can go on from one instant twice")
    trunk.settle_record()
    read_end, write_end = os.pipe()
    loop = asyncio.get_running_loop()
    child = os.fork()
    if child == 0:
        # asyncio forgets its running loop in a forked process; ours is whole, and goes on.
        asyncio._set_running_loop(loop)  # noqa: SLF001 - made for owners of a loop, as we are
        if isinstance(loop, VirtualLoop):
            # What stops the loop would otherwise let a second copy of the whole run go on.
            loop.on_crash = lambda error: _leave(trunk, name, _raised(name, error), write_end)
        await _be_a_branch(trunk, name, begin, write_end)
    os.close(write_end)
    # The trunk stands still meanwhile: no time passes in it, so there is nothing to block.
    with os.fdopen(read_end, "rb") as pipe:
        raw = pipe.read()
    os.waitpid(child, 0)  # noqa: ASYNC222
    if not raw:
        raise BenchError(f"branch {name!r} died without a word")
    outcome, value, digest = pickle.loads(raw)
    trunk.leave_branch(name, digest)
    if outcome == "raised":
        raise value
    result: T = value
    return result


async def _be_a_branch(
    trunk: Trunk, name: str, begin: Callable[[], Awaitable[Any]], write_end: int
) -> None:
    """In the child: run the branch and leave with its outcome."""
    outcome: tuple[str, Any]
    try:
        trunk.enter_branch(name)
        outcome = ("returned", await begin())
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        outcome = _raised(name, error)
    _leave(trunk, name, outcome, write_end)


def _raised(name: str, error: BaseException) -> tuple[str, BaseException]:
    """What the trunk will raise for an error of the branch: of the same family, named after it."""
    text = f"in branch {name!r}: {error}"
    match error:
        case Unmet():
            return "raised", Unmet(text, error.key)
        case NotOnThisBench():
            return "raised", NotOnThisBench(text)
        case BenchError():
            return "raised", BenchError(text)
        case KeyboardInterrupt() | asyncio.CancelledError():  # Ctrl-C cancels, then interrupts
            return "raised", KeyboardInterrupt(text)
        case _:
            return "raised", NotReady(f"in branch {name!r}: {type(error).__name__}: {error}")


def _leave(trunk: Trunk, name: str, outcome: tuple[str, Any], write_end: int) -> NoReturn:
    """The end of the child: its outcome to the trunk, and no clean-up of what is the trunk's."""
    try:
        trunk.settle_record()
        raw = pickle.dumps((*outcome, trunk.kernel.digest.hexdigest()))
    except Exception as error:  # noqa: BLE001 - a value that cannot be pickled is a scenario's slip
        raw = pickle.dumps(("raised", BenchError(f"branch {name!r} gave {error}"), ""))
    with os.fdopen(write_end, "wb") as pipe:
        pipe.write(raw)
    os._exit(0)
