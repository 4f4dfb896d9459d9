"""The master: a function of firmware, memory, inputs and time.

The only place that lists the rooms, in the order in which they step. No clock, socket, thread or
dice: what the terminals bring comes in `Inputs`, what they carry away goes out in `Outputs`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bms.data import Hardware
from bms.firmware import Firmware, milliseconds, seconds
from bms.io import BitTiming, Inputs, Outputs, Port, Transmission
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.contactor import Contactor
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.dvcc import Dvcc
from bms.rooms.events import Events
from bms.rooms.external_can import ExternalCan
from bms.rooms.fail_safe import FailSafe
from bms.rooms.fans import Fans
from bms.rooms.indication import Indication
from bms.rooms.permissions import Permissions
from bms.rooms.precharge import Precharge
from bms.rooms.protection import Protection
from bms.rooms.registration import Registration
from bms.rooms.relay import Relay
from bms.rooms.settings import Settings
from bms.rooms.soc import Soc
from bms.rooms.start_stop import StartStop
from bms.rooms.status_word import StatusWord
from bms.rooms.temperatures import Temperatures
from bms.rooms.time_to_go import TimeToGo
from bms.rooms.ve_can import VeCan
from bms.status import State, View

CONTROL_PERIOD_US = milliseconds(100)
STANDBY_PERIOD_US = seconds(1)
BIT_TIMING: Mapping[Port, BitTiming] = {
    Port.PRIVATE: BitTiming(bit_rate=250_000),
    Port.VE_CAN: BitTiming(bit_rate=250_000),
    Port.EXTERNAL: BitTiming(bit_rate=500_000),
}
SUPPLY_RUNNING_A, SUPPLY_STANDBY_A = 0.15, 0.01  # chosen: 4 W and 0.3 W at 26 V


class Steps(Protocol):
    """What every room has."""

    def step(self, now_us: int, view: View) -> Any:
        """One step: the room's own Status."""
        ...


class Master:
    """One master from power-on to power-off; a power cycle is a new one with the same memory."""

    def __init__(
        self, firmware: Firmware, registers: Mapping[str, bytes], hardware: Hardware, serial: str
    ) -> None:
        self.firmware = firmware
        settings = Settings(firmware, registers)
        events = Events(firmware, registers)
        # In this order; the rooms of the ports also step when a frame or the tool wakes the master
        # between two control steps.
        self._control_rooms: list[tuple[str, Steps]] = [
            ("registration", Registration(firmware)),
            ("temperatures", Temperatures(firmware)),
            ("protection", Protection(firmware)),
            ("fail_safe", FailSafe(firmware)),
            ("start_stop", StartStop(firmware)),
            ("precharge", Precharge(firmware)),
            ("contactor", Contactor(firmware)),
            ("permissions", Permissions(firmware)),
            ("soc", Soc(firmware, registers)),
            ("time_to_go", TimeToGo(firmware)),
            ("dvcc", Dvcc(firmware)),
            ("fans", Fans(firmware)),
            ("relay", Relay(firmware)),
            ("indication", Indication(firmware)),
            ("events", events),
            ("status_word", StatusWord(firmware)),
        ]
        self._settings = settings
        self._battery_bus = BatteryBus(firmware)
        self._diagnostics = Diagnostics(firmware)
        self._ve_can = VeCan(firmware, serial)
        self._external_can = ExternalCan(firmware)
        version = firmware.version
        self.view = View(
            inputs=Inputs(),
            hardware=hardware,
            serial=serial,
            version=(version.major, version.minor),
        )
        self._next_control_us = 0
        self._digital: tuple[bool, ...] = ()

    def step(self, now_us: int, inputs: Inputs) -> Outputs:
        """Run what is due at ``now_us`` and say what the terminals carry from now on."""
        view = self.view
        view.inputs = inputs
        digital = (
            inputs.start_stop_pressed,
            inputs.interlock_closed,
            inputs.emergency_stop,
            inputs.aux_contact_closed,
        )
        view.control = now_us >= self._next_control_us or digital != self._digital
        self._digital = digital
        view.settings = self._settings.step(now_us, view)
        view.battery_bus = self._battery_bus.step(now_us, view)
        if view.control:
            for name, room in self._control_rooms:
                setattr(view, name, room.step(now_us, view))
            standby = view.start_stop.state is State.STANDBY and not inputs.start_stop_pressed
            self._next_control_us = now_us + (STANDBY_PERIOD_US if standby else CONTROL_PERIOD_US)
        view.diagnostics = self._diagnostics.step(now_us, view)
        view.ve_can = self._ve_can.step(now_us, view)
        view.external_can = self._external_can.step(now_us, view)
        # A new setting is taken, and stored, in a step of its own right away: what the device has
        # acknowledged survives an update that follows at once.
        changed = view.diagnostics.settings or view.ve_can.settings
        return self._outputs(now_us if changed else self._next_control_us)

    def _outputs(self, next_step_us: int) -> Outputs:
        view = self.view
        writes = {**view.settings.writes, **view.soc.writes, **view.events.writes}
        sent = [Transmission(Port.PRIVATE, frame) for frame in view.battery_bus.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.ve_can.sent]
        sent += [Transmission(Port.EXTERNAL, frame) for frame in view.external_can.sent]
        permissions = view.permissions
        awake = view.start_stop.state is not State.STANDBY
        return Outputs(
            contactor_coil=view.contactor.closed,
            precharge=view.precharge.active,
            allow_charge_relay=permissions.charge,
            allow_charge_signal=permissions.charge,
            allow_discharge_relay=permissions.discharge,
            allow_discharge_signal=permissions.discharge,
            programmable_relay=view.relay.closed,
            green_led=view.indication.green,
            red_led=view.indication.red,
            buzzer=view.indication.buzzer,
            supply_current_a=SUPPLY_RUNNING_A if awake else SUPPLY_STANDBY_A,
            bit_timing=BIT_TIMING,
            sent=tuple(sent),
            recover=(Port.VE_CAN,) if view.ve_can.recover else (),
            tool=view.diagnostics.answers,
            writes=writes,
            next_step_us=next_step_us,
        )
