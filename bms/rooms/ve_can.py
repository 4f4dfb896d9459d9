"""VE.Can: registers (VREG), and a way back from bus-off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from bms.codes import State
from bms.data import settings
from bms.firmware import Firmware, Room, Slot, TableSlot, milliseconds, seconds
from bms.io import CanFrame, ControllerState, Frame, Port
from bms.port_status import VeCanStatus
from bms.reception import EveryFrame, ReceptionPolicy
from bms.registers import COMMANDS, ON, REGISTERS, Command, Register
from bms.status import View
from bms.wire import vreg

NO_ADDRESS = 254  # public: SAE J1939-81
REGISTER_PERIOD_US = seconds(5)
SLOW_CHANGES_US = milliseconds(500)  # public: on change at most 1 s late
FULL_RAW = 10_000  # 100 % in steps of 0.01 %

Understand = Callable[[CanFrame, int], vreg.Message | None]


def only_extended(frame: CanFrame, address: int) -> vreg.Message | None:
    """Only 29 bit frames are VE.Can's; whatever an 11 bit frame says, it is not for us."""
    return vreg.read(frame) if frame.extended else None


def not_a_write(register: int) -> bool:
    """A value that another device broadcasts is its own, and is written nowhere."""
    return False


def only_for_its_group(register: int) -> bool:
    """Of what another system broadcasts one message is meant for others: those of its group."""
    return register == vreg.SYNCHRONISE


def _is_available(data: bytes) -> bool:
    return any(byte != 0xFF for byte in data)


@dataclass(slots=True)
class _Heard:
    """What the frames of one step asked for."""

    sent: list[Frame]
    soc_pct: float | None = None
    group_soc_pct: float | None = None
    commands: dict[int, int] = field(default_factory=dict)
    settings: list[tuple[str, int]] = field(default_factory=list)


class TakesSoc(StrEnum):
    """When the state of charge is taken that VE.Can tells."""

    NEVER = "never"
    ALWAYS = "always"
    WHILE_CLOSED = "while the contactor is closed"


