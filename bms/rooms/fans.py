"""Fans: those of the batteries that have them (HE), and the master's own."""

from collections.abc import Callable
from dataclasses import dataclass

from bms.codes import State
from bms.data import limit_us
from bms.firmware import Firmware, Room, Slot, TableSlot
from bms.status import FanStatus, View
from bms.timing import Held

OFF_AFTER_TEST_BELOW_C = 31.0  # stated: change log, 1.11
_BEFORE_TEST = frozenset({State.STANDBY, State.INITIALISING})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """On above one temperature, off below the other, in degC."""

    on_above_c: float
    off_below_c: float

    def follow(self, on: bool, temperature_c: float) -> bool:
        """Whether it runs now; between the two it stays as it is."""
        if temperature_c > self.on_above_c:
            return True
        return False if temperature_c < self.off_below_c else on


Begins = Callable[[float, Thresholds], bool]


def at_once(hottest_c: float, thresholds: Thresholds) -> bool:
    """Where the test ends, the temperature takes over (v1.11-05)."""
    return True


class Fans(Room):
    """Batteries' fans by the hottest cell and the strategy (0 Economic, 1 Performance)."""

    thresholds = TableSlot[int, Thresholds]({0: Thresholds(30, 29), 1: Thresholds(35, 34)})
    control_begins = Slot[Begins](at_once)
    internal = Slot(Thresholds(50, 45))
    internal_before_measured = Slot(False)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._test_us = limit_us("fan.test")
        self._measure_us = limit_us("fan.internal.measure")
        self._on = self._internal_on = self._controlled = False
        self._tested, self._awake = Held(), Held()
        self._waits = False

    def waits(self) -> bool:
        """While a test runs, or the master's own temperature is not known yet."""
        return self._waits

    def step(self, now_us: int, view: View) -> FanStatus:
        """Whether the fans shall run; off while the system is off."""
        self._waits = False
        return FanStatus(
            batteries_on=self._of_batteries(now_us, view),
            internal_on=self._of_master(now_us, view),
        )

    def _of_batteries(self, now_us: int, view: View) -> bool:
        """First their test, which every start begins with, then the thresholds."""
        kind, hottest_c = view.registration.type, view.temperatures.highest_c
        present = kind is not None and kind.fan and view.start_stop.state not in _BEFORE_TEST
        tested_us = self._tested.for_us(now_us, condition=present)
        if tested_us < self._test_us:
            self._controlled, self._waits = False, present
            return present
        thresholds = self.thresholds[view.settings.values["battery_strategy"]]
        if not self._controlled:
            if not self.control_begins(hottest_c, thresholds):
                return True
            self._controlled, self._on = True, hottest_c >= OFF_AFTER_TEST_BELOW_C
        self._on = thresholds.follow(self._on, hottest_c)
        return self._on

    def _of_master(self, now_us: int, view: View) -> bool:
        """By its inside; a measurement is valid once it has been averaged over its time."""
        awake = view.hardware.fan and view.start_stop.state is not State.STANDBY
        awake_us = self._awake.for_us(now_us, condition=awake)
        if not awake:
            self._internal_on = False
        elif awake_us < self._measure_us:
            self._waits = True
            return self.internal_before_measured
        else:
            inside_c = view.inputs.internal_temperature_c
            self._internal_on = self.internal.follow(self._internal_on, inside_c)
        return self._internal_on
