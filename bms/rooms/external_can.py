"""The external CAN port: the 11 bit protocols for inverters, every 500 ms."""

from bms.codes import Ending, State, Tracked
from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame
from bms.port_status import ExternalCanStatus
from bms.status import View
from bms.wire import inverter as wire

PERIOD_US = milliseconds(500)
NEVER_US = 1 << 62
AWAY = {State.STANDBY, State.INITIALISING, State.MEASURING}

# Pairs of 0x35A, in the order of the protocol.
GENERAL, HIGH_VOLTAGE, LOW_VOLTAGE = 0, 1, 2
HIGH_CURRENT, HIGH_CHARGE_CURRENT, CONTACTOR, INTERNAL, CELL_IMBALANCE = 7, 8, 9, 11, 12

# Of the warnings (`status.WarningStatus`), those that no other pair tells of.
WITHOUT_A_PAIR = (
    "leakage",
    "humidity",
    "cell_temperature_deviation",
    "service",
    "system_voltage",
    "measurements_invalid",
    "hot_inside",
    "self_test_failed",
    "balancer",
    "fuse_broken",
)


class ExternalCan(Room):
    """Sends what the chosen protocol asks for; General BMS is SMA's frames and four more."""

    current_raw_max = Slot(12_000)  # of 0x351, in 0.1 A
    general_warnings = Slot[tuple[str, ...]](WITHOUT_A_PAIR)
    sma_voltage_max_v = Slot[float | None](63.0)  # public: SMA, an inverter discards what is above

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self.due_us = 0  # when it sends next
        self._idle = ExternalCanStatus()

    def step(self, now_us: int, view: View) -> ExternalCanStatus:
        """The frames that are due."""
        protocol = view.settings.choices["external_protocol"].get(
            view.settings.values["external_protocol"]
        )
        state = view.start_stop.state
        if protocol not in {"SMA", "General BMS"} or state in AWAY:
            self.due_us = NEVER_US
            return self._idle
        if self.due_us == NEVER_US:
            self.due_us = now_us
        if now_us < self.due_us:
            return self._idle
        self.due_us = now_us + PERIOD_US
        frames = self._sma(view, self.sma_voltage_max_v if protocol == "SMA" else None)
        if protocol == "General BMS":
            frames += self._general(view)
        return ExternalCanStatus(sent=frames)

    def _sma(self, view: View, voltage_max_v: float | None) -> tuple[Frame, ...]:
        dvcc, inputs = view.dvcc, view.inputs
        voltage_v = dvcc.charge_voltage_v
        limits = wire.Limits(
            charge_voltage_v=voltage_v if voltage_max_v is None else min(voltage_v, voltage_max_v),
            charge_current_a=dvcc.charge_current_a,
            discharge_current_a=dvcc.discharge_current_a,
            discharge_voltage_v=dvcc.discharge_voltage_v,
        )
        raised, warned = self._alarms(view)
        highest_c = view.temperatures.highest_c
        return (
            wire.limits(limits, self.current_raw_max),
            wire.state_of_charge(view.soc.soc_pct),
            wire.measurements(inputs.system_voltage_v, inputs.current_a, highest_c),
            wire.alarms(raised, warned),
            wire.events(preventive_shutdown=self._disconnects(view)),
            wire.maker(),
            wire.identity(view.version, view.registration.capacity_ah, view.board.product_id),
        )

    def _alarms(self, view: View) -> tuple[frozenset[int], frozenset[int]]:
        warnings, current_a = view.warnings, view.inputs.current_a
        warned = set()
        if any(getattr(warnings, name) for name in self.general_warnings):
            warned.add(GENERAL)
        if view.protection.over_voltage:
            warned.add(HIGH_VOLTAGE)
        if view.protection.under_voltage:
            warned.add(LOW_VOLTAGE)
        if view.protection.overload or warnings.discharge_current:
            warned.add(HIGH_CURRENT)
        if warnings.charge_current:
            warned.add(HIGH_CHARGE_CURRENT)
        if warnings.battery_current:
            warned.add(HIGH_CHARGE_CURRENT if current_a > 0 else HIGH_CURRENT)
        if warnings.cell_voltage_deviation:
            warned.add(CELL_IMBALANCE)
        if view.contactor.failure:
            warned.add(CONTACTOR)
        raised = frozenset({INTERNAL}) if view.fail_safe.active else frozenset[int]()
        return raised, frozenset(warned)

    @staticmethod
    def _disconnects(view: View) -> bool:
        """Whether the system opens the contactor of its own accord, and has not yet."""
        state, ended_by = view.start_stop.state, view.start_stop.ended_by
        by_itself = state is State.SHUTTING_DOWN and ended_by is Ending.NOBODY
        return view.contactor.closed and (view.fail_safe.active or by_itself)

    @staticmethod
    def _general(view: View) -> tuple[Frame, ...]:
        protection, temperatures = view.protection, view.temperatures
        ever = view.tracking.ever
        return (
            wire.extremes(
                (protection.lowest_cell_v, protection.highest_cell_v),
                (temperatures.lowest_c, temperatures.highest_c),
            ),
            wire.energy(ever.get(Tracked.CHARGED_KWH, 0.0), ever.get(Tracked.DISCHARGED_KWH, 0.0)),
            *wire.serial_number(view.serial),
        )
