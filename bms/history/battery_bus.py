"""How announcements of batteries once got in each other's way."""

from collections.abc import Iterable

from bms.data import battery_types
from bms.firmware import milliseconds

ONE_MOMENT_US = milliseconds(1)  # chosen: two frames that waited for each other are 0.6 ms apart


class TheLatestOfAMoment:
    """Before 1.38: RS batteries that announce themselves at one moment are given one node.

    Two of them meet only if they wait equally long after the master's call; their serial numbers
    decide.
    """

    def __init__(self) -> None:
        self._serial = self._time_us = -1

    def conflicts(self, time_us: int, serial: int, type_code: int) -> bool:
        """Whether another RS battery has announced itself just before this one."""
        kind = battery_types().get(type_code)
        if kind is None or kind.family != "RS":
            return False
        met = self._serial not in {-1, serial} and time_us - self._time_us <= ONE_MOMENT_US
        self._serial, self._time_us = serial, time_us
        return met


def of_the_last_heard(silences_us: Iterable[int]) -> int:
    """Before 1.12: one timer for all batteries, which whoever is heard starts anew."""
    return min(silences_us)
