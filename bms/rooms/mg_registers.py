"""MG's own registers on VE.Can, while the external protocol is VE-MG-NMEA2000.

They are not public: the change log gives the period, the rest is chosen. Numbers and layouts are
those of Victron's registers, under MG's manufacturer code.
"""

from dataclasses import dataclass

from bms.codes import State
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.io import Frame
from bms.port_status import MgRegistersStatus
from bms.registers import REGISTERS
from bms.status import View
from bms.wire import vreg

PERIOD_US = milliseconds(250)
NEVER_US = 1 << 62
VALUES = (
    vreg.VOLTAGE,
    vreg.CURRENT,
    vreg.SOC,
    vreg.CELL_VOLTAGE_RANGE,
    vreg.CELL_TEMPERATURE_RANGE,
    vreg.CVL,
    vreg.CCL,
    vreg.DVL,
    vreg.DCL,
)
WARNINGS = 0x2180  # chosen: a number that no register of Victron's has here
STATUSES = (vreg.BMS_STATE, vreg.FLAGS, vreg.ERROR, WARNINGS)


def _data(register: int, view: View) -> bytes:
    if register == WARNINGS:
        return vreg.u32(view.warning_word.flags)
    return REGISTERS[register].data(view)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a register is told: how long after it was told last, and whether at a change."""

    period_us: int
    on_change: bool


class MgRegisters(Room):
    """Tells values every 250 ms, statuses when they change."""

    statuses = Slot(Timing(seconds(1), on_change=True))

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self.due_us = NEVER_US  # when the next of them is due
        self._due_us: dict[int, int] = {}
        self._last: dict[int, bytes] = {}
        self._idle = MgRegistersStatus()

    def step(self, now_us: int, view: View) -> MgRegistersStatus:
        """The registers that are due, or have changed."""
        settings = view.settings
        protocol = settings.choices["external_protocol"].get(settings.values["external_protocol"])
        off = view.start_stop.state is State.STANDBY or not view.nmea2000.ready
        if protocol != "VE-MG-NMEA2000" or off:
            self.due_us = NEVER_US
            self._due_us.clear()
            self._last.clear()
            return self._idle
        if not view.looks or not (view.control or now_us >= self.due_us):
            return self._idle
        sent: list[Frame] = []
        for register in VALUES:
            self._tell(register, now_us, view, Timing(PERIOD_US, on_change=False), sent)
        for register in STATUSES:
            self._tell(register, now_us, view, self.statuses, sent)
        self.due_us = min(self._due_us.values())
        return MgRegistersStatus(sent=tuple(sent)) if sent else self._idle

    def _tell(
        self, register: int, now_us: int, view: View, timing: Timing, sent: list[Frame]
    ) -> None:
        due_us = self._due_us.get(register, now_us)
        data = _data(register, view)
        changed = timing.on_change and data != self._last.get(register)
        if now_us < due_us and not changed:
            return
        self._last[register] = data
        begun_us = due_us if 0 <= now_us - due_us < timing.period_us else now_us
        self._due_us[register] = (now_us if changed else begun_us) + timing.period_us
        sent.append(vreg.broadcast(view.nmea2000.address, register, data, vreg.MG))
