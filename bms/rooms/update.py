"""The way from the application into the boot loader, asked for by the tool or by Victron's update.

The system is off from then on: the boot loader drives no output.
"""

from collections.abc import Mapping
from typing import Protocol

from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame
from bms.port_status import UpdateStatus
from bms.status import View
from bms.wire import nmea2000, vreg

ENTRY = "boot.entry"  # the application wants the boot loader: the address that it has
LOCKED = "update.locked"
RESTART_US = milliseconds(300)  # chosen: the answer is out, and the supplies have settled
FOREVER_US = 1 << 62


class Entry(Protocol):
    """Whether a request for the boot loader leads into it."""

    def __init__(self, locked: bool) -> None:
        """Whether an earlier one has locked it, before the last power cycle."""
        ...

    def admits(self, asked_us: int) -> bool:
        """Whether a request that came at ``asked_us`` does."""
        ...


class EveryRequest:
    """It always does."""

    def __init__(self, locked: bool) -> None:
        """Whatever an older release has stored."""

    def admits(self, asked_us: int) -> bool:
        """Each."""
        return True


class Update(Room):
    """Hears who wants to update, and restarts into the boot loader."""

    entry = Slot[type[Entry]](EveryRequest)
    keeps_io_supplied = Slot(True)

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes], serial: str) -> None:
        super().__init__(firmware)
        self._locked = registers.get(LOCKED) == b"\1"
        self._entry = self.entry(self._locked)
        self._unique = nmea2000.unique_number(serial).to_bytes(6, "little")
        self._restart_us: int | None = None
        self._idle = UpdateStatus(locked=self._locked)

    @property
    def due_us(self) -> int:
        """When it restarts."""
        return FOREVER_US if self._restart_us is None else self._restart_us

    def step(self, now_us: int, view: View) -> UpdateStatus:
        """Nothing, until somebody wants to update."""
        if self._restart_us is not None:
            if now_us < self._restart_us:
                return self._idle
            return UpdateStatus(restart=True, writes={ENTRY: bytes((view.nmea2000.address,))})
        asked_us = view.diagnostics.wants_update_us
        if asked_us is not None:
            return self._enter(now_us, asked_us, io_supply_on=True, asker=None, view=view)
        for time_us, _, frame in view.on_ve_can:
            starts = vreg.is_update_start(frame, view.nmea2000.address)
            if starts and frame.data[2:] == self._unique:
                asker = nmea2000.source_of(frame)
                on = self.keeps_io_supplied
                return self._enter(now_us, time_us, io_supply_on=on, asker=asker, view=view)
        return self._idle

    def _enter(
        self, now_us: int, asked_us: int, *, io_supply_on: bool, asker: int | None, view: View
    ) -> UpdateStatus:
        admitted = self._entry.admits(asked_us)
        sent: tuple[Frame, ...] = ()
        if asker is not None:
            code = vreg.ACK_OK if admitted else vreg.ACK_CANNOT_UPDATE
            begin = vreg.UPDATE_BEGIN
            sent = (vreg.acknowledge(view.nmea2000.address, asker, begin, code),)
        if admitted:
            self._restart_us = now_us + RESTART_US
            self._idle = UpdateStatus(io_supply_on=io_supply_on, begun=True)
            return UpdateStatus(io_supply_on=io_supply_on, begun=True, sent=sent)
        self._idle = UpdateStatus(locked=True)
        return UpdateStatus(locked=True, sent=sent, writes={LOCKED: b"\1"})
