"""Registration: the system that the announced batteries make, checked before it may start."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bms.codes import Error, State
from bms.data import BatteryType, CellLevels, battery_types, cell_levels, limit_us
from bms.firmware import Firmware, Room, Slot, TableSlot
from bms.status import RegistrationStatus, View

LevelsOf = Callable[[str, bool], CellLevels]  # of a chemistry; with strategy Performance or not
CountsAs = Callable[[Sequence[BatteryType]], BatteryType | None]
Shape = tuple[int, int]  # parallel, series
ShapeOf = Callable[[int, int, Shape], Shape | None]
MOST_BATTERIES = 96  # public: registers 0x0387 and 0x0388 go to 96


def levels_of(chemistry: str, performance: bool) -> CellLevels:
    """The levels of the boundary limits."""
    return cell_levels(chemistry, performance=performance)


def any_serial(serial: int) -> bool:
    """A battery is taken whenever it was made."""
    return True


def equal_cells_of_rs(kinds: Sequence[BatteryType]) -> BatteryType | None:
    """The type that all count as: RS with equally many cells as the smallest (v1.38-07).

    None where they cannot share a system.
    """
    smallest = min(kinds, key=lambda kind: kind.capacity_ah)
    if all(kind == smallest for kind in kinds):
        return smallest
    alike = all(kind.family == "RS" and kind.cells == smallest.cells for kind in kinds)
    return smallest if alike else None


def every_string(count: int, series: int, configured: Shape) -> Shape | None:
    """The shape, if all strings are of one length and it is as configured (0: automatic).

    ``series`` is what the strings' voltage tells.
    """
    parallel, rest = divmod(count, series)
    if rest or parallel == 0:
        return None
    shape = parallel, series
    wrong = any(want not in {0, found} for want, found in zip(configured, shape, strict=True))
    return None if wrong else shape


class Registration(Room):
    """Collects announcements for a while after the start, then gives out node numbers."""

    types = TableSlot[int, BatteryType](battery_types())
    takes_serial = Slot[Callable[[int], bool]](any_serial)
    counts_as = Slot[CountsAs](equal_cells_of_rs)
    shape_of = Slot[ShapeOf](every_string)
    levels_of = Slot[LevelsOf](levels_of)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._time_us = limit_us("registration.time")
        self._status = RegistrationStatus()
        self._strategy: int | None = None

    def step(self, now_us: int, view: View) -> RegistrationStatus:
        """Nothing in standby; the system's shape once it is known."""
        start_stop = view.start_stop
        if start_stop.state is State.STANDBY:
            if self._status.complete or self._status.error:
                self._status = RegistrationStatus()
        elif not self._status.complete:
            waited_us = now_us - start_stop.since_us
            if start_stop.state is State.INITIALISING and waited_us >= self._time_us:
                self._status = self._register(view)
                self._strategy = view.settings.values["battery_strategy"]
        elif view.settings.values["battery_strategy"] != self._strategy:
            # The system stays as it was registered, whoever has announced itself since.
            self._strategy = view.settings.values["battery_strategy"]
            self._status = replace(self._status, levels=self._levels(self._status.type, view))
        return self._status

    def _levels(self, kind: BatteryType | None, view: View) -> CellLevels | None:
        performance = view.settings.values["battery_strategy"] == 1
        return None if kind is None else self.levels_of(kind.chemistry, performance)

    def _register(self, view: View) -> RegistrationStatus:
        if not view.board.known:
            return RegistrationStatus(error=Error.MEASURE)
        announced = sorted(view.battery_bus.announced)
        known = [one for one in announced if one[1] in self.types and self.takes_serial(one[0])]
        if len(announced) > MOST_BATTERIES:
            return RegistrationStatus(error=Error.WRONG_NUMBER, unsupported_count=True)
        if not known:
            return RegistrationStatus(error=Error.NO_BATTERY)  # none that this release can tell
        kind = self.counts_as([self.types[type_code] for _, type_code, _, _ in known])
        if kind is None or len(known) < len(announced):
            return RegistrationStatus(error=Error.DIFFERENT_TYPES)
        if view.battery_bus.conflict:
            return RegistrationStatus(error=Error.BATTERY_SILENT)
        # The strings' voltage tells how many modules are in series; 3.2 V a cell divides safely.
        nominal_v = kind.cells * (3.2 if kind.chemistry == "LFP" else 3.6)
        series = max(1, round(view.inputs.battery_voltage_v / nominal_v))
        values = view.settings.values
        configured = values["batteries_parallel"], values["batteries_series"]
        shape = self.shape_of(len(known), series, configured)
        if shape is None:
            return RegistrationStatus(error=Error.WRONG_NUMBER)
        parallel, series = shape
        return RegistrationStatus(
            complete=True,
            assigned={serial: node for node, (serial, _, _, _) in enumerate(known)},
            type=kind,
            parallel=parallel,
            series=series,
            capacity_ah=parallel * kind.capacity_ah,
            levels=self._levels(kind, view),
        )
