"""What benches on the wall clock have instead: a GX with a supply of its own, and no phone."""

from contextlib import AsyncExitStack

from rig.attempt import Attempt
from rig.background import Background
from rig.benches.instrumented import PLOTS, Instruments, Make
from rig.can.face import CanBus
from rig.dut.bluetooth import App, AppAnswer
from rig.errors import NotOnThisBench
from rig.gx_device import GxDevice
from rig.gx_update import GxSupply
from rig.kernel import Kernel


class NoApp(App):
    """Nobody near this device has an app."""

    def __init__(self) -> None:
        super().__init__(None)

    async def _exchange(self, command: str, register: int, data: bytes) -> AppAnswer | None:
        raise NotOnThisBench("an app on Bluetooth: nobody has a phone beside this device")


class OwnSupply(GxSupply):
    """The GX has a supply of its own here, and no other."""

    def from_the_dut(self, load_w: float) -> None:
        """Raises NotOnThisBench."""
        raise NotOnThisBench("a GX supplied by the device: its IO supply feeds nothing here")


def gx_with_own_supply(kernel: Kernel, ve_can: CanBus, make: Make) -> GxDevice:
    """A GX device on this bus."""
    gx = GxDevice(kernel, ve_can, make)
    gx.supply = OwnSupply(kernel, gx)
    return gx


def plot_in_background(instruments: Instruments, attempt: Attempt, stack: AsyncExitStack) -> None:
    """Have what every record shows read from now on, until the stack unwinds."""
    attempt.plots = PLOTS
    for signal in instruments.watched:
        stack.callback(Background(signal).end)
