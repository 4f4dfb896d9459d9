"""DVCC: the limits that chargers and inverters are told, for voltage and for current."""

import math

from bms.data import limit
from bms.firmware import Firmware, Room, Slot
from bms.status import DvccStatus, RegistrationStatus, State, View

TAPER_END = 0.05  # chosen: what is left of the charge current at the charged level
ACTIVE = {State.RUNNING, State.GOING_TO_RUN, State.SHUTTING_DOWN}


class ReturningTemperature:
    """Follows a temperature at once away from the operating area, and back in whole steps."""

    __slots__ = ("_step_k", "_value_c")

    def __init__(self, step_k: float) -> None:
        self._step_k = step_k
        self._value_c = -math.inf

    def follow(self, temperature_c: float) -> float:
        """The temperature that limits are made of; a higher one is worse. NaN changes none."""
        if temperature_c != temperature_c:
            return temperature_c
        if temperature_c >= self._value_c or self._value_c == -math.inf:
            self._value_c = temperature_c
        else:
            steps = math.floor((self._value_c - temperature_c) / self._step_k)
            self._value_c -= steps * self._step_k
        return self._value_c


def falling(value: float, full_until: float, zero_from: float) -> float:
    """1 up to ``full_until``, then linearly down to 0 at ``zero_from``."""
    return min(1.0, max(0.0, (zero_from - value) / (zero_from - full_until)))


class Dvcc(Room):
    """Charge and discharge limits out of type, strategy, cells, temperatures and permissions."""

    return_step_k = Slot(1.0)
    terminal_derating_c = Slot[tuple[float, float] | None]((64.0, 69.0))
    shutdown_offset_v = Slot(0.0)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._span_k = limit("temperature.derate.span")
        self._charge_high_c = limit("temperature.charge.high")
        self._charge_low_c = limit("temperature.charge.low")
        self._discharge_high_c = limit("temperature.discharge.high")
        self._discharge_low_c = limit("temperature.discharge.low")
        self._floor_a = limit("current.limit.floor")
        # Cold limits are the hot ones mirrored: the negative temperature rises as it gets colder.
        self._hot = ReturningTemperature(self.return_step_k)
        self._cold = ReturningTemperature(self.return_step_k)

    def step(self, now_us: int, view: View) -> DvccStatus:
        """All limits; zero while the system is not, or not yet, running."""
        system = view.registration
        if view.start_stop.state not in ACTIVE or system.type is None or system.levels is None:
            return DvccStatus()
        levels, cells = system.levels, system.type.cells * system.series
        charge_max_a, discharge_max_a = self._maxima(view, system)
        charge = charge_max_a * self._charge_factor(view)
        discharge = discharge_max_a * self._discharge_factor(view)
        charge_voltage_v = cells * levels.charged.set_v
        if view.start_stop.state is State.SHUTTING_DOWN:
            charge_voltage_v = view.inputs.battery_voltage_v + self.shutdown_offset_v
        return DvccStatus(
            charge_voltage_v=charge_voltage_v,
            charge_current_a=self._allowed(charge, allowed=view.permissions.charge),
            charge_current_max_a=charge_max_a,
            discharge_voltage_v=cells * levels.discharged.set_v,
            discharge_current_a=self._allowed(discharge, allowed=view.permissions.discharge),
        )

    def _allowed(self, current_a: float, *, allowed: bool) -> float:
        """0 only where it is not allowed, or where a temperature forbids it altogether."""
        if not allowed or current_a <= 0:
            return 0.0
        return max(current_a, self._floor_a)

    @staticmethod
    def _maxima(view: View, system: RegistrationStatus) -> tuple[float, float]:
        assert system.type is not None
        capacity_ah = system.parallel * system.type.capacity_ah
        charge_rate = system.type.charge_c_rates[view.settings.values["battery_strategy"]]
        most_a = view.hardware.current_max_a
        return (
            min(capacity_ah * charge_rate, most_a),
            min(capacity_ah * system.type.discharge_c_rate, most_a),
        )

    def _charge_factor(self, view: View) -> float:
        temperatures, levels = view.temperatures, view.registration.levels
        assert levels is not None
        hot_c = self._hot.follow(temperatures.highest_c)
        cold_c = -self._cold.follow(-temperatures.lowest_c)
        factor = falling(hot_c, self._charge_high_c - self._span_k, self._charge_high_c)
        factor = min(
            factor, falling(-cold_c, -self._charge_low_c - self._span_k, -self._charge_low_c)
        )
        near_full = falling(
            view.protection.highest_cell_v, levels.almost_charged.set_v, levels.charged.set_v
        )
        return min(factor, max(near_full, TAPER_END), self._terminal_factor(view))

    def _discharge_factor(self, view: View) -> float:
        temperatures = view.temperatures
        high_c, low_c = self._discharge_high_c, self._discharge_low_c
        return min(
            falling(temperatures.highest_c, high_c - self._span_k, high_c),
            falling(-temperatures.lowest_c, -low_c - self._span_k, -low_c),
            self._terminal_factor(view),
        )

    def _terminal_factor(self, view: View) -> float:
        terminal_c = view.temperatures.terminal_highest_c
        if self.terminal_derating_c is None or terminal_c is None:
            return 1.0
        return falling(terminal_c, *self.terminal_derating_c)
