"""Fans of the batteries that have them (HE)."""

from dataclasses import dataclass

from bms.firmware import Firmware, Room, TableSlot
from bms.status import FanStatus, State, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """On above one temperature, off below the other, in degC."""

    on_above_c: float
    off_below_c: float


class Fans(Room):
    """Runs the fans by the hottest cell and the battery strategy (0 Economic, 1 Performance)."""

    thresholds = TableSlot[int, Thresholds]({0: Thresholds(30, 29), 1: Thresholds(35, 34)})

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._on = False

    def step(self, now_us: int, view: View) -> FanStatus:
        """Whether the fans shall run; off while the system is off."""
        kind, hottest_c = view.registration.type, view.temperatures.highest_c
        if kind is None or not kind.fan or view.start_stop.state is State.STANDBY:
            self._on = False
        else:
            thresholds = self.thresholds[view.settings.values["battery_strategy"]]
            if hottest_c > thresholds.on_above_c:
                self._on = True
            elif hottest_c < thresholds.off_below_c:
                self._on = False
        return FanStatus(batteries_on=self._on)
