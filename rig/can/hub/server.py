"""The hub's sockets: our processes by AF_UNIX SEQPACKET, strangers by socketcand over TCP.

Rules of this file:
- One thread, one `select`, no asyncio: it waits with a resolution of microseconds, and nothing
  lies between a frame's end and the sockets.
- Nothing here ever waits for a client: sockets do not block, what they do not take is queued and at
  last dropped (`outbox`). A client that sends more than its bus carries is not read until there
  is room: that is how a full bus reaches the sender.
- The hub wakes for each frame at its time. When that takes more than `BUSY_SHARE` of its time, it
  pauses up to a millisecond and hands over what has come meanwhile: the frames' times are those
  of the bus all the same.
"""

import errno
import os
import select
import signal
import socket  # noqa: TID251 - the hub is a program of its own, with a wall clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rig.can.hub.connection import Connection, Own, Strange
from rig.can.hub.hub import Hub
from rig.clock import wall_s

BUSY_SHARE = 0.2
BUSY_AT_ONCE_US = 2000
PAUSE_US_MAX = 1000
"""Chosen: a round trip is not held up, and four full buses leave the cores to others."""

CLIENTS_MAX = 100
"""Chosen, of either kind: far above any bench, and together below what `select` can take."""

BACKLOG = 32
PATH_BYTES_MAX = 107
"""What Linux allows for the address of a local socket."""


class HubAddressError(OSError):
    """The hub cannot listen where it was told to; the message says why and what is allowed."""


class Breath:
    """Lets the hub wake at once while it has little to do, and makes it wait a little when it has.

    What waits meanwhile is handed over together, which is what saves work.
    """

    def __init__(self, share: float = BUSY_SHARE) -> None:
        self._share = share
        self._debt_us = 0.0
        self._last_us = 0

    def worked(self, began_us: int, ended_us: int) -> None:
        """Count a turn."""
        paid_us = self._share * (ended_us - self._last_us)
        debt_us = max(0.0, self._debt_us + ended_us - began_us - paid_us)
        # What cannot be paid back by the longest pause would make every pause the longest.
        self._debt_us = min(debt_us, BUSY_AT_ONCE_US + self._share * PAUSE_US_MAX)
        self._last_us = ended_us

    @property
    def pause_us(self) -> int:
        """How long to wait before the next turn."""
        return round(max(0.0, self._debt_us - BUSY_AT_ONCE_US) / self._share)


