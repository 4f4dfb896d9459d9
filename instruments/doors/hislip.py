"""A HiSLIP port (IVI-6.1, version 1.0): ``TCPIP::host::hislip0,port::INSTR``.

A client has two connections: one for messages, one for what must pass them by (clear, status,
locks). Synchronized mode only. A read is no message of HiSLIP, so that -420 cannot arise here.
Client vendor "xx" (PyVISA-py) takes any message on the second connection for the answer that it
waits for; being told of an interruption or a service request there would cost it its next call,
and it finds stale answers by their message id anyway.
"""

import asyncio
import socket  # noqa: TID251 - a door is a socket; never part of a virtual run
import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self

from instruments.doors.hislip_locks import REQUEST, Locks
from instruments.doors.hislip_wire import (
    HEADER_SIZE,
    Fatal,
    Kind,
    Message,
    Refusal,
    Violation,
    frame,
    receive,
)
from instruments.doors.pump import Pump, wall_us
from instruments.doors.socket_door import BACKLOG
from instruments.protocols import Answering, Conversation
from instruments.scpi import Device

_VERSION = 0x0100
# chosen: no vendor prefix is registered to this project.
_VENDOR = int.from_bytes(b"ZZ", "big")
_DEAF_ON_SECOND_CHANNEL = b"xx"
# The size that VISA assumes before the two sides agree on one.
_MESSAGE_BYTES_MAX = 1 << 20
# chosen: far more than instruments take, few enough for a forgetful client to notice.
_CLIENTS_MAX = 64
_SUB_ADDRESSES = {b"", b"hislip0"}
_RMT_DELIVERED = 1
_MESSAGE_AVAILABLE, _SUMMARY = 16, 64
_LAST_REMOTE_LOCAL = 6


class HislipDoor:
    """Serves one SCPI twin while the context is entered; port 0 takes a free one."""

    def __init__(
        self,
        twin: Answering,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now_us: Callable[[], int] = wall_us,
    ) -> None:
        self.twin = twin
        self.locks = Locks()
        self.sessions: dict[int, _Session] = {}
        self._host = host
        self._asked_port = port
        self._pump = Pump(twin, now_us)
        self._server: asyncio.Server | None = None
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self._host, self._asked_port, backlog=BACKLOG
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
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            await task
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
        return f"TCPIP::{self._host}::hislip0,{self.port}::INSTR"

    def status_byte(self) -> int:
        """What the twin would say of itself to a serial poll, less the answers of a client."""
        device = getattr(self.twin, "device", None)
        if not isinstance(device, Device):
            return 0
        return device.status.byte(errors_waiting=len(device.errors) > 0, message_available=False)

    def service_enable(self) -> int:
        """Which bits of the status byte ask for service."""
        device = getattr(self.twin, "device", None)
        return device.status.sre if isinstance(device, Device) else 0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # Only the door's own closing ends here; anybody else's cancellation goes on.
            writer.transport.abort()
            if task in self._tasks:
                raise
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session: _Session | None = None
        try:
            first = await receive(reader, _MESSAGE_BYTES_MAX)
            if first.kind == Kind.INITIALIZE:
                session = self._begin(first, writer)
                await session.serve_messages(reader)
            elif first.kind == Kind.ASYNC_INITIALIZE:
                session = self._join(first, writer)
                await session.serve_asides(reader)
            else:
                raise Violation(Fatal.INVALID_INITIALIZATION, f"type {first.kind} came first")
        except Violation as violation:
            writer.write(frame(Kind.FATAL_ERROR, violation.code, 0, str(violation).encode()))
        finally:
            # Each of the two connections takes the other with it.
            if session is not None:
                self.sessions.pop(session.number, None)
                session.hang_up()
                await self.locks.forget(session)

    def _join(self, first: Message, writer: asyncio.StreamWriter) -> "_Session":
        session = self.sessions.get(first.parameter)
        if session is None or session.second is not None:
            raise Violation(Fatal.INVALID_INITIALIZATION, f"no session {first.parameter} waits")
        session.second = writer
        writer.write(frame(Kind.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR))
        return session

    def _begin(self, first: Message, writer: asyncio.StreamWriter) -> "_Session":
        if first.payload not in _SUB_ADDRESSES:
            named = first.payload.decode("latin-1")
            raise Violation(Fatal.INVALID_INITIALIZATION, f"sub-address {named!r}, only hislip0")
        if len(self.sessions) >= _CLIENTS_MAX:
            raise Violation(Fatal.TOO_MANY_CLIENTS, f"{_CLIENTS_MAX} clients are connected")
        number = next(n & 0xFFFF for n in self._numbers if n & 0xFFFF not in self.sessions)
        vendor = struct.pack("!I", first.parameter)[2:]
        session = _Session(self, number, writer, tells=vendor != _DEAF_ON_SECOND_CHANNEL)
        self.sessions[number] = session
        writer.write(frame(Kind.INITIALIZE_RESPONSE, 0, _VERSION << 16 | number))
        return session


