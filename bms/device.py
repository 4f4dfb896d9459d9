"""The device in its housing: a boot loader, an application, and the memory that holds both.

After power-on the boot loader looks first: what is staged it installs, then it starts the
application, unless that has asked for the boot loader, or there is none.
"""

from collections.abc import Callable, Mapping

from bms.boot.loader import BootLoader
from bms.boot.transfer import PLACES, STAGED
from bms.data import Hardware
from bms.firmware import Component, Firmware
from bms.io import Inputs, Outputs
from bms.master import Master
from bms.rooms.update import ENTRY

# The firmware that a name in memory stands for. Raises ValueError for one that there is none of.
Binaries = Callable[[str, Component], Firmware]


class Dead:
    """A processor without a boot loader: nothing runs any more."""

    next_step_us = look_us = 1 << 62

    def step(self, _now_us: int, _inputs: Inputs) -> Outputs:
        """Nothing."""
        return Outputs()


class Device:
    """One device from power-on to power-off; a power cycle is a new one with the same memory.

    ``registers`` is the memory itself: who steps the device keeps in it what it writes.
    """

    def __init__(
        self, binaries: Binaries, registers: Mapping[str, bytes], hardware: Hardware, serial: str
    ) -> None:
        self._binaries, self._registers = binaries, registers
        self._hardware, self._serial = hardware, serial
        self._machine = self._begin()
        self._due_us: int | None = 0

    @property
    def application(self) -> Master | None:
        """What runs, if it is the application; for a debugger."""
        return self._machine if isinstance(self._machine, Master) else None

    @property
    def next_step_us(self) -> int:
        """When it wants to run again, if nothing happens before."""
        return self._machine.next_step_us if self._due_us is None else self._due_us

    @property
    def look_us(self) -> int:
        """When it looks next, if something happens."""
        return self._machine.look_us if self._due_us is None else self._due_us

    def step(self, now_us: int, inputs: Inputs) -> Outputs:
        """Run what is due; as `Master.step`."""
        if self._due_us is not None and self._due_us > 0:
            self._machine = self._begin()
        self._due_us = None
        outputs = self._machine.step(now_us, inputs)
        if outputs.restart:
            self._due_us = now_us + 1
        return outputs

    def _begin(self) -> Master | BootLoader | Dead:
        """What runs after a reset."""
        registers = self._registers
        loader = self._firmware(Component.BOOT_LOADER)
        application = self._firmware(Component.MASTER)
        if loader is None:
            return Dead()
        if application is None or registers.get(STAGED) or registers.get(ENTRY):
            return BootLoader(loader, registers, self._hardware, self._serial, self._binaries)
        version = BootLoader.version.resolve(loader)
        secondary = self._firmware(Component.SECONDARY_BOOT_LOADER)
        return Master(application, registers, self._hardware, self._serial, version, secondary)

    def _firmware(self, component: Component) -> Firmware | None:
        """The firmware of a component that stands in memory; None if none does."""
        try:
            name = self._registers.get(PLACES[component], b"").decode("ascii")
            return self._binaries(name, component)
        except ValueError:
            return None


def shipped(release: str) -> dict[str, bytes]:
    """The memory of a device as the factory made it with a release."""
    return {place: release.encode() for place in PLACES.values()}
