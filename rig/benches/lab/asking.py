"""Ask the device in a lab who it is, before a run: nothing is energised, one adapter is opened."""

import asyncio
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

from rig.benches.file import BenchFile
from rig.benches.lab.wiring_check import require_sound
from rig.can.adapter import AdapterBus, open_adapter
from rig.clock import utc_now
from rig.dut.device import HEARD_WITHIN_S, DutIdentity, heard, read_identity
from rig.errors import BenchError, BenchFileError
from rig.gx_device import GxDevice
from rig.kernel import Kernel
from rig.signal import Signal
from rig.wall import WallLoop


def ask_identity(file: BenchFile) -> DutIdentity:
    """Who is there on VE.Can. Raises BenchError if nobody is heard, or the adapter fails."""
    with asyncio.Runner(loop_factory=WallLoop) as runner:
        return runner.run(_ask(file))


async def _ask(file: BenchFile) -> DutIdentity:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    assert file.lab is not None
    async with AsyncExitStack() as stack:
        port = file.lab.can["ve_can"]
        adapter = open_adapter(
            port.interface, port.channel, port.bitrate, port.options, "can.ve_can"
        )
        bus = AdapterBus(loop.kernel, "ve_can", adapter, port.bitrate)
        stack.callback(bus.close)
        gx = GxDevice(loop.kernel, bus, quiet(loop.kernel))
        if not await heard(gx, bus):
            raise BenchError(
                f"nothing is heard of the device on VE.Can within {HEARD_WITHIN_S:g} s: is it "
                "switched on, is the bus terminated, is can.ve_can the right adapter?"
            )
        return await read_identity(gx, bus)


def quiet(kernel: Kernel) -> Any:
    """What makes signals that nobody records."""
    return lambda name, unit, poll=None: Signal(name, unit, kernel=kernel, poll=poll)


def expect_release(file: BenchFile, firmware: str) -> DutIdentity | None:
    """The device of a lab, if it runs this release; None for a bench that is no lab.

    Raises BenchFileError, before anything is energised, if the file is not sound, if nobody is
    heard, or if the device runs another release or does not tell which.
    """
    if file.lab is None:
        return None
    require_sound(file, date.fromisoformat(utc_now()[:10]))
    try:
        found = ask_identity(file)
    except BenchError as error:
        raise BenchFileError(f"{file.path}: {error}") from error
    if found.release != firmware:
        says = f"runs {found.release}" if found.release else "does not tell its release"
        allowed = f"--firmware {found.release}" if found.release else "a device that tells it"
        raise BenchFileError(
            f"--firmware {firmware}: the device on {file.name} {says}; allowed: {allowed}"
        )
    return found