class VeCan(Room):
    """Answers requests, and sends periodically and on change."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    understand = Slot[Understand](only_extended)
    broadcast_is_a_write = Slot[Callable[[int], bool]](only_for_its_group)
    takes_soc = Slot(TakesSoc.WHILE_CLOSED)
    bus_off_recovery_us = Slot[int | None](milliseconds(200))
    registers = TableSlot[int, Register](REGISTERS)
    commands = TableSlot[int, Command](COMMANDS)
    tells_written = Slot(True)  # a setting that was written by its register
    tells_chosen = Slot(True)  # a setting that was changed by the tool or the app

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self._address = NO_ADDRESS
        self._registers_due_us = self._slow_due_us = 0
        self._last: dict[int, bytes] = {}
        self._bus_off_us: int | None = None
        self._soc_pct: float | None = None
        self._group_soc_pct: float | None = None
        self._commands: dict[int, int] = {}
        self._sequence = 0  # of fast packets
        self._written: dict[int, bytes] = {}  # by register: settings that are not yet told of
        self._unsettled = False  # in bus-off, or with a command to pass on
        self._by_register = {s.register: s for s in settings().values() if s.register}
        self._fast = [r for r, e in self.registers.items() if e.on_change == "at once"]
        self._slow = [r for r, e in self.registers.items() if e.on_change == "soon"]
        self._periodic = [r for r, e in self.registers.items() if e.periodic]
        self._idle = VeCanStatus()

    @property
    def due_us(self) -> int:
        """When it next sends something of its own accord."""
        return min(self._slow_due_us, self._registers_due_us)

    def waits(self) -> bool:
        """While it is in bus-off, or has a command for another room."""
        return self._unsettled

    def step(self, now_us: int, view: View) -> VeCanStatus:
        """One step; between control steps only what came in is answered."""
        self._address = view.nmea2000.address
        received = [one for one in view.inputs.received if one.port is Port.VE_CAN]
        if not (received or view.control or now_us >= self.due_us or self._unsettled):
            return self._idle
        if view.control:
            # Their rooms took them before us.
            self._soc_pct = self._group_soc_pct = None
            self._commands = {}
        recover = self._watch_controller(now_us, view)
        heard = _Heard([])
        for reception in received:
            if self._reception.keeps(reception.time_us):
                message = self.understand(reception.frame, self._address)
                if message is not None and self._address != NO_ADDRESS:
                    self._serve(message, view, heard)
        if view.looks:
            self._speak(now_us, view, heard.sent)
        if heard.soc_pct is not None:
            self._soc_pct = heard.soc_pct
        if heard.group_soc_pct is not None:
            self._group_soc_pct = heard.group_soc_pct
        self._commands.update(heard.commands)
        has_command = self._soc_pct is not None or self._group_soc_pct is not None
        has_command = has_command or bool(self._commands)
        self._unsettled = self._bus_off_us is not None or has_command
        if not heard.sent and not recover and not has_command and not heard.settings:
            return self._idle
        mode = self._commands.get(vreg.DEVICE_MODE)
        return VeCanStatus(
            sent=tuple(heard.sent),
            recover=recover,
            soc_command_pct=self._soc_pct,
            group_soc_pct=self._group_soc_pct,
            runs=None if mode is None else mode == ON,
            relay=self._commands.get(vreg.RELAY_STATE),
            restarts=vreg.RESTART in self._commands,
            settings=tuple(heard.settings),
        )

    def _watch_controller(self, now_us: int, view: View) -> bool:
        """Whether the controller shall leave bus-off now; the address is claimed again then."""
        if view.inputs.controllers.get(Port.VE_CAN) is not ControllerState.BUS_OFF:
            self._bus_off_us = None
            return False
        if self._bus_off_us is None:
            self._bus_off_us = now_us
        delay_us = self.bus_off_recovery_us
        if delay_us is None or now_us - self._bus_off_us < delay_us:
            return False
        self._bus_off_us = now_us
        return True

    def _serve(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        register = message.register
        if len(message.data) < vreg.DATA_LENGTH:
            self._refuse_stump(message, heard)
        elif message.destination == vreg.BROADCAST:
            if not self.broadcast_is_a_write(register):
                return
            if register == vreg.SOC:
                self._write(message, view, heard)
            elif register == vreg.SYNCHRONISE:
                self._hear_of_group(message, view, heard)
        elif message.destination != self._address:
            return
        elif register == vreg.REQUEST:
            self._answer(vreg.requested_register(message), message.source, view, heard)
        elif register != vreg.ACKNOWLEDGE:
            self._write(message, view, heard)

    def _refuse_stump(self, message: vreg.Message, heard: _Heard) -> None:
        """A write that is cut short says nothing of what it means, and changes nothing."""
        if message.destination != self._address:
            return
        if message.register not in {vreg.REQUEST, vreg.ACKNOWLEDGE}:
            self._acknowledge(message, vreg.ACK_INVALID, heard)

    def _acknowledge(self, message: vreg.Message, code: int, heard: _Heard) -> None:
        heard.sent.append(vreg.acknowledge(self._address, message.source, message.register, code))

    def _takes_soc(self, view: View) -> bool:
        return self.takes_soc is TakesSoc.ALWAYS or view.contactor.closed

    def _hear_of_group(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        """Another system tells its group its state of charge; nobody answers."""
        group = view.settings.values.get("sync_group", 0)
        raw = int.from_bytes(message.data[1:3], "little")
        if self._takes_soc(view) and group and message.data[0] == group and raw <= FULL_RAW:
            heard.group_soc_pct = raw / 100

    def _answer(self, register: int, asker: int, view: View, heard: _Heard) -> None:
        entry = self.registers.get(register)
        if entry is None:
            code = vreg.ACK_UNKNOWN_REQUEST
            heard.sent.append(vreg.acknowledge(self._address, asker, register, code))
        else:
            self._sequence += 1
            data = entry.data(view)
            heard.sent.extend(vreg.tell(self._address, register, data, self._sequence))

    def _write(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        register, setting = message.register, self._by_register.get(message.register)
        if register == vreg.SOC:
            if self.takes_soc is not TakesSoc.NEVER:
                self._write_soc(message, view, heard)
            return
        byte, whole = message.data[0], vreg.is_padding(message.data[1:])
        code = vreg.ACK_UNKNOWN_COMMAND
        obeys = self.commands.get(register)
        if obeys is not None and register in self.registers:
            code = vreg.ACK_INVALID
            if whole and obeys(view, byte):
                code = vreg.ACK_OK
                heard.commands[register] = byte
        if setting is not None and register in self.registers:
            code = vreg.ACK_INVALID
            available = _is_available(self.registers[register].data(view))
            if whole and available and view.settings.takes(setting.name, byte):
                code = vreg.ACK_OK
                heard.settings.append((setting.name, byte))
                self._written[register] = message.data[:1]
        self._acknowledge(message, code, heard)

    def _write_soc(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        raw = int.from_bytes(message.data[:2], "little")
        whole = vreg.is_padding(message.data[2:])
        if raw > FULL_RAW or not whole or not self._takes_soc(view):
            self._acknowledge(message, vreg.ACK_INVALID, heard)
            return
        heard.soc_pct = raw / 100
        self._last[vreg.SOC] = vreg.u16(raw)
        heard.sent.append(vreg.broadcast(self._address, vreg.SOC, vreg.u16(raw)))

    def _speak(self, now_us: int, view: View, sent: list[Frame]) -> None:
        if not view.nmea2000.ready:
            self._last.clear()  # from another address, or after silence, all is told anew
            return
        if view.control:
            self._changes(self._fast, view, sent)
        if view.start_stop.state is State.STANDBY:
            return
        if now_us >= self._slow_due_us:
            self._slow_due_us = now_us + SLOW_CHANGES_US
            self._changes(self._slow, view, sent)
        if now_us >= self._registers_due_us:
            self._registers_due_us = now_us + REGISTER_PERIOD_US
            for register in self._periodic:
                if register == vreg.SYNCHRONISE and not self._is_in_a_group(view):
                    continue
                data = self.registers[register].data(view)
                if self.registers[register].only_available and not _is_available(data):
                    continue
                sent.append(vreg.broadcast(self._address, register, data))

    @staticmethod
    def _is_in_a_group(view: View) -> bool:
        """Only who carries current has a state of charge to share."""
        return view.contactor.closed and view.settings.values["sync_group"] != 0

    def _changes(self, registers: list[int], view: View, sent: list[Frame]) -> None:
        last = self._last
        for register in registers:
            data = self.registers[register].data(view)
            written = self._written.get(register) == data
            if last.get(register) == data and not written:
                continue
            told = register not in last or self._tells_of(register, written=written)
            last[register] = data
            if told and (not self.registers[register].only_available or _is_available(data)):
                sent.append(vreg.broadcast(self._address, register, data))

    def _tells_of(self, register: int, *, written: bool) -> bool:
        """Whether this change is broadcast; a setting's can be left to who asks."""
        if register not in self._by_register:
            return True
        self._written.pop(register, None)
        return self.tells_written if written else self.tells_chosen
