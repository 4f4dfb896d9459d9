"""VE.Can: registers (VREG) and NMEA 2000, an address, and a way back from bus-off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from bms.data import settings
from bms.firmware import Firmware, Room, Slot, TableSlot, milliseconds, seconds
from bms.io import CanFrame, ControllerState, Frame, Port
from bms.reception import EveryFrame, ReceptionPolicy
from bms.registers import OFF, ON, REGISTERS, Register
from bms.status import State, VeCanStatus, View
from bms.wire import nmea2000, vreg

PREFERRED_ADDRESS = 0x50  # public: communication guide
LAST_ADDRESS, NO_ADDRESS = 251, 254  # public: SAE J1939-81
CLAIM_TIME_US = milliseconds(250)  # public: SAE J1939-81, before anything else is sent
NMEA_PERIOD_US = milliseconds(1500)
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


def _unique_number(serial: str) -> int:
    """21 bits in which serial numbers of one make differ; the divisor is the last prime below."""
    return int.from_bytes(serial.encode(), "big") % 2_097_143


@dataclass(slots=True)
class _Heard:
    """What the frames of one step asked for."""

    sent: list[Frame]
    soc_pct: float | None = None
    group_soc_pct: float | None = None
    runs: bool | None = None
    settings: list[tuple[str, int]] = field(default_factory=list)


class TakesSoc(StrEnum):
    """When the state of charge is taken that VE.Can tells."""

    NEVER = "never"
    ALWAYS = "always"
    WHILE_CLOSED = "while the contactor is closed"


class VeCan(Room):
    """Answers requests, sends periodically and on change, and keeps its address."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    understand = Slot[Understand](only_extended)
    broadcast_is_a_write = Slot[Callable[[int], bool]](only_for_its_group)
    takes_soc = Slot(TakesSoc.WHILE_CLOSED)
    bus_off_recovery_us = Slot[int | None](milliseconds(200))
    registers = TableSlot[int, Register](REGISTERS)

    def __init__(self, firmware: Firmware, serial: str) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self._name = nmea2000.Name(unique=_unique_number(serial), manufacturer=358)
        self._address = PREFERRED_ADDRESS
        self._claimed_us: int | None = None
        self._moved = False  # to another address, claimed but not yet waited for
        self._nmea_due_us = self._registers_due_us = self._slow_due_us = 0
        self._sequence = 0
        self._last: dict[int, bytes] = {}
        self._bus_off_us: int | None = None
        self._soc_pct: float | None = None
        self._group_soc_pct: float | None = None
        self._runs: bool | None = None
        self._unsettled = (
            True  # without a claimed address, in bus-off, or with a command to pass on
        )
        self._by_register = {s.register: s for s in settings().values() if s.register}
        self._fast = [r for r, e in self.registers.items() if e.on_change == "at once"]
        self._slow = [r for r, e in self.registers.items() if e.on_change == "soon"]
        self._periodic = [r for r, e in self.registers.items() if e.periodic]
        self._idle = VeCanStatus()

    @property
    def due_us(self) -> int:
        """When it next sends something of its own accord."""
        return min(self._slow_due_us, self._registers_due_us, self._nmea_due_us)

    def waits(self) -> bool:
        """While it claims its address, is in bus-off, or has a command for another room."""
        return self._unsettled

    def step(self, now_us: int, view: View) -> VeCanStatus:
        """One step; between control steps only what came in is answered."""
        received = [one for one in view.inputs.received if one.port is Port.VE_CAN]
        if not (received or view.control or now_us >= self.due_us or self._unsettled):
            return self._idle
        if view.control:
            # Their rooms took them before us.
            self._soc_pct = self._group_soc_pct = self._runs = None
        recover = self._watch_controller(now_us, view)
        heard = _Heard([])
        for reception in received:
            if self._reception.keeps(reception.time_us):
                self._hear(reception.frame, view, heard)
        if view.looks:
            self._speak(now_us, view, heard.sent)
        if heard.soc_pct is not None:
            self._soc_pct = heard.soc_pct
        if heard.group_soc_pct is not None:
            self._group_soc_pct = heard.group_soc_pct
        if heard.runs is not None:
            self._runs = heard.runs
        has_command = self._soc_pct is not None or self._group_soc_pct is not None
        has_command = has_command or self._runs is not None
        claims = self._claimed_us is None or now_us - self._claimed_us < CLAIM_TIME_US
        self._unsettled = claims or self._moved or self._bus_off_us is not None or has_command
        if not heard.sent and not recover and not has_command and not heard.settings:
            return self._idle
        return VeCanStatus(
            sent=tuple(heard.sent),
            recover=recover,
            soc_command_pct=self._soc_pct,
            group_soc_pct=self._group_soc_pct,
            runs=self._runs,
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
        self._claimed_us = None
        self._last.clear()
        return True

    def _hear(self, frame: CanFrame, view: View, heard: _Heard) -> None:
        if frame.extended and nmea2000.pgn_of(frame) == nmea2000.ADDRESS_CLAIM:
            self._contest(frame, heard)
        elif frame.extended and nmea2000.pgn_of(frame) == nmea2000.ISO_REQUEST:
            if nmea2000.destination_of(frame) not in {self._address, nmea2000.BROADCAST}:
                return
            if int.from_bytes(frame.data[:3], "little") == nmea2000.ADDRESS_CLAIM:
                heard.sent.append(nmea2000.address_claim(self._name, self._address))
        else:
            message = self.understand(frame, self._address)
            if message is not None:
                self._serve(message, view, heard)

    def _contest(self, frame: CanFrame, heard: _Heard) -> None:
        """Another device claims an address: where it is ours, the lower NAME keeps it."""
        if nmea2000.source_of(frame) != self._address or len(frame.data) != nmea2000.NAME_LENGTH:
            return
        theirs = int.from_bytes(frame.data, "little")
        if theirs < int.from_bytes(self._name.pack(), "little"):
            self._address = self._address + 1 if self._address < LAST_ADDRESS else NO_ADDRESS
            self._last.clear()
            self._moved = True
        heard.sent.append(nmea2000.address_claim(self._name, self._address))

    def _serve(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        register = message.register
        if message.destination == vreg.BROADCAST:
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
            heard.sent.append(vreg.broadcast(self._address, register, entry.data(view)))

    def _write(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        register, setting = message.register, self._by_register.get(message.register)
        if register == vreg.SOC:
            if self.takes_soc is not TakesSoc.NEVER:
                self._write_soc(message, view, heard)
            return
        code = vreg.ACK_UNKNOWN_COMMAND
        if register == vreg.DEVICE_MODE and register in self.registers:
            code = vreg.ACK_INVALID
            if view.settings.values.get("combined") and message.data[0] in {ON, OFF}:
                code = vreg.ACK_OK
                heard.runs = message.data[0] == ON
        if setting is not None and register in self.registers:
            code = vreg.ACK_INVALID
            if view.settings.takes(setting.name, message.data[0]):
                code = vreg.ACK_OK
                heard.settings.append((setting.name, message.data[0]))
        heard.sent.append(vreg.acknowledge(self._address, message.source, register, code))

    def _write_soc(self, message: vreg.Message, view: View, heard: _Heard) -> None:
        raw = int.from_bytes(message.data[:2], "little")
        if raw > FULL_RAW or not self._takes_soc(view):
            heard.sent.append(
                vreg.acknowledge(self._address, message.source, vreg.SOC, vreg.ACK_INVALID)
            )
            return
        heard.soc_pct = raw / 100
        self._last[vreg.SOC] = vreg.u16(raw)
        heard.sent.append(vreg.broadcast(self._address, vreg.SOC, vreg.u16(raw)))

    def _speak(self, now_us: int, view: View, sent: list[Frame]) -> None:
        if self._claimed_us is None:
            self._claimed_us = now_us
            sent.append(nmea2000.address_claim(self._name, self._address))
        elif self._moved:
            self._claimed_us = now_us
        self._moved = False
        if now_us - self._claimed_us < CLAIM_TIME_US or self._address == NO_ADDRESS:
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
        if now_us >= self._nmea_due_us:
            self._nmea_due_us = now_us + NMEA_PERIOD_US
            self._nmea(view, sent)

    @staticmethod
    def _is_in_a_group(view: View) -> bool:
        """Only who carries current has a state of charge to share."""
        return view.contactor.closed and view.settings.values["sync_group"] != 0

    def _changes(self, registers: list[int], view: View, sent: list[Frame]) -> None:
        last = self._last
        for register in registers:
            data = self.registers[register].data(view)
            if last.get(register) != data:
                last[register] = data
                if self.registers[register].only_available and not _is_available(data):
                    continue
                sent.append(vreg.broadcast(self._address, register, data))

    def _nmea(self, view: View, sent: list[Frame]) -> None:
        self._sequence = (self._sequence + 1) % 253
        inputs, protection, temperatures = view.inputs, view.protection, view.temperatures
        address, sequence = self._address, self._sequence
        pack = inputs.system_voltage_v, inputs.current_a, temperatures.highest_c
        lowest = protection.lowest_cell_v, None, temperatures.lowest_c
        highest = protection.highest_cell_v, None, temperatures.highest_c
        for instance, readings in enumerate((pack, lowest, highest)):
            if readings[0] == readings[0]:
                sent.append(nmea2000.battery_status(address, instance, readings, sequence))
        soc = view.soc
        values = (soc.soc_pct, view.time_to_go.minutes, soc.remaining_ah)
        sent.extend(nmea2000.detailed_status(address, 0, values, sequence))
