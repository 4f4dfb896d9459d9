"""v1.25-09a: a combined system starts and stops at a command by VE.Can.

The register is chosen: the device mode 0x0200, 1 to start and 4 to stop (public codes). Before, it
was refused as unknown, and so it is by a system that is not combined: as invalid.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, seconds

pytestmark = [pytest.mark.item("v1.25-09a"), pytest.mark.needs(parallel=1)]

COMBINED, YES = 0x0377, b"\x01"  # public: VE.Can register
DEVICE_MODE = chosen(0x0200, "the log names no register; this one switches other devices")
ON, OFF = b"\x01", b"\x04"  # public: device mode, VE.Direct HEX protocol
PRE_CHARGING, RUNNING, STANDBY = 16, 9, 14  # public: register 0x0371
INVALID = 0x8300  # public: acknowledge
STARTED = seconds(30)


async def takes(bench: Bench, mode: bytes) -> None:
    """Claim: the device acknowledges the command."""
    answer = await bench.gx.write(DEVICE_MODE, mode)
    holds = answer is not None and answer.kind == "ack" and answer.code == 0
    expect.that("the device takes the command", holds=holds)


async def test_a_combined_system_starts_and_stops_at_commands(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.gx.write(COMBINED, YES)
        await bench.wait(seconds(2))

    for _ in range(2):
        await takes(bench, ON)
        await expect(bench.contactor).becomes(CLOSED, within=STARTED)
        await expect(state).becomes(RUNNING, within=seconds(2))
        await takes(bench, ON)  # it runs already
        await expect(bench.contactor).stays(CLOSED, for_=seconds(5))
        await takes(bench, OFF)
        shutdown = seconds(8)  # stated: change log, 1.09
        await expect(bench.contactor).becomes(
            OPEN, within=shutdown + seconds(0.5), after=shutdown - seconds(0.5)
        )
        await expect(state).becomes(STANDBY, within=seconds(15))


async def test_a_stop_command_breaks_off_a_start(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.gx.write(COMBINED, YES)
        await bench.wait(seconds(2))

    await takes(bench, ON)
    await expect(state).becomes(PRE_CHARGING, within=seconds(15))
    await takes(bench, OFF)
    await expect(state).becomes(STANDBY, within=seconds(2))
    await expect(bench.contactor).stays(OPEN, for_=STARTED)


async def test_a_system_of_its_own_does_not_obey(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    answer = await bench.gx.write(DEVICE_MODE, OFF)
    holds = answer is not None and answer.kind == "ack" and answer.code == INVALID
    expect.that("the device refuses the command", holds=holds)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(15))
