"""Bluetooth: the master's side of the serial line to its module, for VictronConnect.

The module carries what an app asks for to the master, and the answer back. The link begins slowly;
a higher speed is agreed on while it is slow, and given up when something unreadable comes.
"""

from dataclasses import replace

from bms.data import settings
from bms.firmware import Firmware, Room, Slot, TableSlot, milliseconds, seconds
from bms.port_status import BluetoothStatus
from bms.registers import BLUETOOTH_REGISTERS, Register
from bms.status import View
from bms.wire import bluetooth as wire

FIRST_BAUD = 19_200
TRIED_FOR_US = milliseconds(500)  # chosen: a line of the slowest speed takes a tenth of it
NEXT_TRY_US = seconds(1)
NEVER_US = 1 << 62
PRESSES_TO_ACKNOWLEDGE_US = seconds(1)  # stated: v1.23-10


class Bluetooth(Room):
    """Present in masters made from a week on; on or off by a setting, or by the button."""

    from_week = Slot[int | None](1738)  # year and week of the serial number; None: in none
    speeds = Slot[tuple[int, ...]]((115_200, 57_600, 38_400))  # that are tried, in this order
    registers = TableSlot[int, Register](BLUETOOTH_REGISTERS)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._lines = wire.Lines()
        self._baud = FIRST_BAUD
        self._untried = list(self.speeds)
        self._asked_us: int | None = None  # for a speed, or for a sign of life at a new one
        self._due_us = 0
        self._radio: int | None = None  # as the module was told
        self._thrice_us = -1
        self._toggle_us: int | None = None
        self._acknowledged_us = -1
        self._by_register = {s.register: s for s in settings().values() if s.register}
        self._status = BluetoothStatus()

    @property
    def due_us(self) -> int:
        """When it next has something to say to the module, or to change."""
        asks = self._asked_us is not None or self._untried or self._radio is None
        due_us = self._due_us if asks else NEVER_US
        return due_us if self._toggle_us is None else min(due_us, self._toggle_us)

    def step(self, now_us: int, view: View) -> BluetoothStatus:
        """Answer what the module brings, and look after the link."""
        if self.from_week is None or _week(view.serial) < self.from_week:
            self._due_us = NEVER_US
            return self._status
        enabled, thrice_us = view.settings.values["bluetooth"], view.start_stop.thrice_us
        told = enabled == self._radio and thrice_us == self._thrice_us
        if told and now_us < self.due_us and not view.inputs.bluetooth_uart:
            return self._status
        sent: list[wire.Message] = []
        changes: list[tuple[str, int]] = []
        if view.inputs.bluetooth_uart:
            self._hear(now_us, view, sent, changes)
        if now_us >= self._due_us:
            self._negotiate(now_us, sent)
        if enabled != self._radio:
            self._radio = enabled
            sent.append(wire.Message(wire.RADIO, bytes((enabled,))))
        if thrice_us != self._thrice_us:
            self._thrice_us, self._toggle_us = thrice_us, thrice_us + PRESSES_TO_ACKNOWLEDGE_US
        if self._toggle_us is not None and now_us >= self._toggle_us:
            self._toggle_us, self._acknowledged_us = None, now_us
            changes.append(("bluetooth", 1 - enabled))
        self._status = BluetoothStatus(
            present=True, baud=self._baud, acknowledged_us=self._acknowledged_us
        )
        if not sent and not changes:
            return self._status
        lines = b"".join(message.line() for message in sent)
        return replace(self._status, sent=lines, settings=tuple(changes))

    def _hear(
        self, now_us: int, view: View, sent: list[wire.Message], changes: list[tuple[str, int]]
    ) -> None:
        messages, garbage = self._lines.take(view.inputs.bluetooth_uart)
        if garbage and self._baud != FIRST_BAUD:
            self._fall_back(now_us)
        for message in messages:
            data = message.data
            if message.command == wire.SPEED and len(data) == 4:
                self._baud = int.from_bytes(data, "little")
                self._asked_us, self._due_us = now_us, now_us + TRIED_FOR_US
                sent.append(wire.Message(wire.SIGN_OF_LIFE))
            elif message.command == wire.SIGN_OF_LIFE:
                self._asked_us = None  # the new speed does
                self._untried = []
            elif message.command == wire.READ and len(data) == 3:
                sent.append(self._read(data, view))
            elif message.command == wire.WRITE and len(data) > 3:
                sent.append(self._write(data, view, changes))

    def _negotiate(self, now_us: int, sent: list[wire.Message]) -> None:
        """Ask for the next speed; or nothing was heard of the last one that was asked for."""
        if self._asked_us is not None:
            self._fall_back(now_us)
        elif self._untried:
            self._asked_us, self._due_us = now_us, now_us + TRIED_FOR_US
            speed = self._untried.pop(0)
            sent.append(wire.Message(wire.SPEED, speed.to_bytes(4, "little")))

    def _fall_back(self, now_us: int) -> None:
        """To the first speed, and then on with the speeds below the one that failed."""
        if self._baud != FIRST_BAUD:
            self._untried = [speed for speed in self.speeds if speed < self._baud]
        self._baud, self._asked_us = FIRST_BAUD, None
        self._due_us = now_us + NEXT_TRY_US

    def _read(self, data: bytes, view: View) -> wire.Message:
        register = int.from_bytes(data[:2], "little")
        entry = self.registers.get(register)
        if entry is None:
            return wire.register_message(wire.READ, register, wire.FLAG_UNKNOWN)
        return wire.register_message(wire.READ, register, wire.FLAG_OK, entry.data(view))

    def _write(self, data: bytes, view: View, changes: list[tuple[str, int]]) -> wire.Message:
        register, value = int.from_bytes(data[:2], "little"), data[3:]
        setting = self._by_register.get(register)
        if register not in self.registers:
            return wire.register_message(wire.WRITE, register, wire.FLAG_UNKNOWN)
        if setting is None or not view.settings.takes(setting.name, value[0]):
            return wire.register_message(wire.WRITE, register, wire.FLAG_REFUSED, value)
        changes.append((setting.name, value[0]))
        return wire.register_message(wire.WRITE, register, wire.FLAG_OK, value)


def _week(serial: str) -> int:
    """Year and week in a serial number: HQ1738... is 1738; -1 for one of another form."""
    digits = serial[2:6]
    return int(digits) if digits.isdecimal() else -1
