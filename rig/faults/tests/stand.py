"""A simulated bench of one battery type, for tests that insert faults."""

import asyncio
from contextlib import asynccontextmanager

from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.dut.model import DutSpec
from rig.kernel import VirtualLoop
from rig.needs import Needs

HE = {"battery": "HE200", "series": 1, "parallel": 1}


@asynccontextmanager
async def bench_of(file="sim", **needs):
    """The bench of a file, and what it is built of."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    attempt = Attempt(loop.kernel, "faults", "bench", None)
    wanted = Needs(**{"parallel": 1, **needs})
    parts = SimulatedBench(loop.kernel, load_bench(file), wanted, DutSpec(firmware="1.38"), attempt)
    await parts.open()
    try:
        yield Bench(parts), parts
    finally:
        await parts.close()


async def reading(bench, name, battery=0):
    """What a battery says on the private bus a second from now."""
    signal = bench.private_can.signal(f"private.{name}", battery)
    await asyncio.sleep(1.5)
    assert signal.latest is not None
    return signal.latest.value


async def charge(bench, current_a):
    """Charge with this current, far from full."""
    await bench.charger.charge(current_a, 28.4)
    await asyncio.sleep(2.0)
