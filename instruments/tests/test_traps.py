"""The traps of PyVISA-py on real sockets: that they are there, and that a session avoids them.

A test of the first kind fails when PyVISA-py has mended the trap; what stands against it may then
go. Peers are small scripts of this file, so that nothing here rests on a twin.
"""

import asyncio
import socket  # noqa: TID251 - real sockets are the subject
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from pyvisa import ResourceManager
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource
from pyvisa_py.tcpip import TCPIPSocketSession

from instruments.blocking import open_blocking_session
from instruments.doors import SocketDoor
from instruments.protocols import Conversation, InstrumentLost, InstrumentTimeout
from instruments.scpi import Connection, Device
from instruments.session import Session

TIMEOUT_S = 0.3
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Plain:
    """The smallest instrument: what every SCPI device has, and nothing else."""

    latency_s = 0.0
    lost = False

    def __init__(self) -> None:
        self.device = Device([], identity=lambda: "MAKER,MODEL,1,2", reset=lambda: None)

    def thinks_s(self, data: bytes) -> float:
        return 0.0

    def conversation(self) -> Conversation:
        return Connection(self.device)


@asynccontextmanager
async def peer(serve: Serve) -> AsyncIterator[int]:
    """A TCP server of one script a client; gives its port, and ends when all clients have left."""
    clients: list[asyncio.Task[None]] = []

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that opens its line anew leaves with an answer unread.
        with suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(
        lambda *pair: clients.append(asyncio.create_task(run(*pair))), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for client in clients:
            await client


def resource_at(port: int, *, timeout_s: float = TIMEOUT_S) -> MessageBasedResource:
    resource = ResourceManager("@py").open_resource(
        f"TCPIP::127.0.0.1::{port}::SOCKET",
        read_termination="\n",
        write_termination="\n",
        timeout=1000 * timeout_s,
    )
    assert isinstance(resource, MessageBasedResource)
    return resource


def session_at(port: int, *, timeout_s: float = TIMEOUT_S) -> Session:
    return open_blocking_session(
        resource_at(port, timeout_s=timeout_s),
        name=f"port {port}",
        now_us=lambda: time.monotonic_ns() // 1000,
    )


def wall_s() -> float:
    return time.monotonic()  # noqa: TID251 - waiting is the subject


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])