class HubServer:
    """Serves a hub until `stop`. Enter it to listen, then `run`.

    ``now_us``: time since the hub began. ``port`` None: no strangers; 0: a free one.
    """

    def __init__(
        self,
        hub: Hub,
        path: Path,
        *,
        now_us: Callable[[], int],
        host: str = "127.0.0.1",
        port: int | None = None,
    ) -> None:
        self.path = path
        self._hub = hub
        self._now_us = now_us
        self._asked = host, port
        self._doors: list[socket.socket] = []
        self._clients: list[Connection] = []
        self._breath = Breath()
        self._stop_here, self._stop_there = socket.socketpair()
        self._ended = False

    def __enter__(self) -> "HubServer":
        try:
            self._doors.append(listen_locally(self.path))
            if self._asked[1] is not None:
                self._doors.append(_listen_to_strangers(self._asked[0], self._asked[1]))
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        for door in self._doors:
            if door.family == socket.AF_UNIX:
                self.path.unlink(missing_ok=True)
            door.close()
        self._stop_here.close()
        self._stop_there.close()

    @property
    def address(self) -> tuple[str, int] | None:
        """Where strangers are served."""
        if self._asked[1] is None:
            return None
        name = self._doors[1].getsockname()
        return str(name[0]), int(name[1])

    def stop(self) -> None:
        """End `run`; may be called from a signal handler."""
        self._ended = True
        with suppress(OSError):
            self._stop_there.send(b"x")

    def run(self) -> None:
        """Serve."""
        # A signal that comes between the look at the flag and `select` must still end the latter.
        self._stop_there.setblocking(False)
        while not self._ended:
            self._breathe()
            self._turn()

    def _breathe(self) -> None:
        pause_us = self._breath.pause_us
        if pause_us:
            select.select([self._stop_here], [], [], pause_us / 1e6)

    def _turn(self) -> None:
        """Wait until something is to be done, and do all of it."""
        hub = self._hub
        clients = self._clients
        reading = [self._stop_here, *self._doors]
        reading += [client.socket for client in clients if client.wants_to_read]
        writing = [client.socket for client in clients if client.outbox.is_blocked]
        readable, _, _ = select.select(reading, writing, [], self._timeout_s())
        began_us = self._now_us()
        hub.advance(began_us)
        if readable:
            ready = set(readable)
            for client in clients:
                if client.socket in ready:
                    client.read()
            for door in self._doors:
                if door in ready:
                    self._admit(door)
        hub.settle()
        for client in clients:
            client.write()
        if any(client.gone for client in clients):
            self._forget_who_has_gone()
        self._breath.worked(began_us, self._now_us())

    def _timeout_s(self) -> float | None:
        due_us = self._hub.kernel.due_us
        return None if due_us is None else max(0, due_us - self._now_us()) / 1e6

    def _admit(self, door: socket.socket) -> None:
        try:
            client, _ = door.accept()
        except OSError:
            # It has hung up already, or there are no more descriptors: later, perhaps.
            return
        client.setblocking(False)
        kind = Own if door.family == socket.AF_UNIX else Strange
        if sum(isinstance(one, kind) for one in self._clients) >= CLIENTS_MAX:
            client.close()
            return
        try:
            self._clients.append(kind(self._hub, client))
        except OSError:
            client.close()

    def _forget_who_has_gone(self) -> None:
        for client in self._clients:
            if client.gone:
                client.close()
        self._clients = [client for client in self._clients if not client.gone]


@contextmanager
def ended_by_signals(server: HubServer) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the server in good order as long as this lasts."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda _number, _frame: server.stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def listen_locally(path: Path) -> socket.socket:
    """A door for our processes, for this user alone. Raises HubAddressError."""
    allowed = f"allowed: a path of up to {PATH_BYTES_MAX} bytes in a folder of yours"
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise HubAddressError(f"{path}: too long; {allowed}")
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        _clear(path)
        mask = os.umask(0o177)
        try:
            door.bind(os.fspath(path))
        finally:
            os.umask(mask)
        door.listen(BACKLOG)
        door.setblocking(False)
    except HubAddressError:
        door.close()
        raise
    except OSError as error:
        door.close()
        raise HubAddressError(f"{path}: {error.strerror or error}; {allowed}") from None
    return door


def _clear(path: Path) -> None:
    """Remove a socket that a killed hub has left. Raises HubAddressError if one still listens."""
    if not path.is_socket():
        if path.exists():
            raise HubAddressError(f"{path}: is no socket, and is kept; allowed: a new path")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.settimeout(1.0)
        found = probe.connect_ex(os.fspath(path))
    if found == errno.ECONNREFUSED:
        path.unlink(missing_ok=True)
    else:
        raise HubAddressError(f"{path}: somebody listens there already; allowed: a path of its own")


def _listen_to_strangers(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        door = socket.socket(family, kind, protocol)
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
            door.listen(BACKLOG)
            door.setblocking(False)
        except OSError:
            door.close()
            raise
    except OSError as error:
        raise HubAddressError(
            f"{host}:{port}: {error.strerror or error}; allowed: an address of this machine and a "
            "free port, or port 0"
        ) from None
    return door


def stopwatch() -> tuple[Callable[[], int], int]:
    """A clock that begins now, in us, and the machine's monotonic time at its beginning, in us."""
    began_us = int(wall_s() * 1e6)
    return lambda: int(wall_s() * 1e6) - began_us, began_us
