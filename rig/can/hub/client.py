"""Our processes' end of the hub: frames by the batch, without python-can.

Rules of this file: a client is of one thread; `receive` may give fewer frames than there are;
news of the client's own controllers are kept in `states`; what the hub refuses is raised by the
next call.
"""

import json
import os
import select
import socket  # noqa: TID251 - of a process with a wall clock, never part of a virtual run
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from rig.can.frame import Frame
from rig.can.hub.records import (
    DATAGRAM_BYTES_MAX,
    FRAMES,
    RECORDS_A_DATAGRAM,
    Seen,
    datagram,
    dropped_before,
    frame_record,
    seen_in,
)
from rig.can.hub.requests import BusSpec, Hello, Request, Welcome, request_bytes
from rig.can.node import ControllerState
from rig.clock import wall_s
from rig.errors import BenchError

ANSWER_S = 5.0
RECEIVE_BUFFER_BYTES = 1_000_000


class HubError(BenchError):
    """The hub is not there, has ended, or refuses; the message says which."""


class HubEnded(HubError):
    """The hub is there no longer."""


class HubTimeout(HubError):
    """The hub has not taken a frame, or not answered, in time."""


def default_socket() -> Path:
    """Where a hub of this user listens if nobody says anything else."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(folder) / f"hil-hub-{os.getuid()}.sock"


class HubClient:
    """A client of the hub at ``path``; its bus numbers count along ``buses``. Raises HubError."""

    def __init__(
        self,
        path: Path,
        name: str,
        buses: Sequence[str],
        *,
        read_only: bool = False,
        echo: bool = False,
        bitrate: int | None = None,
        restart_ms: int | None = None,
    ) -> None:
        self.states: dict[int, ControllerState] = {}
        """What the hub has told of this client's controllers; without news: error active."""
        self.dropped = 0
        """Frames that this client was too slow for, as told with the last frames."""
        self._path = path
        self._seen: deque[Seen] = deque()
        self._answers: deque[dict[str, Any]] = deque()
        self._refusals: deque[str] = deque()
        self._socket = _connected(path)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        hello = Hello(
            name=name,
            buses=tuple(buses),
            read_only=read_only,
            echo=echo,
            bitrate=bitrate,
            restart_ms=restart_ms,
        )
        try:
            told = self.ask(hello)
        except HubError:
            self.close()
            raise
        self.welcome = Welcome(
            name=told["name"],
            buses=tuple(BusSpec(**bus) for bus in told["buses"]),
            read_only=told["read_only"],
            epoch_us=told["epoch_us"],
            monotonic_offset_us=told["monotonic_offset_us"],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave; what was sent still goes out."""
        self._socket.close()

    def fileno(self) -> int:
        """Readable when the hub has sent something; frames already here do not make it so."""
        return self._socket.fileno()

    def now_us(self) -> int:
        """The hub's time: what a frame would be stamped with that ended now."""
        return int(wall_s() * 1e6) + self.welcome.monotonic_offset_us

    def send(self, frame: Frame, bus: int = 0, timeout_s: float | None = None) -> None:
        """Send a frame; waits while the bus is full. Raises HubTimeout, HubError."""
        self._give(datagram([frame_record(0, bus, frame)]), timeout_s)

    def send_all(self, frames: Iterable[tuple[int, Frame]], timeout_s: float | None = None) -> None:
        """Send (bus, frame) by the batch; the timeout is for each of them.

        After a HubTimeout the batches before have gone, and the one that waited has not.
        """
        records = [frame_record(0, bus, frame) for bus, frame in frames]
        for first in range(0, len(records), RECORDS_A_DATAGRAM):
            self._give(datagram(records[first : first + RECORDS_A_DATAGRAM]), timeout_s)

    def receive(self, timeout_s: float | None = None) -> list[Seen]:
        """The frames that there are, in the order of time, after waiting for the first.

        Empty after ``timeout_s``; None waits without end. Raises HubError.
        """
        deadline_s = None if timeout_s is None else wall_s() + timeout_s
        while True:
            if self._seen:
                found = list(self._seen)
                self._seen.clear()
                return found
            if self._refusals:
                raise HubError(f"the hub refuses: {self._refusals.popleft()}")
            left_s = None if deadline_s is None else max(0.0, deadline_s - wall_s())
            if not self._wait(left_s):
                return []
            received = self._take()
            if received:
                # The usual case without the way through the queue.
                return received

    def ask(self, request: Request, timeout_s: float = ANSWER_S) -> dict[str, Any]:
        """The hub's answer to a request; frames that come meanwhile are kept. Raises HubError."""
        self._give(request_bytes(request), timeout_s)
        deadline_s = wall_s() + timeout_s
        while not self._answers:
            if not self._wait(max(0.0, deadline_s - wall_s())):
                raise HubTimeout(f"the hub at {self._path} has not answered for {timeout_s:g} s")
            self._seen.extend(self._take())
            if self._refusals:
                raise HubError(f"the hub refuses: {self._refusals.popleft()}")
        return self._answers.popleft()

    def _wait(self, timeout_s: float | None) -> bool:
        return bool(self._poll.poll(None if timeout_s is None else timeout_s * 1000))

    def _take(self) -> list[Seen]:
        """The frames of one datagram; other things go where they belong."""
        try:
            received = self._socket.recv(DATAGRAM_BYTES_MAX + 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            received = b""
        if not received:
            raise HubEnded(f"the hub at {self._path} has ended")
        if received[0] == FRAMES:
            self.dropped = dropped_before(received)
            return seen_in(received)
        told = json.loads(received)
        if told.get("news") == "state":
            self.states[told["bus"]] = ControllerState(told["state"])
        elif told.get("answer") == "error":
            self._refusals.append(told["error"])
        else:
            self._answers.append(told)
        return []

    def _give(self, message: bytes, timeout_s: float | None) -> None:
        self._socket.settimeout(timeout_s)
        try:
            self._socket.send(message)
        except TimeoutError:
            raise HubTimeout(
                f"the bus is full: nothing was taken for {timeout_s or 0:g} s"
            ) from None
        except BlockingIOError:
            raise HubTimeout("the bus is full") from None
        except OSError as error:
            raise HubEnded(f"the hub at {self._path} has ended: {error.strerror}") from None


def _connected(path: Path) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    try:
        one.connect(os.fspath(path))
    except OSError as error:
        one.close()
        raise HubError(
            f"no hub listens at {path} ({error.strerror or error}): start one with `hil hub`"
        ) from None
    return one
