"""What faults are inserted into: a device at its terminals, with plant and battery modules."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from rig.dut.bluetooth import BluetoothModule
from rig.dut.modules import ModelModule
from rig.plant.plant import Plant


class DutToDisturb(Protocol):
    """The device, as far as faults reach it; for what is inside it may raise NotOnThisBench."""

    @property
    def bluetooth(self) -> BluetoothModule | None:
        """Its Bluetooth module, if it has one."""
        ...

    def surround(self, temperature_c: float | None) -> None:
        """It has this temperature inside; None: that of a room."""
        ...

    def supply_io_from(self, voltage_v: float | None) -> None:
        """Supply its IO connector with this voltage; None: from the battery."""
        ...

    def misread_current(self, error: tuple[float, float]) -> None:
        """Its shunt has this gain, and this offset in amperes."""
        ...

    def misread_voltage(self, gain: float) -> None:
        """Its sense wire for the batteries' voltage has this gain."""
        ...

    def disturb_can(self, disturbed: bool) -> None:
        """All that it sends on the private bus ends in error frames, or no longer does."""
        ...

    def fail_self_test(self, failed: bool) -> None:
        """Its processor's self-test fails, or passes again."""
        ...

    def stall(self) -> None:
        """Its main loop does not go on, until its watchdog or `resume` lets it."""
        ...

    def resume(self) -> None:
        """Its main loop goes on."""
        ...

    def damage(self, register: str, how: str, dice: random.Random) -> Callable[[], None]:
        """Damage a register of its memory; what puts it right is returned."""
        ...


class Disturbed(Protocol):
    """A system that faults are inserted into."""

    @property
    def plant(self) -> Plant:
        """Its cells, contactor and circuit."""
        ...

    @property
    def dut(self) -> DutToDisturb:
        """Its device."""
        ...

    @property
    def modules(self) -> Sequence[ModelModule]:
        """The electronics of its batteries."""
        ...
