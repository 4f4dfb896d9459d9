"""Permissions: allow-to-charge (ATC) and allow-to-discharge (ATD)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bms.codes import Reason, State
from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import PermissionStatus, View
from bms.timing import Held

FAST_PER_H = 0.5  # chosen: what LFP batteries are charged with
SLOW_V = 0.04  # chosen: half of what lies between charged and the over-voltage warning


class Control(Protocol):
    """Decides by the cells whether a direction is allowed; temperatures are looked at besides."""

    def reason(self, now_us: int, view: View) -> Reason:
        """ALLOWED, or why not."""
        ...

    def waits(self) -> bool:
        """Whether time alone can change it."""
        ...


def too_high_for_its_current(view: View) -> bool:
    """Whether the highest cell is beyond what is left to it at the present charge current.

    At the rate of FAST_PER_H that is the charged level, without current SLOW_V more.
    """
    levels, capacity_ah = view.registration.levels, view.registration.capacity_ah
    if levels is None or not capacity_ah:
        return False
    rate_per_h = max(view.inputs.current_a, 0.0) / capacity_ah
    more_v = SLOW_V * max(1.0 - rate_per_h / FAST_PER_H, 0.0)
    return view.protection.highest_cell_v >= levels.charged.set_v + more_v


class ChargeByLevels:
    """Not above the charged level; again below its clear level, once energy was discharged."""

    def __init__(self, after_pct: float) -> None:
        self._after_pct = after_pct
        self._full_at_ah: float | None = None
        self._reached = False
        self._clear, self._clear_us = Held(), limit_us("level.reached.time")

    def waits(self) -> bool:
        """While the cells are below the clear level, and not for long enough."""
        return self._reached and self._clear.runs

    def reason(self, now_us: int, view: View) -> Reason:
        """Allowed, or not, by voltage and by energy."""
        soc, capacity_ah = view.soc, view.registration.capacity_ah or 0.0
        if self._is_reached(now_us, view):
            now_ah = soc.discharged_ah - soc.charged_ah
            # The fullest point: what is discharged before the voltage is clear counts, too.
            self._full_at_ah = now_ah if self._full_at_ah is None else min(self._full_at_ah, now_ah)
            return Reason.REACHED
        if self._full_at_ah is not None:
            discharged_ah = soc.discharged_ah - soc.charged_ah - self._full_at_ah
            if discharged_ah < self._after_pct * capacity_ah / 100:
                return Reason.ENERGY
            self._full_at_ah = None
        return Reason.ALLOWED

    def _is_reached(self, now_us: int, view: View) -> bool:
        levels = view.registration.levels
        if view.protection.charged or too_high_for_its_current(view):
            self._reached = True
            self._clear.reset()
        elif self._reached and levels is not None:
            below = view.protection.highest_cell_v < levels.charged.clear_v
            if self._clear.for_us(now_us, condition=below) >= self._clear_us:
                self._reached = False
        return self._reached


class DischargeByLevels:
    """Not below the discharged level; again above its clear level, once energy was charged."""

    after_pct = 1.0  # chosen: as on the other side, in every release

    def __init__(self) -> None:
        self._empty_at_ah: float | None = None

    def waits(self) -> bool:
        """Never: the levels' own timers do."""
        return False

    def reason(self, now_us: int, view: View) -> Reason:
        """Allowed, or not, by voltage and by energy."""
        soc, capacity_ah = view.soc, view.registration.capacity_ah or 0.0
        now_ah = soc.charged_ah - soc.discharged_ah
        if view.protection.discharged:
            empty_ah = self._empty_at_ah
            self._empty_at_ah = now_ah if empty_ah is None else min(empty_ah, now_ah)
            return Reason.REACHED
        if self._empty_at_ah is not None:
            if now_ah - self._empty_at_ah < self.after_pct * capacity_ah / 100:
                return Reason.ENERGY
            self._empty_at_ah = None
        return Reason.ALLOWED


@dataclass(frozen=True, slots=True)
class AfterEnergy:
    """Charging is allowed again once this share of the capacity was discharged."""

    recharge_after_pct: float

    def __call__(self) -> Control:
        """The control, as it begins."""
        return ChargeByLevels(self.recharge_after_pct)


class Permissions(Room):
    """Withdraws at a level; gives back when the voltage is clear and the energy has moved."""

    charge_control = Slot[Callable[[], Control]](AfterEnergy(1.0))
    discharge_control = Slot[Callable[[], Control]](DischargeByLevels)
    combined_wait_us = Slot(seconds(13))  # in which the others start, at a voltage that is steady

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._others_start = False
        self._charging, self._discharging = self.charge_control(), self.discharge_control()
        self._charge_c = limit("temperature.charge.low"), limit("temperature.charge.high")
        self._discharge_c = limit("temperature.discharge.low"), limit("temperature.discharge.high")

    def waits(self) -> bool:
        """While others start, or a level is on its way to being clear."""
        return self._others_start or self._charging.waits() or self._discharging.waits()

    def step(self, now_us: int, view: View) -> PermissionStatus:
        """Both permissions, each with its reason, and the four lines that tell of them."""
        charge = discharge = Reason.NOT_RUNNING
        if view.start_stop.state is State.RUNNING and not view.fail_safe.active:
            charge = self._charge_reason(now_us, view)
            discharge = self._discharge_reason(now_us, view)
            running_us = now_us - view.start_stop.since_us
            combined = view.settings.values.get("combined", 0)
            self._others_start = bool(combined) and running_us < self.combined_wait_us
            if self._others_start:
                charge = discharge = Reason.OTHERS
        may_charge, may_discharge = charge is Reason.ALLOWED, discharge is Reason.ALLOWED
        inverted = view.settings.values.get
        return PermissionStatus(
            charge=may_charge,
            discharge=may_discharge,
            charge_reason=charge,
            discharge_reason=discharge,
            charge_relay=may_charge != bool(inverted("invert_charge_relay")),
            charge_signal=may_charge != bool(inverted("invert_charge_signal")),
            discharge_relay=may_discharge != bool(inverted("invert_discharge_relay")),
            discharge_signal=may_discharge != bool(inverted("invert_discharge_signal")),
        )

    def _charge_reason(self, now_us: int, view: View) -> Reason:
        reason = self._charging.reason(now_us, view)
        return self._temperature(view, self._charge_c) if reason is Reason.ALLOWED else reason

    def _discharge_reason(self, now_us: int, view: View) -> Reason:
        if view.start_stop.recovering:
            return Reason.RECOVERING
        reason = self._discharging.reason(now_us, view)
        return self._temperature(view, self._discharge_c) if reason is Reason.ALLOWED else reason

    @staticmethod
    def _temperature(view: View, window_c: tuple[float, float]) -> Reason:
        low_c, high_c = window_c
        outside = view.temperatures.lowest_c < low_c or view.temperatures.highest_c > high_c
        return Reason.TEMPERATURE if outside else Reason.ALLOWED
