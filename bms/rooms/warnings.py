"""Warnings: what a battery tells of itself that asks for somebody's eye but for no opening."""

from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot
from bms.status import Battery, State, View, WarningStatus
from bms.timing import Held
from bms.wire import private


class Warnings(Room):
    """Watches leakage, humidity and self-tests of the batteries that can tell of them."""

    leakage_of = Slot(frozenset({"RS"}))  # families
    humidity_of = frozenset({"HE", "RS"})  # stated: RS batteries and those with NMC cells
    self_tests_of = Slot(frozenset({"RS230"}))  # types

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._leakage_us = limit_us("leakage.time")
        self._humid_pct = limit("humidity.warning")
        self._humid_us = limit_us("humidity.warning.time")
        self._leaks, self._humid = Held(), Held()

    def waits(self) -> bool:
        """While a warning is on its way."""
        return self._leaks.runs or self._humid.runs

    def step(self, now_us: int, view: View) -> WarningStatus:
        """The warnings of this instant; none while the system is off."""
        if view.start_stop.state is State.STANDBY:
            self._leaks.reset()
            self._humid.reset()
            return WarningStatus()
        batteries = view.battery_bus.batteries
        leaks = any(map(self._leaks_now, batteries))
        humid = any(map(self._is_humid, batteries))
        return WarningStatus(
            leakage=self._leaks.for_us(now_us, condition=leaks) >= self._leakage_us,
            humidity=self._humid.for_us(now_us, condition=humid) >= self._humid_us,
            self_test_failed=any(map(self._failed_its_test, batteries)),
        )

    def _leaks_now(self, battery: Battery) -> bool:
        told = bool(battery.flags & private.STATUS_LEAKAGE)
        return told and battery.type.family in self.leakage_of

    def _is_humid(self, battery: Battery) -> bool:
        humidity_pct = battery.humidity_pct
        if humidity_pct is None or battery.type.family not in self.humidity_of:
            return False
        return humidity_pct > self._humid_pct

    def _failed_its_test(self, battery: Battery) -> bool:
        told = bool(battery.flags & private.STATUS_SELF_TEST_FAILED)
        return told and battery.type.name in self.self_tests_of
