"""Claims on firmware that is brought into a device or into its batteries."""

from collections.abc import AsyncIterator

from rig import (
    Bench,
    ToolRefused,
    UpdateOutcome,
    UpdatePath,
    chosen,
    expect,
    milliseconds,
    other_than,
    seconds,
    together,
)
from rig.can import Frame
from scenarios.procedures.batteries import starts
from scenarios.procedures.common import FIRMWARE_VERSION, answer_or_none

FLOOD = Frame(0x000FF021, bytes(8))
BURST_FRAMES = chosen(118, "a burst of 64 ms")
BURST_PERIOD = chosen(milliseconds(70), "so that more than 90 % of the bus is taken")
BESIDE = chosen(milliseconds(113), "no multiple of anything that a device does periodically")


async def beside_the_grid(bench: Bench) -> None:
    """Wait for a moment that is on no whole period of the device, as nearly all moments are.

    Scenarios act on whole seconds. 1.27 mishears one request in ten for good (v1.27-K1, v1.27-K2),
    and on whole seconds all of them: a row that only needs to be heard asks beside them.
    """
    await bench.wait((BESIDE - bench.now_us) % seconds(1))


async def outcome_on_a_busy_bus(bench: Bench, path: UpdatePath) -> UpdateOutcome:
    """Update to the release under test while another device takes more than 90 % of the bus."""
    outcomes: list[UpdateOutcome] = []

    async def floods() -> None:
        while not outcomes:
            for _ in range(BURST_FRAMES):
                bench.ve_can.send(FLOOD)
            await bench.wait(BURST_PERIOD)

    async def updates() -> None:
        outcomes.append(await bench.update(bench.firmware, path))

    await together(updates(), floods())
    return outcomes[0]


async def updates_on_a_busy_bus(bench: Bench, path: UpdatePath) -> None:
    """Claim: an update is completed on a busy bus, and the device runs what was installed."""
    await beside_the_grid(bench)
    outcome = await outcome_on_a_busy_bus(bench, path)
    await beside_the_grid(bench)
    again = await bench.update(bench.firmware, path)
    expect.that("on a bus that is free an update is completed", holds=again.completed)
    expect.that("on a busy bus an update is completed", holds=outcome.completed)
    await runs_the_release_under_test(bench)


async def runs_the_release_under_test(bench: Bench) -> None:
    """Claim: the device says, on VE.Can and to the tool, that it runs the release under test."""
    answer = await bench.gx.request(FIRMWARE_VERSION)
    told = None if answer is None else answer.texts.get("firmware_version")
    expect.that(f"register 0x0102 says {bench.firmware}", holds=told == bench.firmware)
    told = await answer_or_none(bench.tool.firmware())
    expect.that(f"the tool reads {bench.firmware}", holds=told == bench.firmware)


async def boot_loader_version(bench: Bench) -> tuple[int, ...] | None:
    """What the tool reads as the boot loader's version; None where it is not told."""
    try:
        text = await bench.tool.boot_loader()
    except (ToolRefused, TimeoutError):
        return None
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


async def moments(bench: Bench, count: int) -> AsyncIterator[int]:
    """So many moments, one a pass, that are spread over a second as evenly as can be."""
    second = seconds(1)
    for number in range(count):
        phase = int(number * second * chosen(0.6180339887, "the golden ratio")) % second
        await bench.wait((phase - bench.now_us) % second)
        yield number


async def updates_its_batteries(bench: Bench) -> None:
    """Claim: the master updates its batteries, and all of them are there and serve afterwards."""
    updating, standby, state = 13, 14, bench.gx.register("state")  # public: register 0x0371
    enough = chosen(seconds(60), "to gather the batteries, send, restart them, and as much again")
    await answer_or_none(bench.tool.update_batteries())
    await expect(state).becomes(updating, within=seconds(2))
    await expect(state).becomes(other_than(updating), within=enough)
    await expect(state).is_(standby)
    await starts(bench)
    await expect(bench.gx.register("batteries")).becomes(len(bench.batteries), within=seconds(2))
