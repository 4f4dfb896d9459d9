"""What all doors have in common: the same device, the same driver, time that passes for it."""

import asyncio
import random
import sys
from typing import Any

import pytest
from pyvisa import ResourceManager

from instruments.doors import HislipDoor, PtyDoor, SocketDoor, wall_us
from instruments.models import model_named, open_driver, open_session
from instruments.protocols import InstrumentTimeout, Trip
from instruments.twins.circuit import Circuit
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.dp832 import Dp832Twin
from instruments.visa import TwinLibrary

posix = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal needs POSIX")
QUERIES = ("*IDN?", "*OPC?;SYST:VERS?", "SYST:CTYP? 200", "ROUT:CLOS? (@201,202)", "SYST:ERR?")


@pytest.fixture
def twin() -> DAQ970ATwin:
    return DAQ970ATwin(serial="MY1", dice=random.Random(1), latency_s=0.0)


async def asked(manager: ResourceManager, name: str, *queries: str) -> list[str]:
    def client() -> list[str]:
        resource: Any = manager.open_resource(
            name, read_termination="\n", write_termination="\n", timeout=2000
        )
        try:
            return [resource.query(query) for query in queries]
        finally:
            resource.close()

    return await asyncio.to_thread(client)


@posix
async def test_one_device_answers_the_same_through_four_doors(twin: DAQ970ATwin) -> None:
    library = TwinLibrary.create()
    library.register("TCPIP::daq.bench::5025::SOCKET", twin)
    answers = [
        await asked(ResourceManager(library), "TCPIP::daq.bench::5025::SOCKET", *QUERIES),
    ]

    for door in (SocketDoor(twin), HislipDoor(twin), PtyDoor(twin)):
        async with door:
            answers.append(await asked(ResourceManager("@py"), door.resource_name, *QUERIES))

    assert [answer[1] for answer in answers] == ["1;1999.0"] * 4
    assert [answer.rstrip() for answer in answers[0]] == answers[1]
    assert [a.rstrip() for a in answers[2]] == answers[1] == answers[3]
    library.close_all()


every_door = pytest.mark.parametrize(
    "kind", [SocketDoor, HislipDoor, pytest.param(PtyDoor, marks=posix)], ids=lambda k: k.__name__
)


@every_door
async def test_a_driver_works_unchanged_through_every_door(kind: Any, twin: DAQ970ATwin) -> None:
    async with kind(twin) as door:
        daq: Any = await asyncio.to_thread(
            open_driver,
            model_named("daq970a"),
            door.resource_name,
            now_us=wall_us,
            lines={"button": (102, 0)},
        )
        await daq.open(serial="MY1")
        await daq.set("button", level=False)
        await daq.close_relay(201)
        closed = await daq.relay_is_closed(201), await daq.relay_is_closed(202)
        await daq.close()

    assert closed == (True, False)


@pytest.mark.parametrize("kind", [SocketDoor, HislipDoor], ids=lambda k: k.__name__)
async def test_a_late_answer_does_not_answer_the_next_query(kind: Any, twin: DAQ970ATwin) -> None:
    async with kind(twin) as door:
        session = await asyncio.to_thread(
            open_session, None, door.resource_name, now_us=wall_us, timeout_s=0.1
        )
        twin.latency_s = 0.15
        with pytest.raises(InstrumentTimeout):
            await session.query("*IDN?")

        twin.latency_s = 0.0

        assert await session.query("*OPC?") == "1"
        await session.close()


class Impatient(DAQ970ATwin):
    """A twin that counts how often time was let pass for it."""

    supervisions = 0
    due: int | None = None

    def due_us(self) -> int | None:
        return self.due

    def supervise(self) -> None:
        self.supervisions += 1


@every_door
async def test_a_door_lets_a_twin_supervise_itself_without_traffic(kind: Any) -> None:
    twin = Impatient(serial="MY1", dice=random.Random(1), latency_s=0.0)

    async with kind(twin):
        await asyncio.sleep(0.25)

    # Every 20 ms at the latest; half of that on a machine that is busy.
    assert twin.supervisions >= 6


async def test_a_twin_that_is_due_sooner_is_supervised_sooner() -> None:
    twin = Impatient(serial="MY1", dice=random.Random(1), latency_s=0.0)
    twin.due = 0

    async with SocketDoor(twin):
        await asyncio.sleep(0.25)

    assert twin.supervisions > 25


async def test_a_protection_trips_behind_a_door_although_nobody_asks() -> None:
    twin = Dp832Twin(serial="1", dice=random.Random(1), now_us=wall_us, latency_s=0.0)
    circuit = Circuit(now_us=wall_us, resistor_ohm=10.0)
    twin.connect(circuit.attach_source(twin.stage(1).demand))

    async with SocketDoor(twin):
        twin.conversation().receive(b"OUTP:OVP:VAL CH1,3;:OUTP:OVP CH1,ON;:APPL CH1,5,1\n")
        twin.conversation().receive(b"OUTP CH1,ON\n")
        on_at_first = twin.stage(1).on
        await asyncio.sleep(0.3)

    assert on_at_first
    assert not twin.stage(1).on
    assert twin.stage(1).trips == {Trip.OVER_VOLTAGE}
