"""The test port: faults inside the device under test, which no terminal can insert.

A model and a process have one, a real device has none.
"""

import random
from collections.abc import Callable, Mapping
from typing import Protocol

from rig.errors import FaultRefused

WHOLE_LENGTH = 32  # chosen: longer than any register is


class InsidePort(Protocol):
    """What can be broken inside a device."""

    def stall(self) -> None:
        """Its main loop does not go on, until its watchdog or `resume` lets it."""
        ...

    def resume(self) -> None:
        """Its main loop goes on."""
        ...

    def damage(self, register: str, how: str, dice: random.Random) -> Callable[[], None]:
        """Damage a register of its memory and restart it; what puts it right is returned.

        Raises FaultRefused for a register that the device has not written.
        """
        ...

    def fail_self_test(self, failed: bool) -> None:
        """Its processor's self-test fails, or passes again."""
        ...

    def restart(self) -> None:
        """Cut its processor's supply for a moment: memory stays, all outputs fall."""
        ...


def damaged(
    registers: Mapping[str, bytes], register: str, how: str, dice: random.Random
) -> bytes | None:
    """What is left in a register, or None. Raises FaultRefused for one that was never written."""
    if register not in registers:
        known = ", ".join(sorted(registers)) or "none is written yet"
        raise FaultRefused(f"fault 'damaged memory': register; allowed: {known}; asked: {register}")
    before = registers[register]
    if how == "noise":
        mask = bytes(dice.randrange(1, 256) for _ in before)
        return bytes(a ^ b for a, b in zip(before, mask, strict=True))
    if how == "erased":
        return b"\xff" * WHOLE_LENGTH
    return before[: len(before) // 2] if how == "cut short" else None
