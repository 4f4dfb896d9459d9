"""State of charge: counted coulombs, synchronised when full, stored over a power cycle."""

import struct
from collections.abc import Mapping
from typing import Protocol

from bms.codes import Ending, Reason, State
from bms.firmware import Firmware, Room, Slot, TableSlot, seconds
from bms.status import SocStatus, View

UNKNOWN_PCT = 50.0  # chosen: of a blank or damaged memory, until the first synchronisation
STORE_PERIOD_US = seconds(60)  # chosen: at most a minute of counting is lost with the power
REGISTER, SYNCS_REGISTER = "soc", "soc.syncs"
WITHOUT_CURRENT = {State.STANDBY, State.INITIALISING, State.MEASURING}  # the contactor is open
ZERO_A_MAX = 10.0  # chosen: more is no error of the shunt, but a current that should not be


class Synchronisation(Protocol):
    """Decides when the state of charge is put to 100 %."""

    def is_due(self, view: View) -> bool:
        """Whether it is now."""
        ...


class OncePerFullCharge:
    """When the charged level is reached; again only after charging was allowed in between."""

    def __init__(self) -> None:
        self._done = False

    def is_due(self, view: View) -> bool:
        """At the first step of a full charge."""
        reason = view.permissions.charge_reason
        due = reason is Reason.REACHED and not self._done
        self._done = (self._done or due) and reason is not Reason.ALLOWED
        return due


class Soc(Room):
    """Counts what moves through the shunt; a fully charged battery is 100 %."""

    measures_zero = Slot[bool](True)  # what the shunt tells while nothing can flow is its error
    # By family: what of the charge that goes in comes out again. Chosen, by chemistry.
    charge_efficiency = TableSlot[str, float](
        {"LFP24": 0.998, "LFP48": 0.998, "HE": 0.999, "RS": 0.999}
    )
    synchronisation = Slot[type[Synchronisation]](OncePerFullCharge)
    stored_at_a_command = Slot(True)
    held_below_full_pct = Slot[float](99.9)  # while charging is allowed

    def __init__(self, firmware: Firmware, registers: Mapping[str, bytes]) -> None:
        super().__init__(firmware)
        self._soc_pct = _read(registers.get(REGISTER, b""))
        self._syncs = int.from_bytes(registers.get(SYNCS_REGISTER, b""), "little")
        self._synchronisation = self.synchronisation()
        self._zero_a = 0.0
        self._charged_ah = self._discharged_ah = 0.0
        self._charged_wh = self._discharged_wh = 0.0
        self._stepped_us: int | None = None
        self._stored_us = 0
        self._was_running = False

    def step(self, now_us: int, view: View) -> SocStatus:
        """Count the current since the last step, then the limits at the top."""
        capacity_ah = view.registration.capacity_ah
        running = view.contactor.closed
        writes: dict[str, bytes] = {}
        if running and capacity_ah:
            self._count(now_us, view, capacity_ah)
            self._synchronise(view, writes)
        else:
            self._take_command(view)
            self._find_zero(view)
        self._stepped_us = now_us
        stops = self._was_running and not running
        self._was_running = running
        if stops or (running and now_us - self._stored_us >= STORE_PERIOD_US):
            self._stored_us = now_us
            writes[REGISTER] = struct.pack("<d", self._soc_pct)
            if view.start_stop.ended_by is Ending.COMMAND and not self.stored_at_a_command:
                writes[REGISTER] = b""
        return SocStatus(
            soc_pct=self._soc_pct,
            remaining_ah=self._soc_pct * (capacity_ah or 0.0) / 100,
            charged_ah=self._charged_ah,
            discharged_ah=self._discharged_ah,
            charged_kwh=self._charged_wh / 1000,
            discharged_kwh=self._discharged_wh / 1000,
            syncs=self._syncs,
            writes=writes,
        )

    def _find_zero(self, view: View) -> None:
        """Learn what the shunt tells while the contactor is open."""
        idle = view.start_stop.state in WITHOUT_CURRENT and not view.inputs.aux_contact_closed
        if self.measures_zero and idle and abs(view.inputs.current_a) <= ZERO_A_MAX:
            self._zero_a = view.inputs.current_a

    def _take_command(self, view: View) -> None:
        """What VE.Can tells of the state of charge: a value, or another system's."""
        told = view.ve_can
        if told.soc_command_pct is not None:
            self._soc_pct = told.soc_command_pct
        elif told.group_soc_pct is not None:
            self._soc_pct = (self._soc_pct + told.group_soc_pct) / 2

    def _count(self, now_us: int, view: View, capacity_ah: float) -> None:
        kind = view.registration.type
        current_a = view.inputs.current_a - self._zero_a
        voltage_v = view.inputs.battery_voltage_v
        elapsed_h = (now_us - (self._stepped_us or now_us)) / 3_600_000_000
        moved_ah = current_a * elapsed_h
        if moved_ah >= 0:
            self._charged_ah += moved_ah
            self._charged_wh += moved_ah * voltage_v
            moved_ah *= self.charge_efficiency[kind.family] if kind is not None else 1.0
        else:
            self._discharged_ah -= moved_ah
            self._discharged_wh -= moved_ah * voltage_v
        self._take_command(view)
        self._soc_pct = min(max(self._soc_pct + 100 * moved_ah / capacity_ah, 0.0), 100.0)

    def _synchronise(self, view: View, writes: dict[str, bytes]) -> None:
        """Fully charged it is 100 %, and below while charging is allowed."""
        if self._synchronisation.is_due(view):
            self._soc_pct = 100.0
            self._syncs += 1
            writes[SYNCS_REGISTER] = self._syncs.to_bytes(4, "little")
        elif view.permissions.charge:
            self._soc_pct = min(self._soc_pct, self.held_below_full_pct)


def _read(raw: bytes) -> float:
    """The stored state of charge; damaged memory tells none."""
    if len(raw) != struct.calcsize("<d"):
        return UNKNOWN_PCT
    (soc_pct,) = struct.unpack("<d", raw)
    return float(soc_pct) if 0.0 <= soc_pct <= 100.0 else UNKNOWN_PCT
