"""Time to go: until the battery is empty at the present load."""

import math

from bms.codes import State
from bms.data import limit
from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import TimeToGoStatus, View

LONGEST_MIN = 0xFFFE


class TimeToGo(Room):
    """Remaining charge over a filtered load; not available while there is none."""

    filter_us = Slot[int | None](
        seconds(30)
    )  # follows a load step within a minute; None: no estimate

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._least_a = limit("time_to_go.current")
        self._load_a = 0.0
        self._stepped_us = 0

    def step(self, now_us: int, view: View) -> TimeToGoStatus:
        """Minutes, or not available."""
        if self.filter_us is None:
            return TimeToGoStatus()
        weight = 1 - math.exp((self._stepped_us - now_us) / self.filter_us)
        self._load_a += weight * (-view.inputs.current_a - self._load_a)
        self._stepped_us = now_us
        if view.start_stop.state is not State.RUNNING:
            return TimeToGoStatus()
        if self._load_a < self._least_a:
            return TimeToGoStatus()
        minutes = view.soc.remaining_ah / self._load_a * 60
        return TimeToGoStatus(minutes=min(int(minutes), LONGEST_MIN))
