"""The session with the diagnostic tool: identification, settings, events, batteries.

It is on VE.Can, over ISO-TP, in standby as well; who has no address there is not answered.
"""

import struct

from bms.codes import State
from bms.data import settings
from bms.firmware import Firmware, Room, Slot
from bms.port_status import DiagnosticsStatus
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import View
from bms.wire import diagnostic as wire
from bms.wire import isotp


class Refused(Exception):
    """A request that is answered by a refusal code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refusal code {code:#04x}")
        self.code = code


# Neither a start nor a shutdown is pending in these.
SETTLED = frozenset({State.STANDBY, State.RUNNING, State.ERROR, State.UPDATING_BATTERY})
WRITES = {4, 5, 7, 3 + wire.IDENTITY_LENGTH}  # lengths of what writes something
BATTERY_DATA = frozenset({wire.BATTERY_TEMPERATURES, wire.BATTERY_CELLS, wire.BATTERY_TERMINALS})
DATA = BATTERY_DATA | {wire.TRACKED, wire.SUMMARIES}


class Diagnostics(Room):
    """Answers one message per request; a setting is checked here and taken by its room."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    tells_of_its_boot_loader = Slot(True)
    tells_of_batteries = Slot(BATTERY_DATA)

    identifies_batteries = Slot(True)
    serves_data_in = Slot[frozenset[State]](SETTLED)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._identity: tuple[int, bytes] | None = None
        self._answers_data = False  # the answer that is on its way, or was last
        self._by_number = {setting.number: setting for setting in settings().values()}
        self._tool = 0  # the release of the tool, which it tells for the request that follows
        self._idle = DiagnosticsStatus()
        self._reception = self.reception()
        self._link = isotp.Endpoint()
        self._unlocks = False

    @property
    def due_us(self) -> int:
        """When the rest of an answer is due."""
        return self._link.due_us

    def step(self, now_us: int, view: View) -> DiagnosticsStatus:
        """Take in the tool's frames, and answer the request that they complete."""
        heard = [
            one
            for one in view.on_ve_can
            if isotp.is_between(one.frame, view.nmea2000.address, wire.TOOL_ADDRESS)
        ]
        if view.control:
            self._unlocks = False  # its room took it before us
        if self._answers_data and view.start_stop.state not in self.serves_data_in:
            self._answers_data = False
            self._link.cancel()
        if not heard and now_us < self._link.due_us and not self._unlocks:
            return self._idle
        self._identity = None
        changes: list[tuple[str, int]] = []
        wants_update_us, updates_batteries = None, False
        for time_us, _, frame in heard:
            request = None
            if self._reception.keeps(time_us):
                request = self._link.hear(time_us, frame.data)
            updates_batteries |= request == wire.UPDATE_BATTERIES and self._is_off(view)
            if request == wire.PROGRAMMING and not view.update.locked:
                wants_update_us = time_us
            if request is not None:
                self._link.send(now_us, self._answer(request, view, changes))
        contents = self._link.frames(now_us)
        sent = isotp.frames_to(wire.TOOL_ADDRESS, view.nmea2000.address, contents)
        return DiagnosticsStatus(
            sent=sent,
            settings=tuple(changes),
            unlocks=self._unlocks,
            identity=self._identity,
            wants_update_us=wants_update_us,
            updates_batteries=updates_batteries,
        )

    def _answer(self, request: bytes, view: View, changes: list[tuple[str, int]]) -> bytes:
        service = request[0]
        self._answers_data = _asks_for_data(request)
        try:
            if self._answers_data and view.start_stop.state not in self.serves_data_in:
                raise Refused(wire.CONDITIONS)
            data, wish = self._serve(request, view)
            changes += [] if wish is None else [wish]
            return wire.answer(service, data)
        except Refused as refused:
            return wire.refusal(service, refused.code)

    def _serve(self, request: bytes, view: View) -> tuple[bytes, tuple[str, int] | None]:
        service = request[0]
        if service == wire.READ_EVENTS and len(request) == 1:
            log = view.events.log
            return b"".join(struct.pack(">BQ", *entry) for entry in log), None
        if request == wire.PROGRAMMING:
            if view.update.locked:
                raise Refused(wire.CONDITIONS)
            return request[1:], None
        if request == wire.UPDATE_BATTERIES:
            if not self._is_off(view):
                raise Refused(wire.CONDITIONS)
            return request[1:], None
        if service not in {wire.READ, wire.WRITE}:
            raise Refused(wire.NOT_SUPPORTED)
        if len(request) not in ({3} if service == wire.READ else WRITES):
            raise Refused(wire.BAD_LENGTH)
        (identifier,) = struct.unpack(">H", request[1:3])
        if service == wire.READ:
            return request[1:3] + self._read(identifier, view), None
        return request[1:3], self._write(identifier, request[3:], view)

    def _read(self, identifier: int, view: View) -> bytes:
        if identifier == wire.FIRMWARE:
            return str(self.firmware.version).encode()
        if identifier == wire.BOOT_LOADER and self.tells_of_its_boot_loader:
            return view.boot_loader.encode()
        if identifier == wire.SERIAL:
            return view.serial.encode()
        if identifier == wire.LOCK_COUNT:
            return view.safety_lock.count.to_bytes(2, "big")
        if identifier == wire.WARNINGS:
            return view.warning_word.flags.to_bytes(4, "big")
        group, number = identifier & 0xFF00, identifier & 0xFF
        if identifier == wire.TRACKED:
            return wire.tracked(view.tracking.ever)
        if group == wire.SUMMARIES and number < len(view.tracking.days):
            return wire.tracked(view.tracking.days[number])
        if group in self.tells_of_batteries:
            return self._battery(group, number, view)
        if group == wire.BATTERY_IDENTITY and self.identifies_batteries:
            return self._battery(group, number, view)
        setting = self._by_number.get(number)
        if setting is None or setting.name not in view.settings.values:
            raise Refused(wire.OUT_OF_RANGE)
        match group:
            case wire.SETTING_LIMITS:
                lowest, highest, default = view.settings.limits(setting.name)
                values = f"{lowest};{highest};{default};{setting.step:g};{setting.unit}"
                return values.encode()
            case wire.SETTING_VALUE:
                size, code = setting.size, view.settings.stored[setting.name]
                return code.to_bytes(size, "big", signed=size > 1)
            case wire.SETTING_CHOICES:
                choices = view.settings.choices.get(setting.name, {})
                return ";".join(f"{code}={name}" for code, name in choices.items()).encode()
            case wire.SETTING_EXPLANATION:
                return setting.explanation.encode()
            case _:
                raise Refused(wire.OUT_OF_RANGE)

    @staticmethod
    def _is_off(view: View) -> bool:
        return view.start_stop.state is State.STANDBY

    @staticmethod
    def _battery(group: int, node: int, view: View) -> bytes:
        """Everything a battery tells, monitored or not: in 0.1 degC or 0.1 mV.

        Invalid is 0x7FFF for a temperature and 0xFFFF for a voltage.
        """
        for battery in view.battery_bus.batteries:
            if battery.node == node:
                values: tuple[float | None, ...]
                scale, layout, invalid = 10, "h", 0x7FFF
                if group == wire.BATTERY_IDENTITY:
                    return battery.identity
                if group == wire.BATTERY_TEMPERATURES:
                    values = battery.cell_temperatures_c
                elif group == wire.BATTERY_TERMINALS:
                    values = battery.terminals_c
                else:
                    values, scale, layout, invalid = battery.cell_voltages_v, 10_000, "H", 0xFFFF
                raw = [invalid if v is None or v != v else round(v * scale) for v in values]
                return struct.pack(f">{len(raw)}{layout}", *raw)
        raise Refused(wire.OUT_OF_RANGE)

    def _write(self, identifier: int, data: bytes, view: View) -> tuple[str, int] | None:
        tool, self._tool = self._tool, 0
        if identifier == wire.TOOL_RELEASE:
            self._tool = int.from_bytes(data, "big")
            return None
        if identifier == wire.UNLOCK:
            self._unlock(data, view)
            return None
        if identifier & 0xFF00 == wire.BATTERY_IDENTITY and self.identifies_batteries:
            self._identify(identifier & 0xFF, data, view)
            return None
        setting = self._by_number.get(identifier & 0xFF)
        if identifier & 0xFF00 != wire.SETTING_VALUE or setting is None:
            raise Refused(wire.OUT_OF_RANGE)
        if len(data) != setting.size:
            raise Refused(wire.BAD_LENGTH)
        code = int.from_bytes(data, "big", signed=setting.size > 1)
        if not view.settings.takes(setting.name, code):
            raise Refused(wire.OUT_OF_RANGE)
        if tool < setting.tool:
            raise Refused(wire.ACCESS_DENIED)
        return setting.name, code

    def _unlock(self, data: bytes, view: View) -> None:
        """Pass the maker's code on to the safety lock, if it is that of this device and lock."""
        lock = view.safety_lock
        code = wire.unlock_code(view.serial, lock.count)
        if not lock.locked or data != code.to_bytes(4, "big"):
            raise Refused(wire.INVALID_KEY)
        self._unlocks = True

    def _identify(self, node: int, data: bytes, view: View) -> None:
        """Pass the user's name for a battery on to that battery, which keeps it."""
        if len(data) != wire.IDENTITY_LENGTH:
            raise Refused(wire.BAD_LENGTH)
        if all(battery.node != node for battery in view.battery_bus.batteries):
            raise Refused(wire.OUT_OF_RANGE)
        self._identity = node, data


def _asks_for_data(request: bytes) -> bool:
    """Whether it asks for what was measured or logged, rather than for what the device is."""
    identifier = int.from_bytes(request[1:3], "big")
    reads = request[0] == wire.READ and (identifier & 0xFF00) in DATA
    return reads or request[0] == wire.READ_EVENTS
