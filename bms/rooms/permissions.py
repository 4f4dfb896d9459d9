"""Permissions: allow-to-charge (ATC) and allow-to-discharge (ATD)."""

from bms.data import limit
from bms.firmware import Firmware, Room, Slot
from bms.status import PermissionStatus, Reason, State, View


class Permissions(Room):
    """Withdraws at a level; gives back when the voltage is clear and the energy has moved."""

    recharge_after_pct = Slot(1.0)  # of the capacity, discharged since fully charged
    redischarge_after_pct = 1.0  # chosen: the same on the other side, in every release

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._full_at_ah: float | None = None
        self._empty_at_ah: float | None = None
        self._charge_c = limit("temperature.charge.low"), limit("temperature.charge.high")
        self._discharge_c = limit("temperature.discharge.low"), limit("temperature.discharge.high")

    def step(self, now_us: int, view: View) -> PermissionStatus:
        """Both permissions, each with its reason."""
        if view.start_stop.state is not State.RUNNING or view.fail_safe.active:
            return PermissionStatus()
        charge = self._charge_reason(view)
        discharge = self._discharge_reason(view)
        return PermissionStatus(
            charge=charge is Reason.ALLOWED,
            discharge=discharge is Reason.ALLOWED,
            charge_reason=charge,
            discharge_reason=discharge,
        )

    def _charge_reason(self, view: View) -> Reason:
        soc, capacity_ah = view.soc, view.registration.capacity_ah or 0.0
        if view.protection.charged:
            now_ah = soc.discharged_ah - soc.charged_ah
            # The fullest point: what is discharged before the voltage is clear counts, too.
            self._full_at_ah = now_ah if self._full_at_ah is None else min(self._full_at_ah, now_ah)
            return Reason.REACHED
        if self._full_at_ah is not None:
            discharged_ah = soc.discharged_ah - soc.charged_ah - self._full_at_ah
            if discharged_ah < self.recharge_after_pct * capacity_ah / 100:
                return Reason.ENERGY
            self._full_at_ah = None
        return self._temperature(view, self._charge_c)

    def _discharge_reason(self, view: View) -> Reason:
        soc, capacity_ah = view.soc, view.registration.capacity_ah or 0.0
        if view.start_stop.recovering:
            return Reason.RECOVERING
        if view.protection.discharged:
            now_ah = soc.charged_ah - soc.discharged_ah
            self._empty_at_ah = (
                now_ah if self._empty_at_ah is None else min(self._empty_at_ah, now_ah)
            )
            return Reason.REACHED
        if self._empty_at_ah is not None:
            charged_ah = soc.charged_ah - soc.discharged_ah - self._empty_at_ah
            if charged_ah < self.redischarge_after_pct * capacity_ah / 100:
                return Reason.ENERGY
            self._empty_at_ah = None
        return self._temperature(view, self._discharge_c)

    @staticmethod
    def _temperature(view: View, window_c: tuple[float, float]) -> Reason:
        low_c, high_c = window_c
        outside = view.temperatures.lowest_c < low_c or view.temperatures.highest_c > high_c
        return Reason.TEMPERATURE if outside else Reason.ALLOWED
