"""Doors through which anyone's client reaches a twin: a TCP port that speaks raw SCPI.

A door owns wall-clock time; the twin behind it does not know that there is one.
"""

import asyncio
import socket  # noqa: TID251 - a door is a socket; never part of a virtual run
from contextlib import suppress
from types import TracebackType
from typing import Self

from instruments.protocols import Answering

_CHUNK = 65_536
# With the usual 5, many clients opening at once wait seconds for a second SYN.
_BACKLOG = 128


class SocketDoor:
    """Serves one twin on a TCP port while the context is entered; port 0 takes a free one."""

    def __init__(self, twin: Answering, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._twin = twin
        self._host = host
        self._asked_port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._host, self._asked_port, backlog=_BACKLOG
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port on which clients are served."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def resource_name(self) -> str:
        """The VISA name of this door."""
        return f"TCPIP::{self._host}::{self.port}::SOCKET"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        # Else an answer in two writes waits for the client's delayed acknowledgement, 40 ms.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = self._twin.conversation()
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                answers = conversation.receive(data)
                if self._twin.lost:
                    break
                if answers:
                    await asyncio.sleep(self._twin.latency_s)
                    writer.write(answers)
                    await writer.drain()
        self._writers.discard(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
