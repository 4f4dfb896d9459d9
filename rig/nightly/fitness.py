"""Builds a bench for its test of itself, outside any session of pytest, and takes it down again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

from instruments.protocols import InstrumentError
from rig.attempt import Attempt
from rig.bench import Parts
from rig.benches.file import BenchFile
from rig.benches.lab.bench import installed, lab_bench
from rig.benches.parts import Compared
from rig.benches.simulated import SimulatedBench
from rig.benches.wire import wire_bench
from rig.clock import utc_now
from rig.collector import seldom_collecting
from rig.dut.model import DutSpec
from rig.errors import BenchError
from rig.guard import guarded
from rig.kernel import VirtualLoop, kernel_of_the_run
from rig.needs import Needs
from rig.planning import under_test
from rig.recording import BenchCheck, SelfTest
from rig.safety.selftest import could_not_open, opened, test_bench
from rig.wall import WallLoop


def examine(file: BenchFile, firmware: str) -> SelfTest:
    """Open the bench with a device of a release, and have it test itself; it ends safe."""
    loop: Callable[[], asyncio.AbstractEventLoop]
    loop = VirtualLoop if file.kind == "simulated" else WallLoop
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            checks = runner.run(_examined(file, firmware))
    except (BenchError, InstrumentError, OSError) as error:
        return could_not_open(error)
    return SelfTest(utc=utc_now(), checks=checks)


async def _examined(file: BenchFile, firmware: str) -> tuple[BenchCheck, ...]:
    kernel = kernel_of_the_run()
    kernel.seed = "self-test"
    attempt = Attempt(kernel, "self-test", "self-test", None)
    roles = [f"{name} {role.model} {role.serial or ''}" for name, role in file.roles.items()]
    async with _bench(file, DutSpec(firmware=firmware), attempt) as parts:
        return (
            opened(", ".join(each.strip() for each in roles)),
            *await test_bench(parts, file.envelope),
        )


@asynccontextmanager
async def _bench(file: BenchFile, spec: DutSpec, attempt: Attempt) -> AsyncIterator[Parts]:
    compared = Compared(reference=spec.firmware)
    needs = Needs() if file.lab is None else installed(file.lab)
    if file.kind == "wire":
        async with wire_bench(file, needs, spec, attempt, compared) as parts:
            yield parts
        return
    if file.kind == "lab":
        today = date.fromisoformat(utc_now()[:10])
        claims = str(under_test(spec.firmware, is_read=True).claims_of)
        async with lab_bench(file, needs, spec, attempt, compared, claims, today) as lab:
            yield lab
        return
    with guarded(), seldom_collecting():
        bench = SimulatedBench(kernel_of_the_run(), file, needs, spec, attempt, None, compared)
        await bench.open()
        try:
            yield bench
        finally:
            await bench.close()
