"""The master: a function of firmware, memory, inputs and time.

The only place that lists the rooms, in the order in which they step. No clock, socket, thread or
dice: what the terminals bring comes in `Inputs`, what they carry away goes out in `Outputs`.

Every 100 ms it looks: at what it measures, and at what the batteries said. If nothing has moved
since the rooms last stepped, that step changed nothing, and no room waits for time to pass, then
the rooms rest, for a second at most. A frame, a switched input or a command ends the rest.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bms.boot.secondary import SecondaryBootLoader
from bms.codes import State
from bms.data import Hardware
from bms.firmware import Component, Firmware, milliseconds, seconds, undo
from bms.io import BitTiming, Inputs, Outputs, Port, Transmission
from bms.rooms.balancing import Balancing
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.battery_update import BatteryUpdate
from bms.rooms.bluetooth import Bluetooth
from bms.rooms.board import Board
from bms.rooms.charger import Charger
from bms.rooms.contactor import Contactor
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.dvcc import Dvcc
from bms.rooms.events import Events
from bms.rooms.external_can import ExternalCan
from bms.rooms.fail_safe import FailSafe
from bms.rooms.fans import Fans
from bms.rooms.idle import Idle
from bms.rooms.indication import Indication
from bms.rooms.mg_registers import MgRegisters
from bms.rooms.nmea2000 import Nmea2000
from bms.rooms.permissions import Permissions
from bms.rooms.power import Power
from bms.rooms.precharge import Precharge
from bms.rooms.protection import Protection
from bms.rooms.registration import Registration
from bms.rooms.relay import Relay
from bms.rooms.safety_lock import SafetyLock
from bms.rooms.settings import Settings
from bms.rooms.soc import Soc
from bms.rooms.start_stop import StartStop
from bms.rooms.status_word import StatusWord
from bms.rooms.temperatures import Temperatures
from bms.rooms.time_to_go import TimeToGo
from bms.rooms.tracking import Tracking
from bms.rooms.update import Update
from bms.rooms.ve_can import VeCan
from bms.rooms.visedo import Visedo
from bms.rooms.warning_word import WarningWord
from bms.rooms.warnings import Warnings
from bms.status import View

CONTROL_PERIOD_US = milliseconds(100)
STANDBY_PERIOD_US = seconds(1)
# While nothing moves and no timer runs, the rooms rest: what only counts on is stepped this often.
REST_US, LONGEST_REST_US = seconds(1), seconds(10)  # running; in standby
MOVES_PER_A, MOVES_PER_V = 20, 100  # chosen: what the shunt and the dividers can tell apart
MOVES_PER_K = 10  # chosen: as fine as its sensor inside reads
ALWAYS_MOVING = frozenset({"soc", "time_to_go", "tracking"})  # by what flows, whoever rests
BIT_TIMING: Mapping[Port, BitTiming] = {
    Port.VE_CAN: BitTiming(bit_rate=250_000),
    Port.EXTERNAL: BitTiming(bit_rate=500_000),
}


class Steps(Protocol):
    """What every room has."""

    def step(self, now_us: int, view: View) -> Any:
        """One step: the room's own Status."""
        ...

    def waits(self) -> bool:
        """Whether time alone can change what it says."""
        ...


