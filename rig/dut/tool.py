"""The diagnostic tool's side of a session: settings, events, identification, batteries.

Written apart from the device's side: the identifiers stand here once more, so that a device that
answers something else is noticed. The protocol is the project's own; the maker's is not public.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

READ, WRITE, READ_EVENTS = 0x22, 0x2E, 0x19
BOOT_LOADER_TEXT = 0xF180
ROUTINE, UPDATE_BATTERIES = 0x31, 0xB001
FIRMWARE_TEXT, SERIAL_TEXT, TOOL_RELEASE = 0xF189, 0xF18C, 0xF19A
WARNING_BITS = 0xF1A0
TRACKED_VALUES, SUMMARIES = 0x0700, 0x0800
LOCK_COUNT, UNLOCK = 0xF1B0, 0xF1B1
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
    "identity": 50,
    "data_instance": 51,
    "device_instance": 52,
    "system_instance": 53,
    "bluetooth": 60,
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
    "device_instance": 1,
    "system_instance": 1,
    "charge_current_max_a": 0.1,
    "discharge_current_max_a": 0.1,
}
# The warnings that the tool shows: bit by bit.
WARNINGS: tuple[str, ...] = (
    "cell voltage deviation",
    "cell temperature deviation",
    "service requested",
    "system voltage outside its window",
    "invalid measurements",
    "high internal temperature",
    "battery current too high",
    "active balancing",
    "humidity",
    "leakage detected",
)
# What is tracked, by its number; all in thousandths of the unit of the name.
TRACKED: Mapping[int, str] = {
    1: "deepest_discharge_ah",
    2: "charge_drawn_ah",
    3: "voltage_v_min",
    4: "voltage_v_max",
    5: "discharged_kwh",
    6: "charged_kwh",
    7: "temperature_c_max",
    8: "temperature_c_min",
    9: "cell_voltage_v_min",
    10: "cell_voltage_v_max",
    11: "current_a_max",
    12: "current_a_min",
    13: "error_shutdowns",
}
SUMMARY: Mapping[int, str] = {
    1: "temperature_c_mean",
    2: "discharged_kwh",
    3: "charged_kwh",
    4: "charge_current_a_max",
    5: "discharge_current_a_max",
    6: "system_voltage_v_max",
    7: "system_voltage_v_min",
}
# Before these are changed the tool says its release.
GUARDED = frozenset({"charge_current_max_a", "discharge_current_max_a"})
INVALID = 0x7FFF
LIMITS, IDENTITY = 0x0900, 0x0A00
IDENTITY_LENGTH = 14


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFacts:
    """What is told about a setting; numbers are in its unit, or codes where it has none."""

    lowest: float
    highest: float
    default: float
    unit: str
    explanation: str


def makers_unlock_code(serial: str, count: int) -> int:
    """What the maker would give for a device's count-th safety lock (the project's own rule)."""
    return zlib.crc32(b"%s/%d" % (serial.encode("ascii", "replace"), count))


class DiagnosticTool:
    """One session with one device, by a tool of one release."""

    def __init__(self, device: CanBeAsked, release: str = "2.38") -> None:
        self._device, self.release = device, release

    def of_release(self, release: str) -> "DiagnosticTool":
        """The same session, by the tool of another release."""
        return DiagnosticTool(self._device, release)

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that it knows; a release need not have each."""
        return tuple(SETTINGS)

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

    async def update_batteries(self) -> None:
        """Have the master give its batteries their firmware, while the system is off.

        Raises ToolRefused if it does not begin.
        """
        await self._ask(bytes([ROUTINE, 1]) + UPDATE_BATTERIES.to_bytes(2, "big"))

    async def boot_loader(self) -> str:
        """The version of its boot loader. Raises ToolRefused if the device does not tell it."""
        return (await self._read(BOOT_LOADER_TEXT)).decode("ascii", "replace")

    async def serial(self) -> str:
        """The device's serial number."""
        return (await self._read(SERIAL_TEXT)).decode("ascii", "replace")

    @property
    def settings(self) -> Sequence[str]:
        """The names of all settings that the tool knows."""
        return tuple(SETTINGS)

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

    async def about(self, name: str) -> "SettingFacts":
        """What the tool shows beside a setting: its limits, its default, its explanation."""
        limits = (await self._read(LIMITS + SETTINGS[name])).decode("utf-8", "replace")
        lowest, highest, default, step, unit = limits.split(";")
        return SettingFacts(
            lowest=float(lowest) * float(step),
            highest=float(highest) * float(step),
            default=float(default) * float(step),
            unit=unit,
            explanation=await self.explanation(name),
        )

    async def identify_battery(self, node: int, name: str) -> None:
        """Give a battery a name of up to 14 characters, which it keeps."""
        data = name.encode("ascii").ljust(IDENTITY_LENGTH, b"\0")
        await self._ask(struct.pack(">BH", WRITE, IDENTITY + node) + data)

    async def battery_identity(self, node: int) -> str:
        """The name that a battery was given."""
        return (await self._read(IDENTITY + node)).rstrip(b"\0").decode("ascii", "replace")

    async def events(self) -> tuple[LoggedEvent, ...]:
        """The device's event log, oldest first."""
        data = await self._ask(bytes((READ_EVENTS,)))
        whole = data[: len(data) // 9 * 9]
        return tuple(LoggedEvent(n, t / 1e6) for n, t in struct.iter_unpack(">BQ", whole))

    async def unlock(self, code: int | None = None) -> None:
        """Enter an unlock code of the safety lock; None: the one that the maker gives for it.

        Raises ToolRefused if the device does not take it.
        """
        if code is None:
            count = int.from_bytes(await self._read(LOCK_COUNT), "big")
            code = makers_unlock_code(await self.serial(), count)
        await self._ask(struct.pack(">BHI", WRITE, UNLOCK, code))

    async def warnings(self) -> frozenset[str]:
        """The names of the warnings that it shows now; nothing where the answer is none."""
        data = await self._read(WARNING_BITS)
        bits = int.from_bytes(data, "big") if len(data) == 4 else 0
        return frozenset(name for bit, name in enumerate(WARNINGS) if bits >> bit & 1)

    async def history(self) -> Mapping[str, float]:
        """The tracked values of all times, as far as the device has them."""
        return _named(await self._read(TRACKED_VALUES), TRACKED)

    async def today(self, days_ago: int = 0) -> Mapping[str, float]:
        """The daily summary of today, or of an earlier day. Raises ToolRefused if it has none."""
        return _named(await self._read(SUMMARIES + days_ago), SUMMARY)

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


def _named(data: bytes, names: Mapping[int, str]) -> Mapping[str, float]:
    """Values by the names that the tool has for them; what it does not know it does not show."""
    whole = data[: len(data) // 5 * 5]
    pairs = struct.iter_unpack(">Bi", whole)
    return {names[number]: raw / 1000 for number, raw in pairs if number in names}
