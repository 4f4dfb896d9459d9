"""The session with the diagnostic tool: identification, settings, events, batteries."""

import struct

from bms.data import settings
from bms.firmware import Firmware, Room, Slot
from bms.status import DiagnosticsStatus, View
from bms.wire import diagnostic as wire


class Refused(Exception):
    """A request that is answered by a refusal code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refusal code {code:#04x}")
        self.code = code


class Diagnostics(Room):
    """Answers one message per request; a setting is checked here and taken by its room."""

    tells_of_batteries = Slot(
        frozenset({wire.BATTERY_TEMPERATURES, wire.BATTERY_CELLS, wire.BATTERY_TERMINALS})
    )

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._by_number = {setting.number: setting for setting in settings().values()}
        self._tool = 0  # the release of the tool, which it tells for the request that follows
        self._idle = DiagnosticsStatus()

    def step(self, now_us: int, view: View) -> DiagnosticsStatus:
        """Answer what came in."""
        if not view.inputs.tool:
            return self._idle
        answers = []
        changes: list[tuple[str, int]] = []
        for request in view.inputs.tool:
            service = request[0] if request else 0
            try:
                data, wish = self._serve(request, view)
                changes += [] if wish is None else [wish]
                answers.append(wire.answer(service, data))
            except Refused as refused:
                answers.append(wire.refusal(service, refused.code))
        return DiagnosticsStatus(answers=tuple(answers), settings=tuple(changes))

    def _serve(self, request: bytes, view: View) -> tuple[bytes, tuple[str, int] | None]:
        service = request[0] if request else 0
        if service == wire.READ_EVENTS and len(request) == 1:
            log = view.events.log
            return b"".join(struct.pack(">BQ", *entry) for entry in log), None
        if service not in {wire.READ, wire.WRITE}:
            raise Refused(wire.NOT_SUPPORTED)
        if len(request) not in ({3} if service == wire.READ else {4, 5}):
            raise Refused(wire.BAD_LENGTH)
        (identifier,) = struct.unpack(">H", request[1:3])
        if service == wire.READ:
            return request[1:3] + self._read(identifier, view), None
        return request[1:3], self._write(identifier, request[3:], view)

    def _read(self, identifier: int, view: View) -> bytes:
        if identifier == wire.FIRMWARE:
            return str(self.firmware.version).encode()
        if identifier == wire.SERIAL:
            return view.serial.encode()
        group, number = identifier & 0xFF00, identifier & 0xFF
        if group in self.tells_of_batteries:
            return self._battery(group, number, view)
        setting = self._by_number.get(number)
        if setting is None or setting.name not in view.settings.values:
            raise Refused(wire.OUT_OF_RANGE)
        match group:
            case wire.SETTING_VALUE:
                size, code = setting.size, view.settings.values[setting.name]
                return code.to_bytes(size, "big", signed=size > 1)
            case wire.SETTING_CHOICES:
                choices = view.settings.choices.get(setting.name, {})
                return ";".join(f"{code}={name}" for code, name in choices.items()).encode()
            case wire.SETTING_EXPLANATION:
                return setting.explanation.encode()
            case _:
                raise Refused(wire.OUT_OF_RANGE)

    @staticmethod
    def _battery(group: int, node: int, view: View) -> bytes:
        """Everything a battery tells, monitored or not: in 0.1 degC or 0.1 mV.

        Invalid is 0x7FFF for a temperature and 0xFFFF for a voltage.
        """
        for battery in view.battery_bus.batteries:
            if battery.node == node:
                values: tuple[float | None, ...]
                scale, layout, invalid = 10, "h", 0x7FFF
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
