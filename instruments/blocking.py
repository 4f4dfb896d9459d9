"""A real VISA resource for a session of the lab: its blocking read waits in a thread of its own.

Writing returns at once; clearing and opening block for up to some tenths of a second, which a
bench in wall time can bear. One thread an instrument, so that a slow one delays no other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from instruments.session import Check, Log, Resource, Session


class BlockingResource:
    """A resource whose ``wait`` does the blocking read, and whose ``read`` hands it over."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="visa")
        self._outcome: str | Exception | None = None

    @property
    def read_termination(self) -> str | None:
        """What ends an answer."""
        return self._resource.read_termination

    @read_termination.setter
    def read_termination(self, value: str | None) -> None:
        self._resource.read_termination = value

    @property
    def write_termination(self) -> str:
        """What ends a message."""
        return self._resource.write_termination

    @write_termination.setter
    def write_termination(self, value: str) -> None:
        self._resource.write_termination = value

    @property
    def timeout(self) -> float:
        """How long a read waits, in ms as VISA has it."""
        return self._resource.timeout

    @timeout.setter
    def timeout(self, value: float) -> None:
        self._resource.timeout = value

    def open(self) -> None:
        """Connect again."""
        self._resource.open()

    def write(self, message: str) -> int:
        """Send a message."""
        return self._resource.write(message)

    async def wait(self) -> None:
        """Let the answer come; what it is, or what went wrong, is told by ``read``."""
        self._outcome = None
        self._outcome = await asyncio.get_running_loop().run_in_executor(self._thread, self._try)

    def _try(self) -> str | Exception:
        try:
            return self._resource.read()
        except Exception as error:  # noqa: BLE001 - raised again by read(), in the caller
            return error

    def read(self) -> str:
        """Hand over the answer, or raise what the waiting met."""
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, str):
            return outcome
        raise outcome or OSError("read without waiting")

    def clear(self) -> None:
        """Drop pending answers, once a read that was left behind has ended."""
        self._thread.submit(self._resource.clear).result()

    def close(self) -> None:
        """Disconnect, once a read that was left behind has ended."""
        self._thread.submit(self._resource.close).result()


def open_blocking_session(
    resource: Resource,
    *,
    name: str,
    now_us: Callable[[], int],
    stream: bool = True,
    check: Check = "each",
    log: Log | None = None,
) -> Session:
    """A session over a real VISA resource, whose terminations and time-out are set already."""
    blocking = BlockingResource(resource)
    return Session(
        blocking, name=name, wait=blocking.wait, now_us=now_us, stream=stream, check=check, log=log
    )
