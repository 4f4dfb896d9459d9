"""The terminals of a device under test, as every bench wires them.

CAN ports are not here: they are the buses' own. A level is True where the contact is closed or the
lamp is lit. Nothing in here reads a state of the model.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol


class Input(StrEnum):
    """What a bench can drive."""

    START_STOP = "start_stop"  # button: True while it is pressed
    INTERLOCK = "interlock"  # True: closed
    EMERGENCY_STOP = "emergency_stop"


class Output(StrEnum):
    """What a bench can sense."""

    CONTACTOR_AUX = "contactor_aux"
    ALLOW_CHARGE = "allow_charge"
    ALLOW_DISCHARGE = "allow_discharge"
    ALLOW_CHARGE_SIGNAL = "allow_charge_signal"
    ALLOW_DISCHARGE_SIGNAL = "allow_discharge_signal"
    PROGRAMMABLE_RELAY = "programmable_relay"
    GREEN_LED = "green_led"
    RED_LED = "red_led"
    BUZZER = "buzzer"
    FAN = "fan"


class NullMode(StrEnum):
    """How a device that does nothing behaves once the arrangement stands."""

    SILENT = "silent"  # everything off, nothing sent
    FROZEN = "frozen"  # outputs as they last were, the last frames again and again
    UNAVAILABLE = "unavailable"  # outputs as they last were, every request "not available"


class UpdatePath(StrEnum):
    """How firmware gets into a device; only the tool installs boot loaders."""

    TOOL = "tool"
    VRM = "vrm"
    VUP = "vup"


class DutTerminals(Protocol):
    """What a bench can do to, and see of, a device besides its CAN ports."""

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input."""
        ...

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        ...

    async def power_cycle(self) -> None:
        """Cut its own supply for a moment: only its memory is left."""
        ...

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Be of a release less some of its changes from now on, with the memory as it is."""
        ...

    def turn_null(self, mode: NullMode) -> None:
        """From now on the device does nothing: the proof that a check can fail."""
        ...
