"""How fast instruments are asked: over TCP against a twin in another process, and in this process.

Rules of this file: over TCP it is wall-clock time that counts, because two processes share the
work; a figure is the median of its windows. `python -m rig.benchmarks_instruments` is the other
process: it serves a twin on a free port, says which, and ends with its standard input.
"""

import asyncio
import random
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pyvisa import ResourceManager
from pyvisa.resources import MessageBasedResource

from instruments.blocking import open_blocking_session
from instruments.doors import SocketDoor, wall_us
from instruments.drivers.psb10000 import EaPsb10000
from instruments.session import Session
from instruments.twins.circuit import Circuit
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.visa import TwinLibrary
from rig.clock import cpu_s, wall_s
from rig.kernel import VirtualLoop

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float]

WINDOWS = 7
QUERY = "MEAS:VOLT?"
BATCH, AWAITED, IN_PROCESS = 4000, 2000, 4000
RESISTOR_OHM, VOLTAGE_V = 10.0, 24.0  # chosen: a supply at work


def batched_over_tcp() -> Measured:
    """Queries of a measurement in a batch: session, worker, PyVISA-py, loopback, door and twin."""

    async def measure() -> float:
        async with _session_to_another_process() as session:
            await session.query_all([QUERY] * BATCH)
            return statistics.median(
                await _rates(BATCH, lambda: session.query_all([QUERY] * BATCH))
            )

    return "scpi_socket_queries_per_s", asyncio.run(measure()), "1/s", 5000.0


def awaited_over_tcp() -> Measured:
    """The same queries, each awaited before the next."""
    rate, _ = asyncio.run(_measure_awaited())
    return "scpi_socket_awaited_per_s", rate, "1/s", 2500.0


def latency_over_tcp() -> Measured:
    """What 99 of 100 awaited queries stay below."""
    _, p99_ms = asyncio.run(_measure_awaited())
    return "scpi_socket_p99_ms", p99_ms, "ms", 1.0


async def _measure_awaited() -> tuple[float, float]:
    latencies: list[list[float]] = []

    async with _session_to_another_process() as session:

        async def ask_each() -> None:
            window: list[float] = []
            latencies.append(window)
            for _ in range(AWAITED):
                asked_s = wall_s()
                await session.query(QUERY)
                window.append(wall_s() - asked_s)

        await session.query_all([QUERY] * AWAITED)
        rate = statistics.median(await _rates(AWAITED, ask_each))
    p99_ms = [sorted(window)[AWAITED * 99 // 100] * 1000 for window in latencies]
    return rate, statistics.median(p99_ms)


async def _rates(queries: int, ask: Callable[[], Awaitable[object]]) -> list[float]:
    """Queries a second of wall-clock time, window by window."""
    rates = []
    for _ in range(WINDOWS):
        start_s = wall_s()
        await ask()
        rates.append(queries / (wall_s() - start_s))
    return rates


def in_process() -> Measured:
    """A driver's measurements through the in-process VISA library, in virtual time."""

    async def measure() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        kernel = loop.kernel
        library = TwinLibrary.create()
        name = "TCPIP::psu.bench::5025::SOCKET"
        library.register(name, _supply_at_work(lambda: kernel.now_us))
        supply = EaPsb10000(library.open_session(name, now_us=lambda: kernel.now_us))
        await supply.open()
        rates = []
        for _ in range(WINDOWS):
            start_s = cpu_s()
            for _ in range(IN_PROCESS):
                await supply.output_is_on()
            rates.append(IN_PROCESS / (cpu_s() - start_s))
        library.close_all()
        return statistics.median(rates)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return "scpi_inprocess_queries_per_s", runner.run(measure()), "1/s", 30_000.0


def _supply_at_work(now_us: Callable[[], int]) -> EaPsb10000Twin:
    """A twin that holds a resistor at a voltage."""
    twin = EaPsb10000Twin(serial="1", dice=random.Random(1), now_us=now_us, latency_s=0.005)
    circuit = Circuit(now_us=now_us, resistor_ohm=RESISTOR_OHM)
    twin.connect(circuit.attach_source(twin.demand))
    told = f"SYST:LOCK ON;:VOLT {VOLTAGE_V:g};:CURR 10;:OUTP ON\n".encode()
    twin.conversation().receive(told)
    return twin


@asynccontextmanager
async def _session_to_another_process() -> AsyncIterator[Session]:
    command = [sys.executable, "-m", "rig.benchmarks_instruments"]
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        resource = ResourceManager("@py").open_resource(
            server.stdout.readline().strip(), read_termination="\n", write_termination="\n"
        )
        assert isinstance(resource, MessageBasedResource)
        session = open_blocking_session(resource, name="benchmark", now_us=wall_us)
        try:
            yield session
        finally:
            await session.close()
            server.stdin.close()


async def _serve() -> None:
    twin = _supply_at_work(wall_us)
    twin.latency_s = 0.0
    async with SocketDoor(twin) as door:
        sys.stdout.write(f"{door.resource_name}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
