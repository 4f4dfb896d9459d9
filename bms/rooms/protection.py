"""Protection: the cell-voltage levels with their chained timers, and what trips the system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bms.codes import Error, State
from bms.data import CellLevels, Level, limit, limit_us
from bms.extremes import Extremes, of_the_valid
from bms.firmware import Firmware, Room, Slot, TableSlot
from bms.status import ProtectionStatus, View
from bms.timing import ChainedLevel, Held

_AWAY = {State.STANDBY, State.INITIALISING}


@dataclass(frozen=True, slots=True)
class ChargeCurrent:
    """A charge current that is critical: above so many times the capacity, for so long."""

    rate_per_h: float
    time_us: int


class OverVoltageLimit(Protocol):
    """What is critically high for a cell, also while the strategy, and so its levels, changes."""

    def of(self, levels: CellLevels, highest_v: float) -> float:
        """The limit of this instant, in V."""
        ...


class HeldUntilInside:
    """A limit that a new strategy lowers onto the cells stays until they are below its warning.

    So a change of the strategy trips nothing that the strategy before had allowed.
    """

    def __init__(self) -> None:
        self._before: CellLevels | None = None
        self._held_v = 0.0

    def of(self, levels: CellLevels, highest_v: float) -> float:
        """That of the levels, or a higher one of before."""
        before, self._before = self._before, levels
        if before is not None and before is not levels:
            self._held_v = max(self._held_v, before.over_voltage_critical_v)
        elif highest_v < levels.over_voltage.set_v:
            self._held_v = 0.0
        return max(levels.over_voltage_critical_v, self._held_v)


CRITICAL_CHARGE: Mapping[str, ChargeCurrent] = {
    family: ChargeCurrent(
        limit(f"charge_current.{name}.critical"), limit_us(f"charge_current.{name}.time")
    )
    for family, name in (("LFP24", "lfp"), ("LFP48", "lfp"), ("HE", "he"), ("RS", "rs"))
}


class Protection(Room):
    """Watches the extremes of all cells; warns first, trips when it persists."""

    silence_error = Slot(Error.COMMUNICATION_TIMEOUT)
    interlock_error = Slot(Error.INTERLOCK)
    emergency_stop_error = Slot(Error.EMERGENCY_STOP)
    terminal_error = Slot(Error.TERMINAL_OVER_TEMPERATURE)
    extremes = Slot[Extremes](of_the_valid)
    over_voltage_limit = Slot[type[OverVoltageLimit]](HeldUntilInside)
    critical_charge = TableSlot[str, ChargeCurrent](CRITICAL_CHARGE)  # by family

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._times_us = tuple(
            limit_us(f"level.{name}.time") for name in ("almost", "reached", "warning", "critical")
        )
        self._temperature_us = limit_us("temperature.critical.time")
        self._hot_c = limit("temperature.critical.high")
        self._cold_c = limit("temperature.critical.low")
        self._terminal_us = limit_us("terminal.critical.time")
        self._hot_terminal_c = limit("terminal.critical")
        self._silence_warning_us = limit_us("battery.silence.warning")
        self._silence_critical_us = limit_us("battery.silence.critical")
        self._invalid_us = limit_us("measure.invalid.time")
        self._overload_us = limit_us("current.overload.time")
        self._debounce_us = limit_us("interlock.debounce")
        self._start()

    def _start(self) -> None:
        almost, reached, warning, _ = self._times_us
        self._high = tuple(ChainedLevel(t, rising=True) for t in (almost, reached, warning))
        self._low = tuple(ChainedLevel(t, rising=False) for t in (almost, reached, warning))
        self._high_critical, self._low_critical = Held(), Held()
        self._hot, self._cold, self._overload = Held(), Held(), Held()
        self._invalid, self._charge, self._interlock = Held(), Held(), Held()
        self._terminal = Held()
        self._over_voltage_limit = self.over_voltage_limit()

    def waits(self) -> bool:
        """While a level or a trip is on its way."""
        timers = (self._high_critical, self._low_critical, self._hot, self._cold, self._overload)
        return (
            self._invalid.runs
            or self._charge.runs
            or self._interlock.runs
            or self._terminal.runs
            or any(timer.runs for timer in timers)
            or any(level.runs for level in (*self._high, *self._low))
        )

    def step(self, now_us: int, view: View) -> ProtectionStatus:
        """The levels of this instant, and the error that demands a fail-safe, if one does."""
        levels = view.registration.levels
        if view.start_stop.state in _AWAY or levels is None:
            self._start()
            return ProtectionStatus()
        voltages = [v for b in view.battery_bus.batteries for v in b.cell_voltages_v]
        low_v, high_v = self.extremes(voltages)
        above = (levels.almost_charged, levels.charged, levels.over_voltage)
        below = (levels.almost_discharged, levels.discharged, levels.under_voltage)
        almost_charged, charged, over = self._chain(now_us, self._high, high_v, above)
        almost_discharged, discharged, under = self._chain(now_us, self._low, low_v, below)
        limit_v = self._over_voltage_limit.of(levels, high_v)
        over_for = self._high_critical.for_us(now_us, condition=over and high_v >= limit_v)
        under_for = self._low_critical.for_us(
            now_us, condition=under and low_v <= levels.under_voltage_critical_v
        )
        silent_us = view.battery_bus.silent_us
        current_max_a = view.hardware.current_max_a
        overload_for = self._overload.for_us(
            now_us, condition=abs(view.inputs.current_a) > current_max_a
        )
        critical_us = self._times_us[3]
        interlock_broken = self._is_broken(now_us, view)
        trip = Error.NONE
        if view.inputs.emergency_stop:
            trip = self.emergency_stop_error
        elif interlock_broken:
            trip = self.interlock_error
        elif over_for >= critical_us:
            trip = Error.OVER_VOLTAGE
        elif under_for >= critical_us and not view.start_stop.recovering:
            trip = Error.UNDER_VOLTAGE
        elif silent_us >= self._silence_critical_us:
            trip = self.silence_error
        elif self._is_blind(now_us, low_v, view):
            trip = Error.MEASURE
        elif self._charges_too_fast(now_us, view):
            trip = Error.OVER_CURRENT
        else:
            trip = self._temperature_trip(now_us, view)
        return ProtectionStatus(
            lowest_cell_v=low_v,
            highest_cell_v=high_v,
            almost_charged=almost_charged,
            charged=charged,
            over_voltage=over,
            almost_discharged=almost_discharged,
            discharged=discharged,
            under_voltage=under,
            silence_warning=silent_us >= self._silence_warning_us,
            overload=overload_for >= self._overload_us,
            interlock_broken=interlock_broken,
            emergency_stop=view.inputs.emergency_stop,
            trip=trip,
        )

    @staticmethod
    def _chain(
        now_us: int,
        chain: tuple[ChainedLevel, ...],
        value_v: float,
        levels: tuple[Level, Level, Level],
    ) -> tuple[bool, bool, bool]:
        first = chain[0].step(now_us, value_v, levels[0], armed=True)
        second = chain[1].step(now_us, value_v, levels[1], armed=first)
        return first, second, chain[2].step(now_us, value_v, levels[2], armed=second)

    def _is_blind(self, now_us: int, low_v: float, view: View) -> bool:
        """Whether no cell voltage, or no temperature, has been valid for too long."""
        highest_c = view.temperatures.highest_c
        blind = low_v != low_v or highest_c != highest_c
        return self._invalid.for_us(now_us, condition=blind) >= self._invalid_us

    def _is_broken(self, now_us: int, view: View) -> bool:
        """Whether the interlock loop is open, where there is one and it is enabled."""
        heeded = view.hardware.interlock and view.settings.values.get("interlock", 0)
        broken = bool(heeded) and not view.inputs.interlock_closed
        return self._interlock.for_us(now_us, condition=broken) >= self._debounce_us

    def _charges_too_fast(self, now_us: int, view: View) -> bool:
        """Whether the charge current has been critical for this family of batteries."""
        system = view.registration
        critical = None if system.type is None else self.critical_charge.get(system.type.family)
        if critical is None:
            return False
        most_a = critical.rate_per_h * (system.capacity_ah or 0.0)
        held_us = self._charge.for_us(now_us, condition=view.inputs.current_a > most_a)
        return held_us >= critical.time_us

    def _temperature_trip(self, now_us: int, view: View) -> Error:
        temperatures = view.temperatures
        hot = self._hot.for_us(now_us, condition=temperatures.highest_c > self._hot_c)
        cold = self._cold.for_us(now_us, condition=temperatures.lowest_c < self._cold_c)
        terminal_c = temperatures.terminal_highest_c
        hot_terminal = terminal_c is not None and terminal_c > self._hot_terminal_c
        terminal = self._terminal.for_us(now_us, condition=hot_terminal)
        if temperatures.too_many_deviate:
            return Error.MEASURE
        if terminal >= self._terminal_us:
            return self.terminal_error
        if hot >= self._temperature_us:
            return Error.OVER_TEMPERATURE
        return Error.UNDER_TEMPERATURE if cold >= self._temperature_us else Error.NONE
