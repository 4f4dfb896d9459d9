"""DVCC: the limits that chargers and inverters are told, for voltage and for current."""

import math
from typing import Protocol

from bms.codes import State
from bms.data import CellLevels, battery_types, limit, settings
from bms.firmware import Firmware, Room, Slot, TableSlot
from bms.status import DvccStatus, RegistrationStatus, View

TAPER_END = 0.05  # chosen: what is left of the charge current at the charged level
SAG_OHM_AH = 0.10  # chosen: what a full LFP cell shows within seconds, of all sizes, by capacity
FALL_PER_S = 0.10  # chosen: cells are told a moment after the current, which is no reason to fall
RETURN_PER_S = 0.002  # chosen: over minutes, as loads come and go
HEADROOM_V = 0.02  # chosen: without any the highest cell would never reach the charged level
SLEW_V_PER_S = 0.002  # chosen: slower than chargers follow
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


def full_voltage(view: View) -> float:
    """The charge voltage while no cell is near full: all at the charged level."""
    kind, levels = view.registration.type, view.registration.levels
    assert kind is not None
    assert levels is not None
    return kind.cells * view.registration.series * levels.charged.set_v


def taper(cell_v: float, levels: CellLevels, beyond_v: float = 0.0) -> float:
    """The share of the charge current that is left from almost charged to beyond charged."""
    end_v = levels.charged.set_v + beyond_v
    return max(falling(cell_v, levels.almost_charged.set_v, end_v), TAPER_END)


def without_sag(view: View) -> float:
    """What the highest cell would have without the present current's drop in its resistance."""
    capacity_ah = view.registration.capacity_ah or math.inf
    return view.protection.highest_cell_v - SAG_OHM_AH * view.inputs.current_a / capacity_ah


class SteadyVoltage:
    """A charge voltage that slowly leads the highest cell to just above the charged level.

    Without that the drop of cables would keep full batteries below it for good.
    """

    __slots__ = ("_more_v", "_stepped_us", "moves")

    def __init__(self) -> None:
        self._more_v = 0.0
        self._stepped_us: int | None = None
        self.moves = False

    def follow(self, now_us: int, view: View) -> float:
        """The charge voltage of this instant."""
        elapsed_us = now_us - (self._stepped_us or now_us)
        self._stepped_us = now_us
        before_v, full_v = self._more_v, full_voltage(view)
        step_v = SLEW_V_PER_S * elapsed_us / 1_000_000
        wanted_v = self._wanted(view, full_v)
        self._more_v = min(max(wanted_v, before_v - step_v), before_v + step_v)
        self.moves = self._more_v != wanted_v
        return full_v + self._more_v

    def _wanted(self, view: View, full_v: float) -> float:
        """What the voltage shall be more or less than the full one."""
        levels, highest_v = view.registration.levels, view.protection.highest_cell_v
        assert levels is not None
        charged_v = levels.charged.set_v
        if highest_v > charged_v + HEADROOM_V:
            return full_v * (levels.almost_charged.set_v / charged_v - 1)
        if highest_v >= charged_v:
            return self._more_v
        return full_v * HEADROOM_V / charged_v if highest_v > levels.almost_charged.set_v else 0.0


class SlowReturn:
    """A share that falls within seconds, and comes back within minutes."""

    __slots__ = ("_share", "_stepped_us", "moves")

    def __init__(self) -> None:
        self._share = 1.0
        self._stepped_us: int | None = None
        self.moves = False

    def follow(self, now_us: int, wanted: float) -> float:
        """The share of this instant."""
        elapsed_s = (now_us - (self._stepped_us or now_us)) / 1_000_000
        self._stepped_us = now_us
        lowest, highest = FALL_PER_S * elapsed_s, RETURN_PER_S * elapsed_s
        self._share = min(max(wanted, self._share - lowest), self._share + highest)
        self.moves = self._share != wanted
        return self._share


class NearFull(Protocol):
    """How charging is led while the highest cell nears the charged level."""

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """The share of the charge current, and the charge voltage."""
        ...

    def told(self, current_a: float, most_a: float) -> float:
        """A current limit as it is told; ``most_a`` is the system's greatest."""
        ...

    def moves(self) -> bool:
        """Whether time alone moves a limit."""
        ...


class SteadyNearFull:
    """Without haste: neither a load that comes and goes nor the cells' sag moves the limits far."""

    def __init__(self) -> None:
        self._voltage, self._share = SteadyVoltage(), SlowReturn()

    def lead(self, now_us: int, view: View) -> tuple[float, float]:
        """The share falls with the highest cell, less its sag."""
        levels = view.registration.levels
        assert levels is not None
        share = self._share.follow(now_us, taper(without_sag(view), levels, HEADROOM_V))
        return share, self._voltage.follow(now_us, view)

    def told(self, current_a: float, most_a: float) -> float:
        """To the last tenth of an ampere, however big the system is."""
        return current_a

    def moves(self) -> bool:
        """While either is on its way."""
        return self._voltage.moves or self._share.moves


def _set_a(view: View, name: str) -> float:
    """What the user set as the greatest current; without a choice of his there is none."""
    return view.settings.values.get(name, 0) * settings()[name].step or math.inf


class Dvcc(Room):
    """Charge and discharge limits out of type, strategy, cells, temperatures and permissions."""

    near_full = Slot[type[NearFull]](SteadyNearFull)
    charge_c_rates = TableSlot[str, tuple[float, float]](
        {kind.family: kind.charge_c_rates for kind in battery_types().values()}
    )  # by family, for the strategies Economic and Performance
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
        self._near_full = self.near_full()

    def waits(self) -> bool:
        """While a limit is on its way."""
        return self._near_full.moves()

    def step(self, now_us: int, view: View) -> DvccStatus:
        """All limits; zero while the system is not, or not yet, running."""
        system = view.registration
        if view.start_stop.state not in ACTIVE or system.type is None or system.levels is None:
            self._near_full = self.near_full()
            return DvccStatus()
        levels, cells = system.levels, system.type.cells * system.series
        charge_max_a, discharge_max_a = self._maxima(view, system)
        share, charge_voltage_v = self._near_full.lead(now_us, view)
        charge_a = charge_max_a * min(share, self._charge_factor(view))
        charge = self._near_full.told(charge_a, charge_max_a)
        discharge_a = discharge_max_a * self._discharge_factor(view)
        discharge = self._near_full.told(discharge_a, discharge_max_a)
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

    def _maxima(self, view: View, system: RegistrationStatus) -> tuple[float, float]:
        assert system.type is not None
        capacity_ah = system.parallel * system.type.capacity_ah
        rates = self.charge_c_rates[system.type.family]
        charge_rate = rates[view.settings.values["battery_strategy"]]
        most_a = view.hardware.current_max_a
        return (
            min(capacity_ah * charge_rate, most_a, _set_a(view, "charge_current_max_a")),
            min(
                capacity_ah * system.type.discharge_c_rate,
                most_a,
                _set_a(view, "discharge_current_max_a"),
            ),
        )

    def _charge_factor(self, view: View) -> float:
        temperatures = view.temperatures
        hot_c = self._hot.follow(temperatures.highest_c)
        cold_c = -self._cold.follow(-temperatures.lowest_c)
        factor = falling(hot_c, self._charge_high_c - self._span_k, self._charge_high_c)
        factor = min(
            factor, falling(-cold_c, -self._charge_low_c - self._span_k, -self._charge_low_c)
        )
        return min(factor, self._terminal_factor(view))

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
