"""Pre-charge: the system bus is brought to the batteries' voltage before the contactor closes."""

import math
from collections import deque
from typing import Protocol

from bms.codes import State
from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import PrechargeStatus, View

RESISTOR_FROM_V = 48.0  # stated: NTC below 48 V, resistor above (v1.27-02a, v1.27-02b)


class Clock(Protocol):
    """For how long the pre-charge of this start has gone on."""

    @property
    def begun_us(self) -> int | None:
        """When it began; None while there is none."""
        ...

    def begin(self, now_us: int) -> None:
        """The path is switched on."""
        ...

    def end(self) -> None:
        """It is done, or has failed."""
        ...

    def interrupt(self) -> None:
        """The start was broken off while it went on."""
        ...


class OwnClock:
    """Every pre-charge has a clock of its own, however the last one ended."""

    def __init__(self) -> None:
        self.begun_us: int | None = None

    def begin(self, now_us: int) -> None:
        """Its time counts from now on."""
        self.begun_us = now_us

    def end(self) -> None:
        """Nothing is left of it."""
        self.begun_us = None

    def interrupt(self) -> None:
        """Nothing is left of it."""
        self.begun_us = None


class Resistor:
    """The energy in the pre-charge resistor, as the two voltages tell it; it cools by itself."""

    def __init__(self) -> None:
        self._ohm = limit("precharge.resistor")
        self._cooling_s = limit("precharge.resistor.cooling")
        self._at_us: int | None = None
        self.energy_j = 0.0

    def follow(self, now_us: int, across_v: float) -> None:
        """``across_v`` was across it since the last call."""
        elapsed_s = (now_us - (now_us if self._at_us is None else self._at_us)) / 1_000_000
        self._at_us = now_us
        self.energy_j *= math.exp(-elapsed_s / self._cooling_s)
        self.energy_j += across_v * across_v / self._ohm * elapsed_s


class Precharge(Room):
    """Charges through the NTC or the resistor until the difference is small, or gives up."""

    time_limit_us = Slot(seconds(30))
    time_limit_rising_us = Slot(seconds(48))  # by NTC, if it rises: 18 s more
    resistor_budget_j = Slot[float | None](3_000.0)
    tells_a_broken_fuse = Slot(True)
    clock = Slot[type[Clock]](OwnClock)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._close_within_v = limit("precharge.close_within")
        self._rising_v_per_s = limit("precharge.rising")
        self._window_us = limit_us("precharge.window")
        self._flow_a = limit("flow.current")
        self._moved_v = limit("precharge.fuse.moved")
        self._voltages: deque[tuple[int, float]] = deque()
        self._lowest_v = math.inf
        self._extended = self._moved = False
        self._clock = self.clock()
        self._resistor = Resistor()
        self._status = PrechargeStatus()

    def step(self, now_us: int, view: View) -> PrechargeStatus:
        """Active while the system pre-charges; done or failed at its end."""
        inputs = view.inputs
        across_v = inputs.battery_voltage_v - inputs.system_voltage_v
        by_resistor = inputs.battery_voltage_v >= RESISTOR_FROM_V
        heats = self._status.active and by_resistor
        self._resistor.follow(now_us, across_v if heats else 0.0)
        self._status = self._next(now_us, view, across_v, by_resistor=by_resistor)
        if self._status.done or self._status.failed:
            self._clock.end()
        return self._status

    def _next(
        self, now_us: int, view: View, across_v: float, *, by_resistor: bool
    ) -> PrechargeStatus:
        state = view.start_stop.state
        if state is State.GOING_TO_RUN:
            return PrechargeStatus(active=True, done=True)
        if state is not State.PRE_CHARGING:
            if self._status.active and not self._status.done:
                self._clock.interrupt()
            self._voltages.clear()
            self._lowest_v = math.inf
            self._extended = self._moved = False
            return PrechargeStatus()
        if not self._status.active:
            if by_resistor and self._has_to_cool():
                return PrechargeStatus()
            if self._clock.begun_us is None:
                self._clock.begin(now_us)
        self._watch(now_us, view)
        if across_v <= self._close_within_v:
            return PrechargeStatus(active=True, done=True)
        if by_resistor and self._is_overloaded():
            return PrechargeStatus(failed=True)
        if self._is_late(now_us, by_resistor=by_resistor):
            broken = self.tells_a_broken_fuse and not self._moved
            return PrechargeStatus(failed=True, fuse_broken=broken)
        return PrechargeStatus(active=True)

    def _watch(self, now_us: int, view: View) -> None:
        """The last seconds of the voltage; and whether anything has come through the path."""
        voltage_v = view.inputs.system_voltage_v
        self._voltages.append((now_us, voltage_v))
        while now_us - self._voltages[0][0] > self._window_us:
            self._voltages.popleft()
        flows = abs(view.inputs.current_a) >= self._flow_a
        self._lowest_v = min(self._lowest_v, voltage_v)
        rises = voltage_v - self._lowest_v >= self._moved_v
        self._moved = self._moved or flows or rises

    def _is_late(self, now_us: int, *, by_resistor: bool) -> bool:
        begun_us = self._clock.begun_us
        elapsed_us = 0 if begun_us is None else now_us - begun_us
        if elapsed_us >= self.time_limit_us and not self._extended:
            if by_resistor or not self._rises():
                return True
            self._extended = True
        return self._extended and elapsed_us >= self.time_limit_rising_us

    def _is_overloaded(self) -> bool:
        budget_j = self.resistor_budget_j
        return budget_j is not None and self._resistor.energy_j >= budget_j

    def _has_to_cool(self) -> bool:
        """Above half of what it bears there is no room for another pre-charge."""
        budget_j = self.resistor_budget_j
        return budget_j is not None and self._resistor.energy_j >= budget_j / 2

    def _rises(self) -> bool:
        (before_us, before_v), (after_us, after_v) = self._voltages[0], self._voltages[-1]
        span_s = (after_us - before_us) / 1_000_000
        return span_s > 0 and (after_v - before_v) / span_s >= self._rising_v_per_s
