"""Temperatures: which sensors are monitored, and their extremes."""

from collections.abc import Callable
from statistics import median

from bms.data import limit
from bms.extremes import Extremes, of_the_valid
from bms.firmware import Firmware, Room, Slot
from bms.status import Battery, TemperatureStatus, View

Deviating = Callable[[tuple[Battery, ...], float], tuple[tuple[int, int], ...]]
MOST_DEVIATING_OF_A_BATTERY = 2  # stated: with more than two, fail-safe (v1.38-08)


def off_the_median(batteries: tuple[Battery, ...], span_k: float) -> tuple[tuple[int, int], ...]:
    """The (node, sensor) pairs further than ``span_k`` from the median of all batteries."""
    readings = [t for battery in batteries for t in battery.cell_temperatures_c if t == t]
    if not readings or not batteries[0].type.outlier_monitoring:
        return ()
    low, high = min(readings), max(readings)
    if high - low <= span_k:
        return ()
    middle = median(readings)
    return tuple(
        (battery.node, sensor)
        for battery in batteries
        for sensor, t in enumerate(battery.cell_temperatures_c)
        if abs(t - middle) > span_k
    )


class Temperatures(Room):
    """Extremes over all batteries, without the sensors that cannot be telling the truth."""

    deviating = Slot[Deviating](off_the_median)
    extremes = Slot[Extremes](of_the_valid)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._span_k = limit("temperature.outlier.span")

    def step(self, now_us: int, view: View) -> TemperatureStatus:
        """Extremes of the monitored sensors; NaN while there is none."""
        batteries = view.battery_bus.batteries
        if not batteries:
            return TemperatureStatus()
        out = self.deviating(batteries, self._span_k)
        readings = [t for b in batteries for t in b.cell_temperatures_c]
        if out:
            left_out = {b.cell_temperatures_c[s] for b in batteries for n, s in out if n == b.node}
            readings = [t for t in readings if t not in left_out]
        terminals = [t for b in batteries for t in b.terminals_c if t is not None]
        counts = [sum(node == b.node for node, _ in out) for b in batteries] if out else [0]
        lowest_c, highest_c = self.extremes(readings)
        return TemperatureStatus(
            lowest_c=lowest_c,
            highest_c=highest_c,
            terminal_highest_c=max(terminals, default=None),
            deviating=out,
            too_many_deviate=max(counts) > MOST_DEVIATING_OF_A_BATTERY,
        )
