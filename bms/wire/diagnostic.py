"""Messages of the diagnostic tool: shaped like UDS, with identifiers of the project's own.

They travel over ISO-TP on VE.Can.
A request is a service byte and its data; the answer repeats the service plus 0x40, or is
7F, the service and a refusal code.
"""

import struct
import zlib
from collections.abc import Mapping

TOOL_ADDRESS = 0xF9  # public: SAE J1939-81, off-board diagnostic tool 1
READ, WRITE, READ_EVENTS = 0x22, 0x2E, 0x19
FIRMWARE, SERIAL, TOOL_RELEASE = 0xF189, 0xF18C, 0xF19A
SETTING_VALUE, SETTING_CHOICES, SETTING_EXPLANATION = 0x0100, 0x0200, 0x0300
LOCK_COUNT, UNLOCK = 0xF1B0, 0xF1B1  # of the safety lock
TRACKED, SUMMARIES = 0x0700, 0x0800  # of all times; of today, and of so many days ago
SETTING_LIMITS, BATTERY_IDENTITY = 0x0900, 0x0A00
IDENTITY_LENGTH = 14  # characters of a user's name for a battery
WARNINGS = 0xF1A0  # one bit each: bms/rooms/warning_word.py
BATTERY_TEMPERATURES, BATTERY_CELLS, BATTERY_TERMINALS = 0x0400, 0x0500, 0x0600

SESSION, RESET, DOWNLOAD, TRANSFER, TRANSFER_EXIT = 0x10, 0x11, 0x34, 0x36, 0x37
BOOT_LOADER = 0xF180  # its version
UPDATE_BATTERIES = b"\x31\x01\xb0\x01"  # the routine that begins it
PROGRAMMING = b"\x10\x02"  # the session in the boot loader
PENDING, CONDITIONS = 0x78, 0x22

NOT_SUPPORTED, BAD_LENGTH, OUT_OF_RANGE, ACCESS_DENIED = 0x11, 0x13, 0x31, 0x33
INVALID_KEY = 0x35


def answer(service: int, data: bytes) -> bytes:
    """A positive answer."""
    return bytes((service + 0x40,)) + data


def tracked(values: Mapping[int, float]) -> bytes:
    """Tracked values: the number of each, and its value in thousandths."""
    return b"".join(struct.pack(">Bi", number, _raw(value)) for number, value in values.items())


def _raw(value: float) -> int:
    return min(max(round(value * 1000), -0x8000_0000), 0x7FFF_FFFF)


def refusal(service: int, code: int) -> bytes:
    """A negative answer."""
    return bytes((0x7F, service, code))


def unlock_code(serial: str, count: int) -> int:
    """The maker's code that opens the count-th safety lock of this device, and no other."""
    return zlib.crc32(f"{serial}/{count}".encode())
