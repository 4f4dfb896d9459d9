"""What several scenarios do: procedures in the vocabulary of the bench."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rig import Bench, expect
from rig.can import Frame

FIRMWARE_VERSION, STATE_OF_CHARGE = 0x0102, 0x0FFF  # public: VE.Can registers
NOT_AVAILABLE = b"\xff\xff\xff\xff"

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
