"""A TCP port on which a twin speaks as it is: raw SCPI, or a language of its own.

Where a message ends is the business of the twin's conversation.
"""

import asyncio
import socket  # noqa: TID251 - a door is a socket; never part of a virtual run
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from instruments.doors.pump import Pump, wall_us
from instruments.protocols import Answering

# With the usual 5, many clients opening at once wait seconds for a second SYN.
BACKLOG = 128


class SocketDoor:
    """Serves one twin on a TCP port while the context is entered; port 0 takes a free one."""

    def __init__(
        self,
        twin: Answering,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now_us: Callable[[], int] = wall_us,
    ) -> None:
        self._twin = twin
        self._host = host
        self._asked_port = port
        self._pump = Pump(twin, now_us)
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Client(self._twin, self._clients),
            self._host,
            self._asked_port,
            backlog=BACKLOG,
        )
        self._pump.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for client in list(self._clients):
            client.hang_up()
        await self._server.wait_closed()
        await self._pump.stop()

    @property
    def port(self) -> int:
        """The port on which clients are served."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def resource_name(self) -> str:
        """The VISA name of this door."""
        return f"TCPIP::{self._host}::{self.port}::SOCKET"


class _Client(asyncio.Protocol):
    """One connection; while an answer is on its way, the next message waits in the socket."""

    def __init__(self, twin: Answering, clients: "set[_Client]") -> None:
        self._twin = twin
        self._clients = clients
        self._conversation = twin.conversation()
        self._lines: deque[bytes] = deque()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a client."""
        self._transport = cast(asyncio.Transport, transport)
        # Else an answer in two writes waits for the client's delayed acknowledgement, 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        """Obey line by line in the instrument's own time, and answer after its latency."""
        self._lines.extend(data.splitlines(keepends=True))
        self._go_on()

    def _go_on(self) -> None:
        while self._lines:
            thinks_s = self._twin.thinks_s(self._lines[0])
            if thinks_s > 0:
                self._transport.pause_reading()
                asyncio.get_running_loop().call_later(thinks_s, self._thought, thinks_s)
                return
            if not self._obey(self._lines.popleft(), 0.0):
                return
        self._transport.resume_reading()

    def _thought(self, thought_s: float) -> None:
        if not self._transport.is_closing() and self._obey(self._lines.popleft(), thought_s):
            self._go_on()

    def _obey(self, line: bytes, thought_s: float) -> bool:
        """Whether the next line can be looked at; else something is still on its way."""
        twin = self._twin
        answers = self._conversation.receive(line)
        rest_s = twin.latency_s - thought_s
        if twin.lost:
            self._transport.close()
            return False
        if answers and rest_s > 0:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(rest_s, self._answer, answers)
            return False
        if answers:
            self._transport.write(answers)
        return True

    def _answer(self, answers: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answers)
            self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget a client who left."""
        self._clients.discard(self)

    def hang_up(self) -> None:
        """End the connection at once, without waiting for a client that does not read."""
        self._transport.abort()
