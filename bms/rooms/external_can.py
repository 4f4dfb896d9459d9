"""The external CAN port: the 11 bit protocols for inverters, every 500 ms."""

from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame
from bms.status import ExternalCanStatus, State, View
from bms.wire import inverter as wire

PERIOD_US = milliseconds(500)
NEVER_US = 1 << 62
AWAY = {State.STANDBY, State.INITIALISING, State.MEASURING}

# Pairs of 0x35A, in the order of the protocol.
HIGH_VOLTAGE, LOW_VOLTAGE, HIGH_CURRENT, CONTACTOR, INTERNAL = 1, 2, 7, 9, 11


class ExternalCan(Room):
    """Sends what the chosen protocol asks for; General BMS is SMA's frames and four more."""

    current_raw_max = Slot(12_000)  # of 0x351, in 0.1 A

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
        frames = self._sma(view)
        if protocol == "General BMS":
            frames += self._general(view)
        return ExternalCanStatus(sent=frames)

    def _sma(self, view: View) -> tuple[Frame, ...]:
        dvcc, inputs = view.dvcc, view.inputs
        limits = wire.Limits(
            charge_voltage_v=dvcc.charge_voltage_v,
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
            wire.maker(),
            wire.identity(view.version, view.registration.capacity_ah, view.board.product_id),
        )

    @staticmethod
    def _alarms(view: View) -> tuple[frozenset[int], frozenset[int]]:
        warned = set()
        if view.protection.over_voltage:
            warned.add(HIGH_VOLTAGE)
        if view.protection.under_voltage:
            warned.add(LOW_VOLTAGE)
        if view.protection.overload:
            warned.add(HIGH_CURRENT)
        if view.contactor.failure:
            warned.add(CONTACTOR)
        raised = frozenset({INTERNAL}) if view.fail_safe.active else frozenset[int]()
        return raised, frozenset(warned)

    @staticmethod
    def _general(view: View) -> tuple[Frame, ...]:
        protection, temperatures = view.protection, view.temperatures
        return (
            wire.extremes(
                (protection.lowest_cell_v, protection.highest_cell_v),
                (temperatures.lowest_c, temperatures.highest_c),
            ),
            wire.energy(view.soc.charged_kwh, view.soc.discharged_kwh),
            *wire.serial_number(view.serial),
        )
