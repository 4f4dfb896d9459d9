"""State of charge: counted coulombs, synchronised when full, stored over a power cycle."""

import struct
from collections.abc import Mapping

from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import SocStatus, View

UNKNOWN_PCT = 50.0  # chosen: of a blank or damaged memory, until the first synchronisation
STORE_PERIOD_US = seconds(60)  # chosen: at most a minute of counting is lost with the power
REGISTER = "soc"


class Soc(Room):
    """Counts what moves through the shunt; a fully charged battery is 100 %."""

    held_below_full_pct = Slot[float](99.9)  # while charging is allowed

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._soc_pct = _read(registers.get(REGISTER, b""))
        self._charged_ah = self._discharged_ah = 0.0
        self._charged_wh = self._discharged_wh = 0.0
        self._stepped_us: int | None = None
        self._stored_us = 0
        self._was_running = False

    def step(self, now_us: int, view: View) -> SocStatus:
        """Count the current since the last step, then the limits at the top."""
        capacity_ah = view.registration.capacity_ah
        running = view.contactor.closed
        if running and capacity_ah:
            self._count(now_us, view, capacity_ah)
        self._stepped_us = now_us
        writes: dict[str, bytes] = {}
        stops = self._was_running and not running
        self._was_running = running
        if stops or (running and now_us - self._stored_us >= STORE_PERIOD_US):
            self._stored_us = now_us
            writes[REGISTER] = struct.pack("<d", self._soc_pct)
        return SocStatus(
            soc_pct=self._soc_pct,
            remaining_ah=self._soc_pct * (capacity_ah or 0.0) / 100,
            charged_ah=self._charged_ah,
            discharged_ah=self._discharged_ah,
            charged_kwh=self._charged_wh / 1000,
            discharged_kwh=self._discharged_wh / 1000,
            writes=writes,
        )

    def _count(self, now_us: int, view: View, capacity_ah: float) -> None:
        current_a, voltage_v = view.inputs.current_a, view.inputs.battery_voltage_v
        elapsed_h = (now_us - (self._stepped_us or now_us)) / 3_600_000_000
        moved_ah = current_a * elapsed_h
        if moved_ah >= 0:
            self._charged_ah += moved_ah
            self._charged_wh += moved_ah * voltage_v
        else:
            self._discharged_ah -= moved_ah
            self._discharged_wh -= moved_ah * voltage_v
        command_pct = view.ve_can.soc_command_pct
        before_pct = self._soc_pct if command_pct is None else command_pct
        soc_pct = before_pct + 100 * moved_ah / capacity_ah
        if view.protection.charged and not view.permissions.charge:
            soc_pct = 100.0
        elif view.permissions.charge:
            soc_pct = min(soc_pct, self.held_below_full_pct)
        self._soc_pct = min(max(soc_pct, 0.0), 100.0)


def _read(raw: bytes) -> float:
    """The stored state of charge; damaged memory tells none."""
    if len(raw) != struct.calcsize("<d"):
        return UNKNOWN_PCT
    (soc_pct,) = struct.unpack("<d", raw)
    return float(soc_pct) if 0.0 <= soc_pct <= 100.0 else UNKNOWN_PCT
