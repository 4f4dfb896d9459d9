"""A twin behind a real TCP port: a plain socket, PyVISA-py and a driver in wall time."""

import asyncio
import random
import socket  # noqa: TID251 - the plain client of this test
import time
from collections.abc import AsyncIterator

import pytest
from pyvisa import ResourceManager
from pyvisa.resources import MessageBasedResource

from instruments.blocking import open_blocking_session
from instruments.doors import SocketDoor
from instruments.drivers.daq970a import DAQ970A
from instruments.protocols import InstrumentError, InstrumentLost, InstrumentTimeout
from instruments.session import Session
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.twin import Fault


@pytest.fixture
def twin() -> DAQ970ATwin:
    return DAQ970ATwin(serial="MY1", dice=random.Random(1), latency_s=0.0)


@pytest.fixture
async def door(twin: DAQ970ATwin) -> AsyncIterator[SocketDoor]:
    async with SocketDoor(twin) as door:
        yield door


def visa_session(door: SocketDoor, *, timeout_s: float = 2.0) -> Session:
    resource = ResourceManager("@py").open_resource(
        door.resource_name,
        read_termination="\n",
        write_termination="\n",
        timeout=1000 * timeout_s,
    )
    assert isinstance(resource, MessageBasedResource)
    return open_blocking_session(
        resource,
        name=door.resource_name,
        now_us=lambda: time.monotonic_ns() // 1000,
    )


def talk(port: int, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
        client.sendall(text)
        return client.recv(4096)


async def test_plain_socket_gets_an_answer(door: SocketDoor) -> None:
    answer = await asyncio.to_thread(talk, door.port, b"*OPC?;SYST:VERS?\r\n")

    assert answer == b"1;1999.0\n"


async def test_pyvisa_py_gets_the_identity(door: SocketDoor) -> None:
    session = visa_session(door)

    identity = await session.identify()

    assert identity.model == "DAQ970A"
    await session.close()


async def test_driver_works_unchanged_over_tcp(door: SocketDoor, twin: DAQ970ATwin) -> None:
    daq = DAQ970A(visa_session(door), lines={"button": (102, 0)})
    await daq.open(serial="MY1")

    await daq.set("button", level=False)
    await daq.close_relay(201)

    assert (twin.outputs, twin.closed) == ({102: 0xFE}, {201})
    await daq.close()


async def test_late_answer_over_tcp_does_not_answer_the_next_query(
    door: SocketDoor, twin: DAQ970ATwin
) -> None:
    session = visa_session(door, timeout_s=0.1)
    twin.latency_s = 0.15
    with pytest.raises(InstrumentTimeout):
        await session.query("*IDN?")
    await asyncio.sleep(0.1)

    twin.latency_s = 0.0

    assert await session.query("*OPC?") == "1"
    await session.close()


async def test_session_over_tcp_comes_back_after_the_peer_dropped_it(
    door: SocketDoor, twin: DAQ970ATwin
) -> None:
    session = visa_session(door, timeout_s=0.1)
    twin.fault = Fault.LOST
    for _ in range(2):
        with pytest.raises(InstrumentError):
            await session.query("*OPC?")

    twin.fault = None

    assert await session.query("*OPC?") == "1"
    await session.close()


async def test_port_that_nobody_serves_is_lost(twin: DAQ970ATwin) -> None:
    async with SocketDoor(twin) as door:
        session = visa_session(door, timeout_s=0.2)
        await session.query("*OPC?")
    for _ in range(2):
        with pytest.raises(InstrumentError):
            await session.query("*OPC?")

    with pytest.raises(InstrumentLost):
        await session.query("*OPC?")
    await session.close()


async def test_forty_clients_open_at_once_without_waiting(door: SocketDoor) -> None:
    start = time.monotonic()  # noqa: TID251 - a door lives in wall time

    pairs = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(40)]
    for _, writer in pairs:
        writer.write(b"*OPC?\n")
    answers = {await reader.readline() for reader, _ in pairs}

    assert answers == {b"1\n"}
    assert time.monotonic() - start < 1.0  # noqa: TID251
    for _, writer in pairs:
        writer.close()
        await writer.wait_closed()
