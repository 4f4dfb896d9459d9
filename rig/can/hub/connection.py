"""One client's socket: what comes is taken to the hub, what waits in the outbox goes out.

Rules of this file: nothing here waits; a client that breaks off or does not keep to its protocol is
``gone``, and the server forgets it.
"""

import socket  # noqa: TID251 - the hub is a program of its own, with a wall clock
from abc import ABC, abstractmethod
from collections.abc import Sequence

from rig.can.hub.hub import Hub
from rig.can.hub.member import Member
from rig.can.hub.outbox import Outbox
from rig.can.hub.records import DATAGRAM_BYTES_MAX, FRAMES, BadRecord, frames_to_send
from rig.can.hub.requests import BadRequest, Hello, message_bytes, parse_request
from rig.can.hub.socketcand import SETTLE_US, Stage, Stranger
from rig.clock import cpu_s

DATAGRAMS_AT_ONCE = 64
"""Chosen: then the others have their turn."""

STREAM_BYTES = 65_536
SEND_BUFFER_BYTES = 131_072
"""Chosen: what a stranger is behind by waits in its outbox, where it is bounded and counted."""


class Connection(ABC):
    """A client of either kind."""

    def __init__(self, hub: Hub, client: socket.socket, outbox: Outbox) -> None:
        self.socket = client
        self.outbox = outbox
        self.gone = False
        self._hub = hub
        self._member: Member | None = None

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for what the client may send."""
        return self._member is None or not self._hub.is_full(self._member)

    @abstractmethod
    def read(self) -> None:
        """Take what the client has sent."""

    def write(self) -> None:
        """Send what the client's socket takes."""
        outbox = self.outbox
        if outbox.fresh or outbox.is_blocked:
            try:
                outbox.pour(self.socket.send)
            except OSError:
                self.gone = True

    def close(self) -> None:
        """Leave the hub and close the socket."""
        if self._member is not None:
            self._hub.leave(self._member)
            self._member = None
        self.socket.close()


class Own(Connection):
    """One of our processes."""

    def __init__(self, hub: Hub, client: socket.socket) -> None:
        super().__init__(hub, client, Outbox(_no_frames))

    def read(self) -> None:
        """Take datagrams until there are no more, or enough."""
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                # One byte more: what is longer than any datagram must not pass for one.
                received = self.socket.recv(DATAGRAM_BYTES_MAX + 1)
            except BlockingIOError:
                return
            except OSError:
                received = b""
            if not received:
                self.gone = True
                return
            try:
                self._take(received)
            except (BadRequest, BadRecord) as error:
                self.outbox.post(message_bytes({"answer": "error", "error": str(error)}))
                if self._member is None:
                    self.write()
                    self.gone = True
            if self.gone or not self.wants_to_read:
                return

    def _take(self, received: bytes) -> None:
        member, hub = self._member, self._hub
        if member is None:
            hello = parse_request(received)
            if not isinstance(hello, Hello):
                raise BadRequest("ask: 'hello' comes first")
            self._member = hub.welcome(hello)
            self.outbox = self._member.outbox
        elif received[0] == FRAMES:
            try:
                found = frames_to_send(received, len(member.buses))
            except BadRecord:
                member.refused += 1
                raise
            for bus, frame in found:
                hub.send(member, bus, frame)
        else:
            hub.obey(member, parse_request(received), cpu_s())


class Strange(Connection):
    """A tool that speaks socketcand."""

    def __init__(self, hub: Hub, client: socket.socket) -> None:
        super().__init__(hub, client, Outbox(lambda texts, _dropped: b"".join(texts)))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._stranger = Stranger(hub.bus_names)
        self._answer()

    @property
    def wants_to_read(self) -> bool:
        """Not between raw mode and the first frame: what it sends then can wait in its socket."""
        settling = self._stranger.stage is Stage.RAW and self._member is None
        return not settling and super().wants_to_read

    def read(self) -> None:
        """Take what has come of the stream."""
        try:
            received = self.socket.recv(STREAM_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.gone = True
            return
        stranger = self._stranger
        was_raw = stranger.stage is Stage.RAW
        stranger.receive(received)
        self._answer()
        if stranger.is_foreign:
            self.write()
            self.gone = True
            return
        if stranger.stage is Stage.RAW and not was_raw:
            self._hub.kernel.after(SETTLE_US, self._join)
        self._pass_on()

    def _join(self) -> None:
        if self.gone or self._member is not None or self._stranger.bus is None:
            return
        self._member = self._hub.welcome_stranger(self._stranger.bus)
        # All answers have gone by now, or the client does not read, and then it is none.
        answered, self.outbox = self.outbox, self._member.outbox
        self.gone = answered.is_blocked
        self._pass_on()

    def _pass_on(self) -> None:
        member, stranger = self._member, self._stranger
        if member is None:
            return
        for frame in stranger.frames:
            self._hub.send(member, 0, frame)
        stranger.frames.clear()
        member.refused += stranger.refused
        stranger.refused = 0

    def _answer(self) -> None:
        for answer in self._stranger.answers:
            self.outbox.post(answer)
        self._stranger.answers.clear()


def _no_frames(_records: Sequence[bytes], _dropped: int) -> bytes:
    """Who has not said hello yet gets no frames."""
    raise AssertionError("frames for nobody")