async def late_identity(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers its first question too late, with what no other question asks for."""
    while line := await reader.readline():
        if line == b"*IDN?\n":
            await asyncio.sleep(1.5 * TIMEOUT_S)
            writer.write(b"LATE\n")
        else:
            writer.write(b"1\n")


async def hangs_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readline()


async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up_half_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"MAKER,MO")
    await writer.drain()


async def test_trap_1_socket_without_read_termination_times_out_though_the_answer_came() -> None:
    async with SocketDoor(Plain()) as door:
        resource = resource_at(door.port)
        resource.read_termination = None

        with pytest.raises(VisaIOError, match="VI_ERROR_TMO"):
            await asyncio.to_thread(resource.query, "*OPC?")

        resource.close()


async def test_trap_1_session_gets_the_answer_by_its_termination() -> None:
    async with SocketDoor(Plain()) as door:
        session = session_at(door.port)

        assert await session.query("*OPC?") == "1"

        await session.close()


async def test_trap_2_late_answer_answers_the_next_query_of_plain_pyvisa() -> None:
    async with peer(late_identity) as port:
        resource = resource_at(port)
        with pytest.raises(VisaIOError, match="VI_ERROR_TMO"):
            await asyncio.to_thread(resource.query, "*IDN?")
        await asyncio.sleep(TIMEOUT_S)

        assert await asyncio.to_thread(resource.query, "*OPC?") == "LATE"

        resource.close()


async def test_trap_2_late_answer_never_answers_the_next_query_of_a_session() -> None:
    async with peer(late_identity) as port:
        session = session_at(port)
        with pytest.raises(InstrumentTimeout):
            await session.query("*IDN?")
        await asyncio.sleep(TIMEOUT_S)

        assert await session.query("*OPC?") == "1"

        await session.close()


async def test_trap_3_closed_peer_looks_slow_to_plain_pyvisa() -> None:
    async with peer(hangs_up) as port:
        resource = resource_at(port)

        with pytest.raises(VisaIOError, match="VI_ERROR_TMO"):
            await asyncio.to_thread(resource.query, "*OPC?")

        resource.close()


async def test_trap_3_session_tells_a_closed_peer_long_before_its_time_out() -> None:
    async with peer(hangs_up) as port:
        session = session_at(port, timeout_s=10.0)
        start_s = wall_s()

        with pytest.raises(InstrumentLost, match="closed the connection"):
            await session.query("*OPC?")

        assert wall_s() - start_s < 2.0
        await session.close()


async def test_trap_3_session_tells_a_slow_peer_from_a_closed_one() -> None:
    async with peer(says_nothing) as port:
        session = session_at(port)

        with pytest.raises(InstrumentTimeout, match=r"'\*OPC\?' within 300 ms"):
            await session.query("*OPC?")

        await session.close()


async def test_trap_3_peer_that_closes_in_the_middle_of_an_answer_is_lost() -> None:
    async with peer(hangs_up_half_way) as port:
        session = session_at(port)

        with pytest.raises(InstrumentLost):
            await session.query("*IDN?")

        await session.close()


async def test_trap_4_plain_pyvisa_opens_a_port_that_refuses() -> None:
    resource = resource_at(free_port())

    with pytest.raises(ConnectionRefusedError):
        resource.query("*IDN?")

    resource.close()


async def test_trap_4_opening_a_session_on_a_port_that_refuses_is_lost() -> None:
    session = session_at(free_port())

    with pytest.raises(InstrumentLost, match="refused"):
        await session.open(["MODEL"])

    await session.close()


async def test_trap_4_session_lives_again_when_the_port_is_served_again() -> None:
    port = free_port()
    session = session_at(port)
    with pytest.raises(InstrumentLost):
        await session.open(["MODEL"])

    async with SocketDoor(Plain(), port=port):
        identity = await session.open(["MODEL"])
        await session.close()

    assert identity.serial == "1"


async def test_trap_5_sockets_have_no_serial_poll() -> None:
    async with SocketDoor(Plain()) as door:
        resource = resource_at(door.port)
        await asyncio.to_thread(resource.query, "*OPC?")

        with pytest.raises(VisaIOError, match="VI_ERROR_NSUP_OPER"):
            await asyncio.to_thread(resource.read_stb)

        resource.close()


async def test_trap_5_status_byte_is_asked_for_instead() -> None:
    async with SocketDoor(Plain()) as door:
        session = session_at(door.port)
        with pytest.raises(Exception, match="-113"):
            await session.command("NOSUCH")

        assert await session.query("*STB?") == "0"

        await session.close()


async def test_trap_6_forty_sessions_open_at_once_without_waiting_for_a_backlog() -> None:
    async with SocketDoor(Plain()) as door:
        start_s = wall_s()

        sessions = [session_at(door.port) for _ in range(40)]
        answers = [asyncio.create_task(session.query("*OPC?")) for session in sessions]

        assert {await answer for answer in answers} == {"1"}
        assert wall_s() - start_s < 2.0
        for session in sessions:
            await session.close()


async def test_trap_7_door_sends_small_answers_at_once() -> None:
    async with SocketDoor(Plain()) as door:
        session = session_at(door.port)
        await session.query("*OPC?")

        (client,) = door._clients
        wire = client._transport.get_extra_info("socket")

        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        await session.close()


async def test_trap_8_closing_one_session_leaves_the_others_of_the_one_manager_open() -> None:
    assert ResourceManager("@py") is ResourceManager("@py")
    async with SocketDoor(Plain()) as first_door, SocketDoor(Plain()) as second_door:
        first, second = session_at(first_door.port), session_at(second_door.port)
        await first.query("*OPC?")

        await first.close()

        assert await second.query("*OPC?") == "1"
        await second.close()


async def test_trap_9_session_opens_an_address_that_is_in_no_list() -> None:
    async with SocketDoor(Plain()) as door:
        assert TCPIPSocketSession.list_resources() == []
        session = session_at(door.port)

        identity = await session.open(["MODEL"])

        assert identity.model == "MODEL"
        await session.close()


async def test_sessions_that_share_an_instrument_get_each_its_own_answers() -> None:
    async with SocketDoor(Plain()) as door:
        session = session_at(door.port, timeout_s=5.0)
        wrong = []

        async def ask(query: str, expected: str) -> None:
            for _ in range(50):
                if (answer := await session.query(query)) != expected:
                    wrong.append((query, answer))

        pairs = (("*OPC?", "1"), ("*IDN?", "MAKER,MODEL,1,2"), ("SYST:VERS?", "1999.0"))
        for task in [asyncio.create_task(ask(*pair)) for pair in pairs]:
            await task

        assert wrong == []
        await session.close()
