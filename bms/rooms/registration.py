"""Registration: the system that the announced batteries make, checked before it may start."""

from dataclasses import replace

from bms.data import BatteryType, CellLevels, battery_types, cell_levels, limit_us
from bms.firmware import Firmware, Room
from bms.status import Error, RegistrationStatus, State, View


class Registration(Room):
    """Collects announcements for a while after the start, then gives out node numbers."""

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

    @staticmethod
    def _levels(kind: BatteryType | None, view: View) -> CellLevels | None:
        performance = view.settings.values["battery_strategy"] == 1
        return None if kind is None else cell_levels(kind.chemistry, performance=performance)

    def _register(self, view: View) -> RegistrationStatus:
        announced = sorted(view.battery_bus.announced)
        if not announced:
            return RegistrationStatus(error=Error.NO_BATTERY)
        codes = {type_code for _, type_code, _, _ in announced}
        if len(codes) > 1 or not codes <= battery_types().keys():
            return RegistrationStatus(error=Error.DIFFERENT_TYPES)
        kind = battery_types()[codes.pop()]
        # The strings' voltage tells how many modules are in series; 3.2 V a cell divides safely.
        nominal_v = kind.cells * (3.2 if kind.chemistry == "LFP" else 3.6)
        series = max(1, round(view.inputs.battery_voltage_v / nominal_v))
        parallel, rest = divmod(len(announced), series)
        if rest or parallel == 0:
            return RegistrationStatus(error=Error.WRONG_NUMBER)
        return RegistrationStatus(
            complete=True,
            assigned={serial: node for node, (serial, _, _, _) in enumerate(announced)},
            type=kind,
            parallel=parallel,
            series=series,
            capacity_ah=parallel * kind.capacity_ah,
            levels=self._levels(kind, view),
        )