class _Session:
    """One client: its two connections and the answer that it has not read."""

    def __init__(
        self, door: HislipDoor, number: int, first: asyncio.StreamWriter, *, tells: bool
    ) -> None:
        self.number = number
        self.first = first
        self.second: asyncio.StreamWriter | None = None
        self._door = door
        self._tells = tells
        self._conversation: Conversation = door.twin.conversation()
        self._heard = b""
        self._payload_bytes_max = _MESSAGE_BYTES_MAX - HEADER_SIZE
        self._unread = False
        self._cleared = asyncio.Event()
        self._asked_for_service = False

    def hang_up(self) -> None:
        """End both connections."""
        self.first.close()
        if self.second is not None:
            self.second.close()

    # The connection for messages.

    async def serve_messages(self, reader: asyncio.StreamReader) -> None:
        """Obey message after message until the client leaves."""
        while True:
            message = await receive(reader, _MESSAGE_BYTES_MAX)
            if message.kind == Kind.FATAL_ERROR:
                return
            if self.second is None or message.kind == Kind.INITIALIZE:
                text = f"message type {message.kind} before AsyncInitialize"
                raise Violation(Fatal.CHANNELS_NOT_ESTABLISHED, text)
            if message.kind == Kind.DEVICE_CLEAR_COMPLETE:
                self._cleared.clear()
                self.first.write(frame(Kind.DEVICE_CLEAR_ACKNOWLEDGE))
            elif self._cleared.is_set() or message.kind == Kind.ERROR:
                continue
            elif message.oversized:
                self.first.write(_refusal(Refusal.TOO_LARGE))
            elif message.kind in {Kind.DATA, Kind.DATA_END, Kind.TRIGGER}:
                await self._door.locks.wait_to_speak(self)
                await self._obey(message)
                if self._door.twin.lost:
                    return
            else:
                self.first.write(_unknown(message.kind))

    async def _obey(self, message: Message) -> None:
        if self._unread and not message.control & _RMT_DELIVERED:
            self._interrupt(message.parameter)
        self._unread = False
        if message.kind == Kind.TRIGGER:
            self._conversation.receive(b"*TRG\n")
            return
        self._heard += message.payload
        if len(self._heard) > _MESSAGE_BYTES_MAX:
            self._heard = b""
            self.first.write(_refusal(Refusal.TOO_LARGE))
        elif message.kind == Kind.DATA_END:
            heard, self._heard = self._heard, b""
            # END ends a message, with a line feed or without; one too many is an empty message.
            heard = heard if heard.endswith(b"\n") and b"#" not in heard else heard + b"\n"
            thinks_s = self._door.twin.thinks_s(heard)
            if await self._cleared_within(thinks_s):
                return  # A device clear ends what was asked before it.
            answers = self._conversation.receive(heard)
            await self._answer(answers, message.parameter, thinks_s)
        for session in self._door.sessions.values():
            session.ask_for_service()

    async def _cleared_within(self, seconds: float) -> bool:
        """Wait, and say whether a device clear has come meanwhile."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._cleared.wait()
        return self._cleared.is_set()

    async def _answer(self, answers: bytes, message_id: int, thought_s: float) -> None:
        if not answers or self._door.twin.lost:
            return
        if await self._cleared_within(self._door.twin.latency_s - thought_s):
            return
        size = self._payload_bytes_max
        for start in range(0, len(answers), size):
            kind = Kind.DATA_END if start + size >= len(answers) else Kind.DATA
            self.first.write(frame(kind, 0, message_id, answers[start : start + size]))
        self._unread = True
        await self.first.drain()

    def _interrupt(self, message_id: int) -> None:
        """An answer that the client did not read is void, and it is told on both connections."""
        self._conversation.interrupted()
        self.first.write(frame(Kind.INTERRUPTED, 0, message_id))
        if self._tells and self.second is not None:
            self.second.write(frame(Kind.ASYNC_INTERRUPTED, 0, message_id))

    def ask_for_service(self) -> None:
        """Tell the client once when the summary of its enabled bits rises."""
        wanted = bool(self._status_byte() & _SUMMARY)
        if wanted and not self._asked_for_service and self._tells and self.second is not None:
            self.second.write(frame(Kind.ASYNC_SERVICE_REQUEST, self._status_byte()))
        self._asked_for_service = wanted

    def _status_byte(self) -> int:
        byte = self._door.status_byte()
        if self._unread:
            byte |= _MESSAGE_AVAILABLE
            if self._door.service_enable() & _MESSAGE_AVAILABLE:
                byte |= _SUMMARY
        return byte

    # The connection for what passes messages by.

    async def serve_asides(self, reader: asyncio.StreamReader) -> None:
        """Answer request after request until the client leaves."""
        while True:
            message = await receive(reader, _MESSAGE_BYTES_MAX)
            if message.kind == Kind.FATAL_ERROR:
                return
            if message.kind != Kind.ERROR:
                await self._aside(message)

    async def _aside(self, message: Message) -> None:
        assert self.second is not None
        match message.kind:
            case Kind.ASYNC_STATUS_QUERY:
                if message.control & _RMT_DELIVERED:
                    self._unread = False
                reply = frame(Kind.ASYNC_STATUS_RESPONSE, self._status_byte())
            case Kind.ASYNC_DEVICE_CLEAR:
                self._cleared.set()
                self._conversation, self._heard = self._door.twin.conversation(), b""
                self._unread = False
                reply = frame(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
            case Kind.ASYNC_MAXIMUM_MESSAGE_SIZE if len(message.payload) == 8:
                (wanted,) = struct.unpack("!Q", message.payload)
                agreed = min(max(wanted, HEADER_SIZE + 1), _MESSAGE_BYTES_MAX)
                self._payload_bytes_max = agreed - HEADER_SIZE
                size = struct.pack("!Q", _MESSAGE_BYTES_MAX)
                reply = frame(Kind.ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE, 0, 0, size)
            case Kind.ASYNC_LOCK if message.control <= REQUEST:
                reply = frame(Kind.ASYNC_LOCK_RESPONSE, await self._lock(message))
            case Kind.ASYNC_LOCK_INFO:
                locks = self._door.locks
                reply = frame(Kind.ASYNC_LOCK_INFO_RESPONSE, locks.exclusive, locks.holders)
            case Kind.ASYNC_REMOTE_LOCAL_CONTROL if message.control <= _LAST_REMOTE_LOCAL:
                # The twins' front panels have nobody before them: taken, without effect.
                reply = frame(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)
            case Kind.ASYNC_LOCK | Kind.ASYNC_REMOTE_LOCAL_CONTROL:
                reply = _refusal(Refusal.UNKNOWN_CONTROL_CODE)
            case Kind.ASYNC_MAXIMUM_MESSAGE_SIZE:
                reply = _refusal(Refusal.UNIDENTIFIED)
            case _:
                reply = _unknown(message.kind)
        self.second.write(reply)
        await self.second.drain()

    async def _lock(self, message: Message) -> int:
        locks = self._door.locks
        if message.control == REQUEST:
            return await locks.request(self, message.payload, message.parameter / 1000)
        return await locks.release(self)


def _unknown(kind: int) -> bytes:
    """The refusal of a message type; those from 128 on are vendors'."""
    return _refusal(Refusal.UNKNOWN_VENDOR_MESSAGE if kind >= 128 else Refusal.UNKNOWN_TYPE)


def _refusal(code: Refusal) -> bytes:
    return frame(Kind.ERROR, code, 0, code.name.replace("_", " ").lower().encode())