class Master:
    """One master from power-on to power-off; a power cycle is a new one with the same memory."""

    def __init__(
        self,
        firmware: Firmware,
        registers: Mapping[str, bytes],
        hardware: Hardware,
        serial: str,
        boot_loader: str = "",
        secondary: Firmware | None = None,
    ) -> None:
        self.firmware = firmware
        settings = Settings(firmware, registers)
        events = Events(firmware, registers)
        # In this order; the rooms of the ports also step when a frame or the tool wakes the master
        # between two control steps.
        self._control_rooms: list[tuple[str, Steps]] = [
            ("board", Board(firmware)),
            ("registration", Registration(firmware)),
            ("temperatures", Temperatures(firmware)),
            ("protection", Protection(firmware)),
            ("warnings", Warnings(firmware)),
            ("safety_lock", SafetyLock(firmware, registers)),
            ("fail_safe", FailSafe(firmware)),
            ("charger", Charger(firmware)),
            ("idle", Idle(firmware)),
            ("start_stop", StartStop(firmware)),
            ("precharge", Precharge(firmware)),
            ("contactor", Contactor(firmware)),
            ("permissions", Permissions(firmware)),
            ("soc", Soc(firmware, registers)),
            ("time_to_go", TimeToGo(firmware)),
            ("dvcc", Dvcc(firmware)),
            ("fans", Fans(firmware)),
            ("balancing", Balancing(firmware)),
            ("relay", Relay(firmware)),
            ("indication", Indication(firmware)),
            ("power", Power(firmware)),
            ("events", events),
            ("tracking", Tracking(firmware, registers)),
            ("status_word", StatusWord(firmware)),
            ("warning_word", WarningWord(firmware)),
        ]
        self._settings = settings
        self._battery_bus = BatteryBus(firmware)
        self._bit_timing = {**BIT_TIMING, Port.PRIVATE: self._battery_bus.bit_timing}
        self._diagnostics = Diagnostics(firmware)
        self._update = Update(firmware, registers, serial)
        loader = SecondaryBootLoader(secondary or _shipped_with(firmware))
        self._battery_update = BatteryUpdate(firmware, loader.restart_wait_us)
        self._bluetooth = Bluetooth(firmware)
        self._nmea2000 = Nmea2000(firmware, serial)
        self._ve_can = VeCan(firmware)
        self._mg_registers = MgRegisters(firmware)
        self._external_can = ExternalCan(firmware)
        self._visedo = Visedo(firmware)
        version = firmware.version
        self.view = View(
            inputs=Inputs(),
            hardware=hardware,
            serial=serial,
            version=(version.major, version.minor),
            boot_loader=boot_loader,
        )
        self.next_step_us = 0
        self.look_us = 0
        self._rested_us = 0
        self._restless = True
        self._measured: tuple[Any, ...] = ()
        self._outputs = Outputs()
        self._tells = True

    def step(self, now_us: int, inputs: Inputs) -> Outputs:
        """Run what is due at ``now_us`` and say what the terminals carry from now on.

        ``next_step_us`` then says when it wants to run again, if nothing happens before; if
        something does, ``look_us`` is when it looks next.
        """
        view = self.view
        view.inputs = inputs
        view.on_ve_can = tuple(one for one in inputs.received if one.port is Port.VE_CAN)
        switched = self._measure(inputs)
        view.looks = now_us >= self.look_us or switched
        view.settings = self._settings.step(now_us, view)
        view.battery_bus = self._battery_bus.step(now_us, view)
        view.battery_update = self._battery_update.step(now_us, view)
        view.control = view.looks and (
            self._restless or view.battery_bus.news or now_us >= self._rested_us
        )
        if view.control:
            self._control(now_us)
        if view.looks:
            standby = view.start_stop.state is State.STANDBY and not inputs.start_stop_pressed
            standby = standby and not view.indication.flashes
            self.look_us = now_us + (STANDBY_PERIOD_US if standby else CONTROL_PERIOD_US)
        view.nmea2000 = self._nmea2000.step(now_us, view)
        view.diagnostics = self._diagnostics.step(now_us, view)
        view.update = self._update.step(now_us, view)
        view.bluetooth = self._bluetooth.step(now_us, view)
        view.ve_can = self._ve_can.step(now_us, view)
        view.mg_registers = self._mg_registers.step(now_us, view)
        view.external_can = self._external_can.step(now_us, view)
        view.visedo = self._visedo.step(now_us, view)
        # A new setting is taken, and stored, in a step of its own right away: what the device has
        # acknowledged survives an update that follows at once.
        nmea2000 = view.nmea2000
        changed = bool(view.diagnostics.settings or view.ve_can.settings or view.bluetooth.settings)
        changed = changed or bool(nmea2000.settings or nmea2000.texts)
        self._restless = self._restless or changed or self._ve_can.waits()
        self._restless = self._restless or view.diagnostics.unlocks
        self._restless = self._restless or self._nmea2000.waits() or self._battery_update.waits()
        due_us = now_us if changed else self._next_due_us()
        line_us = min(self._diagnostics.due_us, self._bluetooth.due_us, self._update.due_us)
        self.next_step_us = min(due_us, max(now_us, line_us))
        return self._drive()

    def _next_due_us(self) -> int:
        """When it has to look again though nobody calls: at rest, when something is to be sent."""
        if self._restless or self.view.battery_bus.news:
            return self.look_us
        due_us = self._rested_us
        if self.view.start_stop.state is not State.STANDBY:
            due_us = min(due_us, self._battery_bus.due_us, self._ve_can.due_us)
            due_us = min(due_us, self._nmea2000.due_us, self._mg_registers.due_us)
            due_us = min(due_us, self._visedo.due_us)
            due_us = min(due_us, self._external_can.due_us)
        return max(due_us, self.look_us)

    def _measure(self, inputs: Inputs) -> bool:
        """Take in what is measured; whether a digital input has changed, which cannot wait."""
        measured = (
            inputs.start_stop_pressed,
            inputs.interlock_closed,
            inputs.emergency_stop,
            inputs.aux_contact_closed,
            int(inputs.current_a * MOVES_PER_A),
            int(inputs.battery_voltage_v * MOVES_PER_V),
            int(inputs.system_voltage_v * MOVES_PER_V),
            inputs.controllers,
            int(inputs.io_supply_v * MOVES_PER_V),
            inputs.self_test_passed,
            int(inputs.internal_temperature_c * MOVES_PER_K),
        )
        before, self._measured = self._measured, measured
        if measured == before:
            return False
        self._restless = True
        return measured[:4] != before[:4]

    def _control(self, now_us: int) -> None:
        """A step of all rooms; they may rest if it changed nothing and none of them waits."""
        view = self.view
        still = True
        for name, room in self._control_rooms:
            status = room.step(now_us, view)
            if name not in ALWAYS_MOVING and status != getattr(view, name):
                still = False
            setattr(view, name, status)
        self._restless = not still or any(room.waits() for _, room in self._control_rooms)
        standby = view.start_stop.state is State.STANDBY
        self._rested_us = now_us + (LONGEST_REST_US if standby else REST_US)

    def _drive(self) -> Outputs:
        """What the terminals carry; the same again while nothing moves."""
        view = self.view
        sends = view.battery_bus.sent or view.ve_can.sent or view.external_can.sent
        sends = sends or view.nmea2000.sent or view.mg_registers.sent or view.visedo.sent
        tells = bool(view.diagnostics.sent or view.settings.writes or view.bluetooth.sent)
        tells = tells or view.ve_can.recover or view.battery_bus.recover
        sends = sends or view.battery_update.sent
        tells = tells or bool(view.update.begun or view.update.sent or view.update.restart)
        if not (view.control or sends or tells or self._tells):
            return self._outputs
        self._tells = bool(sends or tells)
        writes = {**view.settings.writes, **view.soc.writes}
        writes |= {**view.events.writes, **view.safety_lock.writes, **view.tracking.writes}
        writes |= view.update.writes
        sent = [Transmission(Port.PRIVATE, frame) for frame in view.battery_bus.sent]
        sent += [Transmission(Port.PRIVATE, frame) for frame in view.battery_update.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.nmea2000.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.ve_can.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.mg_registers.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.diagnostics.sent]
        sent += [Transmission(Port.VE_CAN, frame) for frame in view.update.sent]
        sent += [Transmission(Port.EXTERNAL, frame) for frame in view.external_can.sent]
        sent += [Transmission(Port.EXTERNAL, frame) for frame in view.visedo.sent]
        permissions = view.permissions
        self._outputs = Outputs(
            contactor_coil=view.contactor.closed,
            precharge=view.precharge.active,
            allow_charge_relay=permissions.charge_relay,
            allow_charge_signal=permissions.charge_signal,
            allow_discharge_relay=permissions.discharge_relay,
            allow_discharge_signal=permissions.discharge_signal,
            programmable_relay=view.relay.closed,
            green_led=view.indication.green,
            red_led=view.indication.red,
            buzzer=view.indication.buzzer,
            fan=view.fans.internal_on,
            supply_current_a=view.power.supply_current_a,
            bit_timing=self._bit_timing,
            sent=tuple(sent),
            recover=tuple(
                port
                for port, recovers in (
                    (Port.VE_CAN, view.ve_can.recover),
                    (Port.PRIVATE, view.battery_bus.recover),
                )
                if recovers
            ),
            io_supply_on=view.update.io_supply_on,
            bluetooth_uart=view.bluetooth.sent,
            bluetooth_baud=view.bluetooth.baud,
            writes=writes,
            restart=view.update.restart,
        )
        return self._outputs


def _shipped_with(firmware: Firmware) -> Firmware:
    """The secondary boot loader as it came with this firmware, where none other is installed."""
    return undo(firmware.version, firmware.releases, Component.SECONDARY_BOOT_LOADER)
