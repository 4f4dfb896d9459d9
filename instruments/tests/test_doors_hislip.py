"""The HiSLIP door, through PyVISA-py and through bytes as IVI-6.1 numbers them."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pyvisa import ResourceManager
from pyvisa.errors import VisaIOError

from instruments.doors import HislipDoor
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.twin import Fault

IDENTITY = "Keysight Technologies,DAQ970A,MY1"


@pytest.fixture
def twin() -> DAQ970ATwin:
    return DAQ970ATwin(serial="MY1", dice=random.Random(1), latency_s=0.0)


@pytest.fixture
async def door(twin: DAQ970ATwin) -> AsyncIterator[HislipDoor]:
    async with HislipDoor(twin) as door:
        yield door


async def by_pyvisa(
    door: HislipDoor, talk: Callable[[Any], object], *, timeout_ms: float = 2000
) -> Any:
    """What a PyVISA client says and hears, in a thread of its own."""

    def client() -> object:
        resource = ResourceManager("@py").open_resource(door.resource_name, timeout=timeout_ms)
        try:
            return talk(resource)
        finally:
            resource.close()

    return await asyncio.to_thread(client)


class Wire:
    """A client of bytes: both connections, nothing hidden."""

    def __init__(self, door: HislipDoor) -> None:
        self.door = door

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.door.port)

    async def __aenter__(self) -> "Wire":
        self.first, self.to_first = await self.connect()
        self.second, self.to_second = await self.connect()
        self.say(0, 0, 0x0100_4E49, b"hislip0")
        _, _, parameter, _ = await self.hear()
        self.version, session = divmod(parameter, 0x10000)
        self.aside(17, 0, session)
        assert (await self.overhear())[0] == 18
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in (self.to_first, self.to_second):
            writer.close()

    def say(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        self.to_first.write(pack(kind, control, parameter, payload))

    def aside(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        self.to_second.write(pack(kind, control, parameter, payload))

    async def hear(self) -> tuple[int, int, int, bytes]:
        return await unpack(self.first)

    async def overhear(self) -> tuple[int, int, int, bytes]:
        return await unpack(self.second)


def pack(kind: int, control: int, parameter: int, payload: bytes) -> bytes:
    return struct.pack("!2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


async def unpack(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    async with asyncio.timeout(2):
        header = await reader.readexactly(16)
        _, kind, control, parameter, length = struct.unpack("!2sBBIQ", header)
        return kind, control, parameter, await reader.readexactly(length)


async def test_pyvisa_py_queries_by_the_name_that_the_door_gives(door: HislipDoor) -> None:
    answer = await by_pyvisa(door, lambda resource: resource.query("*IDN?"))

    assert answer.startswith(IDENTITY)
    assert door.resource_name == f"TCPIP::127.0.0.1::hislip0,{door.port}::INSTR"


async def test_serial_poll_tells_of_a_queued_error(door: HislipDoor) -> None:
    def talk(resource: Any) -> tuple[int, int]:
        before = resource.read_stb()
        resource.write("FOO:BAR 1")
        return before, resource.read_stb()

    # Bit 2: the error queue is not empty.
    assert await by_pyvisa(door, talk) == (0, 4)


async def test_serial_poll_tells_of_an_unread_answer(door: HislipDoor) -> None:
    def talk(resource: Any) -> tuple[int, str, int]:
        resource.write("*OPC?")
        return resource.read_stb(), resource.read().strip(), resource.read_stb()

    # Bit 4: a message is available.
    assert await by_pyvisa(door, talk) == (16, "1", 0)


async def test_serial_poll_does_not_wait_for_a_slow_answer(
    door: HislipDoor, twin: DAQ970ATwin
) -> None:
    twin.latency_s = 0.3

    def talk(resource: Any) -> tuple[int, str]:
        resource.write("*OPC?")
        return resource.read_stb(), resource.read().strip()

    assert await by_pyvisa(door, talk) == (0, "1")


async def test_clear_voids_an_answer_on_its_way(door: HislipDoor, twin: DAQ970ATwin) -> None:
    twin.latency_s = 0.4

    def talk(resource: Any) -> tuple[str, str]:
        with pytest.raises(VisaIOError):
            resource.query("*IDN?")
        resource.clear()
        twin.latency_s = 0.0
        return resource.query("*OPC?").strip(), resource.query("SYST:ERR?").strip()

    assert await by_pyvisa(door, talk, timeout_ms=100) == ("1", '+0,"No error"')


async def test_an_answer_not_read_is_interrupted_by_the_next_message(door: HislipDoor) -> None:
    def talk(resource: Any) -> list[str]:
        resource.write("*IDN?")
        resource.write("*OPC?")
        return [resource.read().strip(), *(resource.query("SYST:ERR?").strip() for _ in range(2))]

    answer, error, none = await by_pyvisa(door, talk)

    assert answer == "1"
    assert error == '-410,"Query INTERRUPTED"'
    assert none == '+0,"No error"'


async def test_an_answer_that_was_read_is_not_interrupted(door: HislipDoor) -> None:
    def talk(resource: Any) -> str:
        for _ in range(3):
            resource.query("*OPC?")
        resource.write("*CLS")
        return str(resource.query("SYST:ERR?"))

    assert '0,"No error"' in await by_pyvisa(door, talk)


async def test_a_client_is_told_of_an_interruption_on_both_connections(door: HislipDoor) -> None:
    async with Wire(door) as wire:
        wire.say(7, 0, 0xFFFF_FF00, b"*IDN?\n")
        wire.say(7, 0, 0xFFFF_FF02, b"*OPC?\n")

        heard = [await wire.hear() for _ in range(3)]
        overheard = await wire.overhear()

    assert [message[:3] for message in heard] == [
        (7, 0, 0xFFFF_FF00),
        (13, 0, 0xFFFF_FF02),
        (7, 0, 0xFFFF_FF02),
    ]
    assert overheard == (14, 0, 0xFFFF_FF02, b"")


async def test_an_answer_carries_the_id_of_its_message_and_ends_with_a_line_feed(
    door: HislipDoor,
) -> None:
    async with Wire(door) as wire:
        wire.say(6, 0, 0xFFFF_FF00, b"*OP")
        wire.say(7, 0, 0xFFFF_FF02, b"C?")

        assert await wire.hear() == (7, 0, 0xFFFF_FF02, b"1\n")
    assert wire.version == 0x0100


async def test_an_answer_is_cut_to_the_size_that_the_client_takes(door: HislipDoor) -> None:
    async with Wire(door) as wire:
        wire.aside(15, 0, 0, struct.pack("!Q", 16 + 30))
        size = await wire.overhear()
        wire.say(7, 0, 2, b"*IDN?\n")
        parts = [await wire.hear()]
        while parts[-1][0] == 6:
            parts.append(await wire.hear())

    assert size == (16, 0, 0, struct.pack("!Q", 1 << 20))
    assert {len(part[3]) for part in parts[:-1]} == {30}
    assert b"".join(part[3] for part in parts).startswith(IDENTITY.encode())


async def test_a_message_that_is_too_large_is_refused_and_the_next_is_obeyed(
    door: HislipDoor,
) -> None:
    async with Wire(door) as wire:
        wire.say(7, 0, 2, b" " * ((1 << 20) + 1))
        wire.say(7, 0, 4, b"*OPC?\n")

        assert (await wire.hear())[:2] == (3, 4)
        assert await wire.hear() == (7, 0, 4, b"1\n")


@pytest.mark.parametrize(
    ("kind", "code"), [pytest.param(77, 1, id="reserved"), pytest.param(200, 3, id="vendor's")]
)
async def test_an_unknown_message_type_is_refused_and_the_next_is_obeyed(
    door: HislipDoor, kind: int, code: int
) -> None:
    async with Wire(door) as wire:
        wire.say(kind)
        wire.say(7, 0, 2, b"*OPC?\n")

        assert (await wire.hear())[:2] == (3, code)
        assert await wire.hear() == (7, 0, 2, b"1\n")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"*IDN?\n" + b" " * 10, 1, id="no header of HiSLIP"),
        pytest.param(pack(7, 0, 2, b"*IDN?\n"), 3, id="data first"),
        pytest.param(pack(17, 0, 999, b""), 3, id="session that nobody began"),
        pytest.param(pack(0, 0, 0x0100_0000, b"inst7"), 3, id="sub-address"),
        pytest.param(
            pack(0, 0, 0x0100_0000, b"hislip0") + pack(7, 0, 2, b"*IDN?\n"), 2, id="one channel"
        ),
    ],
)
async def test_a_protocol_violation_is_a_fatal_error_and_the_end(
    door: HislipDoor, sent: bytes, code: int
) -> None:
    reader, writer = await Wire(door).connect()
    writer.write(sent)

    message = await unpack(reader)
    if message[0] == 1:
        message = await unpack(reader)

    assert message[:2] == (2, code)
    assert await reader.read() == b""
    writer.close()


async def test_a_garbled_second_connection_ends_both(door: HislipDoor) -> None:
    async with Wire(door) as wire:
        wire.to_second.write(b"garbage that is no header")

        assert (await wire.overhear())[:2] == (2, 1)
        assert await wire.first.read() == b""
        assert await wire.second.read() == b""


async def test_a_trigger_message_is_the_trigger_command(door: HislipDoor) -> None:
    heard: list[bytes] = []
    async with Wire(door) as wire:
        conversation = door.sessions[1]._conversation
        conversation.receive = lambda data: heard.append(data) or b"1\n"
        wire.say(12, 0, 2)
        wire.say(7, 0, 4, b"*OPC?\n")

        # Only the query is answered.
        assert await wire.hear() == (7, 0, 4, b"1\n")

    assert heard == [b"*TRG\n", b"*OPC?\n"]


async def test_an_exclusive_lock_keeps_another_client_waiting(door: HislipDoor) -> None:
    async with Wire(door) as owner, Wire(door) as other:
        owner.aside(4, 1, 0)
        assert await owner.overhear() == (5, 1, 0, b"")
        other.say(7, 0, 2, b"*OPC?\n")
        other.aside(4, 1, 10)
        assert await other.overhear() == (5, 0, 0, b"")
        other.aside(24)
        assert await other.overhear() == (25, 1, 1, b"")
        assert not other.first._buffer

        owner.aside(4, 0, 0)

        assert await owner.overhear() == (5, 1, 0, b"")
        assert await other.hear() == (7, 0, 2, b"1\n")


async def test_a_shared_lock_is_shared_by_its_key(door: HislipDoor) -> None:
    async with Wire(door) as one, Wire(door) as two, Wire(door) as three:
        one.aside(4, 1, 0, b"key")
        two.aside(4, 1, 0, b"key")
        answers = [await one.overhear(), await two.overhear()]
        three.aside(4, 1, 0, b"another")
        answers.append(await three.overhear())
        two.aside(4, 0, 0)
        answers.append(await two.overhear())

    assert [answer[1] for answer in answers] == [1, 1, 0, 2]


async def test_a_lock_goes_with_the_client_who_held_it(door: HislipDoor) -> None:
    async with Wire(door) as owner:
        owner.aside(4, 1, 0)
        await owner.overhear()

    async with Wire(door) as other:
        other.aside(4, 1, 1000)

        assert (await other.overhear())[1] == 1


async def test_service_is_requested_when_an_enabled_bit_rises(door: HislipDoor) -> None:
    async with Wire(door) as wire:
        wire.say(7, 0, 2, b"*SRE 4\n")
        wire.say(7, 0, 4, b"FOO\n")

        # Bit 2: an error is queued; bit 6: that is what was enabled.
        assert await wire.overhear() == (20, 68, 0, b"")


async def test_a_lost_instrument_closes_both_connections(
    door: HislipDoor, twin: DAQ970ATwin
) -> None:
    async with Wire(door) as wire:
        twin.fault = Fault.LOST
        wire.say(7, 0, 2, b"*OPC?\n")

        assert await wire.first.read() == b""
        assert await wire.second.read() == b""


async def test_forty_pyvisa_clients_are_served_at_once(door: HislipDoor) -> None:
    def talk(resources: list[Any]) -> set[str]:
        for resource in resources:
            resource.write("*OPC?")
        return {resource.read().strip() for resource in resources}

    def clients() -> set[str]:
        manager = ResourceManager("@py")
        resources = [manager.open_resource(door.resource_name) for _ in range(40)]
        try:
            return talk(resources)
        finally:
            for resource in resources:
                resource.close()

    async with asyncio.timeout(2):
        assert await asyncio.to_thread(clients) == {"1"}
