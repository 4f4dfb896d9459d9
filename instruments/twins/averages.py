"""Statistics over readings as they come: count, mean, spread, extremes."""

from collections.abc import Callable, Iterable
from math import sqrt

from instruments.scpi import Boolean, Command
from instruments.twins.metering import OVERLOAD

# What SCPI shows where there is no number.
NOT_A_NUMBER = 9.91e37


class Averages:
    """Mean and spread of what was added since the last clear; an overload is no reading."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.on = False
        self.clear()
        for value in values:
            self.add(value)

    def clear(self) -> None:
        """Begin anew."""
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0
        self.low, self.high = OVERLOAD, -OVERLOAD

    def add(self, value: float) -> None:
        """Count one reading."""
        if abs(value) >= OVERLOAD:
            return
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)
        self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 for a single reading."""
        return sqrt(self._squares / (self.count - 1)) if self.count > 1 else 0.0

    def commands(self, header: str, show: Callable[[float], str]) -> list[Command]:
        """The commands of CALCulate:AVERage."""

        def asked(value: Callable[[], float]) -> Callable[[], str]:
            return lambda: show(value() if self.count else NOT_A_NUMBER)

        def switch(on: bool) -> None:
            self.on = on
            self.clear()

        def everything() -> str:
            values = (self.mean, self.deviation, self.low, self.high)
            return ",".join(show(value if self.count else NOT_A_NUMBER) for value in values)

        return [
            Command(
                f"{header}[:STATe]",
                set=switch,
                params=(Boolean(),),
                query=lambda: str(int(self.on)),
            ),
            Command(f"{header}:CLEar[:IMMediate]", set=self.clear),
            Command(f"{header}:ALL", query=everything),
            Command(f"{header}:COUNt", query=lambda: show(float(self.count))),
            Command(f"{header}:AVERage", query=asked(lambda: self.mean)),
            Command(f"{header}:SDEViation", query=asked(lambda: self.deviation)),
            Command(f"{header}:MINimum", query=asked(lambda: self.low)),
            Command(f"{header}:MAXimum", query=asked(lambda: self.high)),
            Command(f"{header}:PTPeak", query=asked(lambda: self.high - self.low)),
        ]
