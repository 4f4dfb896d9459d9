"""The session with the diagnostic tool: identification, settings, events, batteries."""

import struct

from bms.data import settings
from bms.firmware import Firmware, Room
from bms.status import DiagnosticsStatus, View
from bms.wire import diagnostic as wire


class Refused(Exception):
    """A request that is answered by a refusal code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refusal code {code:#04x}")
        self.code = code


class Diagnostics(Room):
    """Answers one message per request; a setting is checked here and taken by its room."""

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._by_number = {setting.number: setting for setting in settings().values()}
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
        if len(request) != (3 if service == wire.READ else 4):
            raise Refused(wire.BAD_LENGTH)
        (identifier,) = struct.unpack(">H", request[1:3])
        if service == wire.READ:
            return request[1:3] + self._read(identifier, view), None
        return request[1:3], self._write(identifier, request[3], view)

    def _read(self, identifier: int, view: View) -> bytes:
        if identifier == wire.FIRMWARE:
            return str(self.firmware.version).encode()
        if identifier == wire.SERIAL:
            return view.serial.encode()
        group, number = identifier & 0xFF00, identifier & 0xFF
        if group in {wire.BATTERY_TEMPERATURES, wire.BATTERY_CELLS}:
            return self._battery(group, number, view)
        setting = self._by_number.get(number)
        if setting is None:
            raise Refused(wire.OUT_OF_RANGE)
        match group:
            case wire.SETTING_VALUE:
                return bytes((view.settings.values[setting.name],))
            case wire.SETTING_CHOICES:
                choices = view.settings.choices[setting.name]
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
                if group == wire.BATTERY_TEMPERATURES:
                    values, scale, layout, invalid = battery.cell_temperatures_c, 10, "h", 0x7FFF
                else:
                    values, scale, layout, invalid = battery.cell_voltages_v, 10_000, "H", 0xFFFF
                raw = [round(v * scale) if v == v else invalid for v in values]
                return struct.pack(f">{len(raw)}{layout}", *raw)
        raise Refused(wire.OUT_OF_RANGE)

    def _write(self, identifier: int, code: int, view: View) -> tuple[str, int]:
        setting = self._by_number.get(identifier & 0xFF)
        if identifier & 0xFF00 != wire.SETTING_VALUE or setting is None:
            raise Refused(wire.OUT_OF_RANGE)
        if code not in view.settings.choices[setting.name]:
            raise Refused(wire.OUT_OF_RANGE)
        return setting.name, code
