"""The diagnostic tool's side of a session: settings, events, identification, batteries.

Written apart from the device's side: the identifiers stand here once more, so that a device that
answers something else is noticed. The protocol is the project's own; the maker's is not public.
"""

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

READ, WRITE, READ_EVENTS = 0x22, 0x2E, 0x19
FIRMWARE_TEXT, SERIAL_TEXT, TOOL_RELEASE = 0xF189, 0xF18C, 0xF19A
VALUE, CHOICES, EXPLANATION, TEMPERATURES = 0x0100, 0x0200, 0x0300, 0x0400
TERMINALS = 0x0600
SETTINGS: Mapping[str, int] = {
    "battery_strategy": 1,
    "external_protocol": 2,
    "relay_function": 3,
    "batteries_parallel": 4,
    "batteries_series": 5,
    "interlock": 20,
    "invert_charge_relay": 21,
    "invert_charge_signal": 22,
    "invert_discharge_relay": 23,
    "invert_discharge_signal": 24,
    "relay_current_on_a": 25,
    "relay_current_off_a": 26,
    "relay_temperature_on_c": 27,
    "relay_temperature_off_c": 28,
    "relay_cell_voltage_on_v": 29,
    "relay_cell_voltage_off_v": 30,
    "relay_soc_on_pct": 31,
    "relay_soc_off_pct": 32,
    "start_on_charger": 10,
    "sync_group": 40,
    "combined": 43,
    "charge_current_max_a": 41,
    "discharge_current_max_a": 42,
}
# Settings that are numbers: what one step of their code is worth, in the unit of their name.
STEPS: Mapping[str, float] = {
    "relay_current_on_a": 0.1,
    "relay_current_off_a": 0.1,
    "relay_temperature_on_c": 0.1,
    "relay_temperature_off_c": 0.1,
    "relay_cell_voltage_on_v": 0.001,
    "relay_cell_voltage_off_v": 0.001,
    "relay_soc_on_pct": 0.1,
    "relay_soc_off_pct": 0.1,
    "charge_current_max_a": 0.1,
    "discharge_current_max_a": 0.1,
}
# Before these are changed the tool says its release.
GUARDED = frozenset({"charge_current_max_a", "discharge_current_max_a"})
INVALID = 0x7FFF


class CanBeAsked(Protocol):
    """What carries the tool's messages to a device and back."""

    async def ask(self, request: bytes) -> bytes:
        """One exchange. Raises TimeoutError if no answer comes."""
        ...


class ToolRefused(RuntimeError):
    """The device refused a request of the tool."""

    def __init__(self, request: bytes, code: int) -> None:
        super().__init__(f"the device refuses {request.hex(' ')} with code {code:#04x}")
        self.code = code


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of the device's event log; ``time_s`` is the device's own."""

    number: int
    time_s: float


class DiagnosticTool:
    """One session with one device, by a tool of one release."""

    def __init__(self, device: CanBeAsked, release: str = "2.38") -> None:
        self._device, self.release = device, release

    def of_release(self, release: str) -> "DiagnosticTool":
        """The same session, by the tool of another release."""
        return DiagnosticTool(self._device, release)

    async def _ask(self, request: bytes) -> bytes:
        answer = await self._device.ask(request)
        if answer[:1] == b"\x7f":
            raise ToolRefused(request, answer[2])
        if not answer or answer[0] != request[0] + 0x40:
            raise ToolRefused(request, 0)
        return answer[1:]

    async def _read(self, identifier: int) -> bytes:
        return (await self._ask(struct.pack(">BH", READ, identifier)))[2:]

    async def firmware(self) -> str:
        """The release that the device says it runs."""
        return (await self._read(FIRMWARE_TEXT)).decode("ascii", "replace")

    async def serial(self) -> str:
        """The device's serial number."""
        return (await self._read(SERIAL_TEXT)).decode("ascii", "replace")

    async def setting(self, name: str) -> int:
        """The raw code of a setting."""
        return int.from_bytes(await self._read(VALUE + SETTINGS[name]), "big", signed=name in STEPS)

    async def choices(self, name: str) -> Mapping[int, str]:
        """What a setting can be: raw code to the name that the tool shows."""
        text = (await self._read(CHOICES + SETTINGS[name])).decode("utf-8", "replace")
        pairs = (entry.partition("=") for entry in text.split(";"))
        return {int(code): label for code, _, label in pairs if code.isdecimal()}

    async def explanation(self, name: str) -> str:
        """What the tool tells about a setting."""
        return (await self._read(EXPLANATION + SETTINGS[name])).decode("utf-8", "replace")

    async def set(self, name: str, choice: float | str) -> None:
        """Set a setting: by raw code or by the name of the choice, or to a number in its unit.

        Raises ToolRefused if the device does not take it, KeyError for a name it does not have.
        """
        if name in GUARDED:
            # What a device does not understand of it, it refuses; the setting itself shows then.
            with suppress(ToolRefused):
                release = int(self.release.replace(".", ""))
                await self._ask(struct.pack(">BHH", WRITE, TOOL_RELEASE, release))
        if name in STEPS:
            code = round(float(choice) / STEPS[name])
            await self._ask(struct.pack(">BHh", WRITE, VALUE + SETTINGS[name], code))
            return
        if isinstance(choice, str):
            labels = await self.choices(name)
            choice = {label: number for number, label in labels.items()}[choice]
        await self._ask(struct.pack(">BHB", WRITE, VALUE + SETTINGS[name], int(choice)))

    async def events(self) -> tuple[LoggedEvent, ...]:
        """The device's event log, oldest first."""
        data = await self._ask(bytes((READ_EVENTS,)))
        whole = data[: len(data) // 9 * 9]
        return tuple(LoggedEvent(n, t / 1e6) for n, t in struct.iter_unpack(">BQ", whole))

    async def battery_temperatures_c(self, node: int) -> tuple[float | None, ...]:
        """What all cell-temperature sensors of a battery read, monitored or not."""
        return await self._temperatures_c(TEMPERATURES + node)

    async def terminal_temperatures_c(self, node: int) -> tuple[float | None, ...]:
        """What the sensors of a battery's positive and negative terminal read; None: no sensor."""
        return await self._temperatures_c(TERMINALS + node)

    async def _temperatures_c(self, identifier: int) -> tuple[float | None, ...]:
        data = await self._read(identifier)
        raw = struct.unpack(f">{len(data) // 2}h", data[: len(data) // 2 * 2])
        return tuple(None if value == INVALID else value / 10 for value in raw)
