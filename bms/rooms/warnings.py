"""Warnings: what asks for somebody's eye but for no opening."""

import math
from collections.abc import Callable

from bms.codes import State
from bms.data import Hardware, limit, limit_us
from bms.firmware import Firmware, Room, Slot
from bms.status import Battery, View, WarningStatus
from bms.timing import Lasting
from bms.wire import private

MonitorsTerminals = Callable[[Battery], bool]
CurrentBase = Callable[[Hardware], float]


def where_there_are_sensors(battery: Battery) -> bool:
    """Who never had a sensor has none to be missed (v1.22-02)."""
    return battery.type.terminal_sensors


def of_the_model(hardware: Hardware) -> float:
    """What the model of the master is made for (v1.24-02)."""
    return hardware.current_max_a


def _spread(readings: tuple[float, ...]) -> float:
    valid = [r for r in readings if r == r]
    return max(valid) - min(valid) if valid else 0.0


class Warnings(Room):
    """Each warning is given once its condition has lasted for its time, and while it lasts."""

    leakage_of = Slot(frozenset({"RS"}))  # families
    humidity_of = Slot(frozenset({"HE", "RS"}))  # stated: RS and those with NMC cells
    self_tests_of = Slot(frozenset({"RS230"}))  # types
    temperature_deviation_of = Slot(frozenset({"LFP24", "LFP48", "HE", "RS"}))  # families
    monitors_terminals = Slot[MonitorsTerminals](where_there_are_sensors)
    current_base = Slot[CurrentBase](of_the_model)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._humid_pct = limit("humidity.warning")
        self._deviation_v = limit("deviation.cell_voltage")
        self._deviation_k = limit("deviation.cell_temperature")
        self._implausible = limit("measure.implausible") / 100
        self._hot_c = limit("internal.hot")
        self._too_much = 1 + limit("battery_current.beyond") / 100
        self._flow_a = limit("flow.current")
        self._fuse_v = limit("fuse.difference")
        self._times_us = {
            "leakage": limit_us("leakage.time"),
            "humidity": limit_us("humidity.warning.time"),
            "self_test_failed": 0,
            "cell_voltage_deviation": limit_us("deviation.time"),
            "cell_temperature_deviation": limit_us("deviation.time"),
            "service": limit_us("service.time"),
            "balancer": 0,
            "system_voltage": limit_us("system_voltage.time"),
            "measurements_invalid": limit_us("measure.invalid.time"),
            "hot_inside": limit_us("internal.hot.time"),
            "battery_current": limit_us("battery_current.time"),
            "charge_current": limit_us("current.warning.time"),
            "discharge_current": limit_us("current.warning.time"),
            "fuse_broken": limit_us("fuse.time"),
        }
        self._start()

    def _start(self) -> None:
        self._lasting = {name: Lasting(time_us) for name, time_us in self._times_us.items()}
        self._batteries: tuple[Battery, ...] | None = None
        self._told = dict.fromkeys(self._times_us, False)
        self._cells_v = math.nan

    def waits(self) -> bool:
        """While a warning is on its way."""
        return any(lasting.runs for lasting in self._lasting.values())

    def step(self, now_us: int, view: View) -> WarningStatus:
        """The warnings of this instant; none while the system is off."""
        if view.start_stop.state is State.STANDBY:
            if self._batteries is not None:
                self._start()
            return WarningStatus()
        if self._batteries is not view.battery_bus.batteries:
            # The same object: no battery has told anything else since.
            self._batteries = view.battery_bus.batteries
            self._listen(self._batteries)
        facts = self._told | self._measured(view)
        if view.protection.almost_charged or view.protection.almost_discharged:
            # Near full and near empty the cells of a sound battery fall apart.
            facts["cell_voltage_deviation"] = False
        return WarningStatus(
            **{
                name: lasting.step(now_us, condition=facts[name])
                for name, lasting in self._lasting.items()
            }
        )

    def _listen(self, batteries: tuple[Battery, ...]) -> None:
        """What the batteries tell."""
        self._told["leakage"] = any(map(self._leaks, batteries))
        self._told["humidity"] = any(map(self._is_humid, batteries))
        self._told["self_test_failed"] = any(map(self._failed_its_test, batteries))
        self._told["service"] = any(map(self._needs_service, batteries))
        self._told["cell_voltage_deviation"] = any(
            _spread(battery.cell_voltages_v) > self._deviation_v for battery in batteries
        )
        # Also sensors that the monitoring leaves out (v1.38-08): somebody has to be told of them.
        self._told["cell_temperature_deviation"] = any(
            _spread(battery.cell_temperatures_c) > self._deviation_k
            for battery in batteries
            if battery.type.family in self.temperature_deviation_of
        )
        self._cells_v = sum(v for battery in batteries for v in battery.cell_voltages_v)

    def _leaks(self, battery: Battery) -> bool:
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

    def _needs_service(self, battery: Battery) -> bool:
        return None in battery.terminals_c and self.monitors_terminals(battery)

    def _measured(self, view: View) -> dict[str, bool]:
        """What the master measures itself."""
        inputs, system, current_a = view.inputs, view.registration, view.inputs.current_a
        base_a = self.current_base(view.hardware)
        facts = {
            "balancer": view.balancing.failure,
            "hot_inside": inputs.internal_temperature_c > self._hot_c,
            "charge_current": current_a > base_a,
            "discharge_current": -current_a > base_a,
        }
        kind, levels = system.type, system.levels
        if kind is None or levels is None:
            return facts
        strategy = view.settings.values["battery_strategy"]
        capacity_ah = system.capacity_ah or 0.0
        rate_c = kind.charge_c_rates[strategy] if current_a > 0 else kind.discharge_c_rate
        facts["battery_current"] = abs(current_a) > self._too_much * rate_c * capacity_ah
        cells_v = self._cells_v / system.parallel
        # With a cell that tells nothing there is nothing to compare with.
        difference_v = abs(inputs.battery_voltage_v - cells_v)
        facts["measurements_invalid"] = difference_v > self._implausible * cells_v
        if view.contactor.closed and inputs.aux_contact_closed:
            in_series = kind.cells * system.series
            lowest_v = in_series * levels.under_voltage_critical_v
            highest_v = in_series * levels.over_voltage_critical_v
            facts["system_voltage"] = not lowest_v <= inputs.system_voltage_v <= highest_v
            facts["fuse_broken"] = abs(current_a) < self._flow_a and all(
                abs(behind_v - inputs.system_voltage_v) > self._fuse_v
                for behind_v in (inputs.battery_voltage_v, cells_v)
            )
        return facts
