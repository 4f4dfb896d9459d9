"""The serial door, through PyVISA-py and as a plain terminal."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyvisa import ResourceManager

from instruments.doors import PtyDoor
from instruments.twins.daq970a import DAQ970ATwin

posix = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal needs POSIX")


@pytest.fixture
def twin() -> DAQ970ATwin:
    return DAQ970ATwin(serial="MY1", dice=random.Random(1), latency_s=0.0)


@pytest.fixture
async def door(twin: DAQ970ATwin) -> AsyncIterator[PtyDoor]:
    async with PtyDoor(twin) as door:
        yield door


async def asked(door: PtyDoor, *queries: str) -> list[str]:
    def client() -> list[str]:
        resource: Any = ResourceManager("@py").open_resource(
            door.resource_name, read_termination="\n", write_termination="\n", timeout=2000
        )
        try:
            return [resource.query(query) for query in queries]
        finally:
            resource.close()

    return await asyncio.to_thread(client)


@posix
async def test_the_line_stays_when_one_client_leaves_and_another_comes(door: PtyDoor) -> None:
    first = await asked(door, "*OPC?")
    second = await asked(door, "*OPC?")

    assert (first, second) == (["1"], ["1"])


@posix
async def test_an_answer_that_nobody_read_does_not_answer_the_next_client(door: PtyDoor) -> None:
    plain = os.open(door.path, os.O_RDWR | os.O_NOCTTY)
    os.write(plain, b"*IDN?\n")
    await asyncio.sleep(0.05)
    os.close(plain)

    assert await asked(door, "*OPC?") == ["1"]


@posix
async def test_a_plain_terminal_gets_bytes_as_they_are(door: PtyDoor) -> None:
    plain = os.open(door.path, os.O_RDWR | os.O_NOCTTY)
    os.write(plain, b"*OPC?;*OPC?\r\n")

    answer = await asyncio.to_thread(os.read, plain, 100)

    # No echo before it, and no carriage return that the terminal put in.
    assert answer == b"1;1\n"
    os.close(plain)


@posix
async def test_a_line_of_9600_baud_takes_a_millisecond_a_character(twin: DAQ970ATwin) -> None:
    async with PtyDoor(twin, baud=9600) as door:
        start = time.monotonic()  # noqa: TID251 - a door lives in wall time
        (answer,) = await asked(door, "*IDN?")
        took_s = time.monotonic() - start  # noqa: TID251

    # Ten bits a character, both directions, their line feeds too.
    line_s = (len("*IDN?\n") + len(answer) + 1) * 10 / 9600
    assert line_s < took_s < line_s + 0.5


@posix
async def test_a_line_that_nobody_reads_does_not_hold_the_twin_for_ever(door: PtyDoor) -> None:
    plain = os.open(door.path, os.O_RDWR | os.O_NOCTTY)
    for _ in range(40):
        os.write(plain, b"*IDN?;*IDN?\n" * 5)
        await asyncio.sleep(0.01)
    os.close(plain)

    # One answer is given up after a second; then the rest of what was asked is obeyed.
    await asyncio.sleep(2.5)

    assert await asked(door, "*OPC?") == ["1"]
