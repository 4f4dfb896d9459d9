"""What scenarios of all areas do: ask, set, start if it can, and look for warnings."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rig import (
    Bench,
    DiagnosticTool,
    ToolRefused,
    chosen,
    expect,
    milliseconds,
    seconds,
)
from rig.can import Frame

FIRMWARE_VERSION, STATE_OF_CHARGE = 0x0102, 0x0FFF  # public: VE.Can registers
NOT_AVAILABLE = b"\xff\xff\xff\xff"

PRODUCT_ID = 0x0100  # public: VE.Can register
PRE_CHARGING, RUNNING, ERROR = 16, 9, 10  # public: register 0x0371
OVER_VOLTAGE = 13  # public: register 0x2101

T = TypeVar("T")


async def says_its_version(bench: Bench) -> None:
    """Claim: asked for its firmware version, which it never tells unasked, the device tells one."""
    answer = await bench.gx.request(FIRMWARE_VERSION)
    told = answer is not None and "firmware_version" in answer.texts
    expect.that("the device answers a request for its firmware version", holds=told)


def tells(bench: Bench, register: int) -> Callable[[Frame], bool]:
    """Whether a frame on VE.Can is the device's and carries a value of ``register``."""
    source = bench.gx.device_address
    identifier = 0x1CEFFF00 | source  # public: PGN 61184 to everybody, priority 7
    head = b"\x66\x99" + register.to_bytes(2, "little")

    def matches(frame: Frame) -> bool:
        data = frame.data
        return (
            frame.extended
            and frame.identifier == identifier
            and data[:4] == head
            and data[4:] != NOT_AVAILABLE
        )

    return matches


async def answer_or_none(question: Awaitable[T]) -> T | None:
    """What the tool is told; None where the device does not answer it, which a claim can say."""
    try:
        return await question
    except TimeoutError:
        return None


async def started_if_it_can(bench: Bench) -> None:
    """Press the button and give a start its time: an old release refuses batteries it knows not."""
    await bench.press_start_stop()
    await bench.wait(chosen(seconds(20), "registration, pre-charge, and twice as much again"))


async def press_three_times(bench: Bench) -> None:
    """Press the start/stop button three times within two seconds."""
    for _ in range(3):
        await bench.press_start_stop()
        await bench.wait(chosen(milliseconds(300), "about how fast a thumb is"))


async def new_events(bench: Bench, before: int) -> set[int]:
    """The numbers of what the log has beyond its first ``before`` entries; none without answer."""
    log = await answer_or_none(bench.tool.events()) or ()
    return {event.number for event in log[before:]}


async def shown_warnings(bench: Bench) -> frozenset[str]:
    """The warnings that the tool shows; none without answer."""
    return await answer_or_none(bench.tool.warnings()) or frozenset()


async def warns(
    bench: Bench,
    cause: Callable[[], Awaitable[object]],
    event: int,
    *,
    shown: str | None = None,
    after_s: float = 0.0,
    within_s: float,
) -> None:
    """Claim: so long after its cause there is an event, and what the tool shows; not before."""
    known = len(await answer_or_none(bench.tool.events()) or ())
    await cause()
    await bench.wait(seconds(after_s))
    early = await new_events(bench, known) if after_s else set()
    await bench.wait(seconds(within_s - after_s))
    logged = await new_events(bench, known)
    expect.that(f"within {within_s:g} s there is event {event}", holds=event in logged)
    expect.that(f"it is not there after {after_s:g} s", holds=event not in early)
    if shown is not None:
        expect.that(f"the tool shows {shown!r}", holds=shown in await shown_warnings(bench))


async def does_not_warn(
    bench: Bench,
    cause: Callable[[], Awaitable[object]],
    event: int,
    *,
    shown: str | None = None,
    for_s: float,
) -> None:
    """Claim: so long after the cause there is no such event, and the tool does not show it."""
    known = len(await answer_or_none(bench.tool.events()) or ())
    await cause()
    await bench.wait(seconds(for_s))
    logged = await new_events(bench, known)
    expect.that(f"in {for_s:g} s there is no event {event}", holds=event not in logged)
    if shown is not None:
        told = await shown_warnings(bench)
        expect.that(f"the tool does not show {shown!r}", holds=shown not in told)


async def sets(
    bench: Bench, name: str, choice: float | str, tool: DiagnosticTool | None = None
) -> bool:
    """Set a setting with the tool, or another; False where the device does not take it."""
    try:
        await (tool or bench.tool).set(name, choice)
    except (ToolRefused, KeyError, TimeoutError):
        return False
    return True
