"""Branches: a running virtual bench goes on several times from one state, in forked processes.

A child is a whole copy of the bench at that instant; it runs its branch, hands back what the branch
returned and the digest of what happened, and is gone. Its record is its own.
"""

import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from rig.errors import BenchError, NotReady, Unmet
from rig.kernel import Kernel

T = TypeVar("T")


class Trunk(Protocol):
    """What a bench has to know of its branches."""

    kernel: Kernel

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
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
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
    """In the child: run, write the outcome, and leave without any of the parent's clean-up."""
    outcome: tuple[str, Any]
    try:
        trunk.enter_branch(name)
        outcome = ("returned", await begin())
    except Unmet as unmet:
        outcome = ("raised", Unmet(f"in branch {name!r}: {unmet}", unmet.key))
    except BenchError as error:
        outcome = ("raised", BenchError(f"in branch {name!r}: {error}"))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        outcome = ("raised", NotReady(f"in branch {name!r}: {type(error).__name__}: {error}"))
    try:
        raw = pickle.dumps((*outcome, trunk.kernel.digest.hexdigest()))
    except Exception as error:  # noqa: BLE001 - a value that cannot be pickled is a scenario's slip
        raw = pickle.dumps(("raised", BenchError(f"branch {name!r} gave {error}"), ""))
    with os.fdopen(write_end, "wb") as pipe:
        pipe.write(raw)
    os._exit(0)
