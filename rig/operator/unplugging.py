"""A power cycle by a technician's hand, and whether the device has seen it.

Who says "done" may have pulled another plug. A device that was without supply is silent on VE.Can,
and when it has started it claims its address before it says anything else, unasked.
"""

import asyncio
from collections.abc import Callable

from rig.can.frame import Frame
from rig.dut.terminals import DutTerminals
from rig.errors import NoSupplyRelay, NotOnThisBench
from rig.gx_device import BATTERY_FUNCTION, FUNCTION_BYTE, GxDevice
from rig.kernel import milliseconds
from rig.operator.asking import Ask
from rig.views import BusView

PLEA = "Please unplug the device's own supply for a second, and plug it again."
CLAIM, REQUEST = 0xEE, 0xEA  # public: ISO 11783, byte of the PGN in an identifier
CLAIM_PGN = (60928).to_bytes(3, "little")
NAME_BYTES, UNIQUE = 8, (1 << 21) - 1  # public: ISO 11783, the number of a device in its NAME
SILENT_US = milliseconds(500)  # chosen: the capacitors of its supply hold the rest of that second
ANSWERED_US = milliseconds(250)  # public: ISO 11783, a claim that was asked for comes within it
RESTARTS_WITHIN_S = 15.0  # chosen: it starts, waits and claims its address in a third of that
LOOK_S = 0.05


async def power_cycled(
    device: DutTerminals,
    ask: Ask,
    gx: GxDevice,
    ve_can: BusView,
    now_us: Callable[[], int],
    note: Callable[[str], None],
) -> None:
    """Cut the device's own supply for a moment, by its relay or by a technician.

    Raises NotOnThisBench where nobody does it, or if the device did not restart.
    """
    try:
        await device.power_cycle()
    except NoSupplyRelay:
        watch = RestartWatch(gx, now_us())
        ve_can.sniff(watch.hear)
        await ask(PLEA)
        for _ in range(round(RESTARTS_WITHIN_S / LOOK_S)):
            if watch.restarted_us is not None:
                ago_s = (now_us() - watch.restarted_us) / 1e6
                note(f"the device has restarted: it claimed its address {ago_s:.1f} s ago")
                return
            await asyncio.sleep(LOOK_S)
        raise NotOnThisBench(
            "the device did not restart: since it was asked to be unplugged, no claim of its "
            "address after a silence on VE.Can"
        ) from None


class RestartWatch:
    """Looks for the restart of the device in what VE.Can carries, from ``now_us`` on."""

    def __init__(self, gx: GxDevice, now_us: int) -> None:
        self._gx = gx
        self._heard_us = now_us
        self._asked_us = now_us - ANSWERED_US
        self.restarted_us: int | None = None
        """When it claimed its address the last time after a silence; None if it has not."""

    def hear(self, time_us: int, frame: Frame) -> None:
        """Each frame on VE.Can."""
        if not frame.extended:
            return
        kind, source = frame.identifier >> 16 & 0xFF, frame.identifier & 0xFF
        if kind == CLAIM and len(frame.data) == NAME_BYTES and self._is_its_own(frame.data):
            was_silent = time_us - self._heard_us >= SILENT_US
            if was_silent and time_us - self._asked_us >= ANSWERED_US:
                self.restarted_us = time_us
            self._heard_us = time_us
        elif source == self._gx.device_address:
            self._heard_us = time_us
        elif kind == REQUEST and frame.data[:3] == CLAIM_PGN:
            self._asked_us = time_us

    def _is_its_own(self, name: bytes) -> bool:
        known = self._gx.device_name
        if not any(known):  # it has claimed none yet that was heard
            return name[FUNCTION_BYTE] == BATTERY_FUNCTION
        return _unique(name) == _unique(known)


def _unique(name: bytes) -> int:
    return int.from_bytes(name[:3], "little") & UNIQUE
