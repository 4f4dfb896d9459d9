"""A stimulus in the terms of a bench: where it starts, and what is done to it when.

The one form for what was restored from a log, for what a reduction leaves, and for what stands in a
field scenario. Times are microseconds from when the start state is reached.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from rig.errors import BenchFileError

Argument = float | int | str | bool | None


class Kind(StrEnum):
    """What a step does; in brackets what it names."""

    CELL = "cell reads"  # battery, cell, voltage_v
    TEMPERATURE = "sensor reads"  # battery, sensor, temperature_c
    TERMINAL = "terminal reads"  # battery, terminal, temperature_c
    FLOW = "current flows"  # current_a, voltage_v: of the charger's limit
    PRESS = "button"
    INTERLOCK = "interlock"  # closed
    EMERGENCY = "emergency stop"  # pressed
    SILENT = "battery silent"  # battery, silent
    FAULT = "fault"  # name, and what it takes
    CLEAR = "fault cleared"  # name, battery
    SETTING = "setting"  # register, code
    FRAME = "frame"  # bus, text: as candump writes it; the device's address is 0x50
    GX_REBOOTS = "GX device reboots"
    POWER_CYCLE = "power cycle"


class Sender(StrEnum):
    """From whom a step comes, for a reduction that takes whole senders away first."""

    BATTERY = "battery"
    CURRENT = "charger and load"
    OPERATOR = "operator"
    GX = "other devices"


SENDERS: Mapping[Kind, Sender] = {
    Kind.CELL: Sender.BATTERY,
    Kind.TEMPERATURE: Sender.BATTERY,
    Kind.TERMINAL: Sender.BATTERY,
    Kind.FLOW: Sender.CURRENT,
    Kind.SILENT: Sender.BATTERY,
    Kind.FAULT: Sender.BATTERY,
    Kind.CLEAR: Sender.BATTERY,
    Kind.SETTING: Sender.GX,
    Kind.FRAME: Sender.GX,
    Kind.GX_REBOOTS: Sender.GX,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done to the bench at a time."""

    at_us: int
    kind: Kind
    arguments: tuple[tuple[str, Argument], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return dict(self.arguments)[name]

    @property
    def sender(self) -> Sender:
        """From whom it comes."""
        return SENDERS.get(self.kind, Sender.OPERATOR)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {_show(value)}" for name, value in self.arguments)
        return f"{self.at_us / 1e6:9.3f} s  {self.kind}{': ' + told if told else ''}"

    @classmethod
    def of_row(cls, row: object) -> Self:
        """From a file. Raises BenchFileError for what is no step."""
        match row:
            case [float() | int() as at_s, str() as kind, dict() as arguments]:
                if kind in set(Kind):
                    return cls(round(at_s * 1e6), Kind(kind), tuple(arguments.items()))
        allowed = ", ".join(Kind)
        raise BenchFileError(f"step {row!r}: allowed: [seconds, one of {allowed}, arguments]")


def step(at_s: float, kind: str, **arguments: Argument) -> Step:
    """A step as a field scenario writes it."""
    return Step.of_row([at_s, kind, arguments])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """What a system is, what it reads when it is switched on, and what is done to it."""

    needs: Mapping[str, Any] = field(default_factory=dict)
    """As `needs(...)` of a scenario."""
    begins: tuple[Step, ...] = ()
    """Before anything else, in standby; times are of no meaning."""
    runs: bool = True
    """Whether it is started and runs before time 0; else time 0 is in standby."""
    steps: tuple[Step, ...] = ()
    length_us: int = 30_000_000

    @property
    def size(self) -> int:
        """How many steps it has, those before the start counted."""
        return len(self.begins) + len(self.steps)


def _show(value: Argument) -> str:
    if isinstance(value, float):
        return "invalid" if math.isnan(value) else f"{value:g}"
    return str(value)
