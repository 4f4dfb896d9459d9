"""Pre-charge: the system bus is brought to the batteries' voltage before the contactor closes."""

from collections import deque

from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import PrechargeStatus, State, View

RESISTOR_FROM_V = 48.0  # stated: NTC below 48 V, resistor above (v1.27-02a, v1.27-02b)


class Precharge(Room):
    """Charges through the NTC or the resistor until the difference is small, or gives up."""

    time_limit_us = Slot(seconds(30))
    time_limit_rising_us = Slot(seconds(48))  # by NTC, if it rises: 18 s more

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._close_within_v = limit("precharge.close_within")
        self._rising_v_per_s = limit("precharge.rising")
        self._window_us = limit_us("precharge.window")
        self._voltages: deque[tuple[int, float]] = deque()
        self._extended = False

    def step(self, now_us: int, view: View) -> PrechargeStatus:
        """Active while the system pre-charges; done or failed at its end."""
        start_stop = view.start_stop
        if start_stop.state is State.GOING_TO_RUN:
            return PrechargeStatus(active=True, done=True)
        if start_stop.state is not State.PRE_CHARGING:
            self._voltages.clear()
            self._extended = False
            return PrechargeStatus()
        inputs = view.inputs
        self._voltages.append((now_us, inputs.system_voltage_v))
        while now_us - self._voltages[0][0] > self._window_us:
            self._voltages.popleft()
        if inputs.battery_voltage_v - inputs.system_voltage_v <= self._close_within_v:
            return PrechargeStatus(active=True, done=True)
        elapsed_us = now_us - start_stop.since_us
        if elapsed_us >= self.time_limit_us and not self._extended:
            ntc = inputs.battery_voltage_v < RESISTOR_FROM_V
            if not (ntc and self._rises()):
                return PrechargeStatus(failed=True)
            self._extended = True
        if self._extended and elapsed_us >= self.time_limit_rising_us:
            return PrechargeStatus(failed=True)
        return PrechargeStatus(active=True)

    def _rises(self) -> bool:
        (before_us, before_v), (after_us, after_v) = self._voltages[0], self._voltages[-1]
        span_s = (after_us - before_us) / 1_000_000
        return span_s > 0 and (after_v - before_v) / span_s >= self._rising_v_per_s
