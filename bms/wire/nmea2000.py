"""NMEA 2000 as the master sends it: address claim, DC detailed status, battery status.

Public: communication guide of the Master LV, rev 8, and the field layouts that decoders publish.
"""

import struct
from dataclasses import dataclass

from bms.io import CanFrame, Frame

ADDRESS_CLAIM = 60928
ISO_REQUEST = 59904
DC_DETAILED_STATUS = 127506
BATTERY_STATUS = 127508
BROADCAST = 0xFF
NO_ADDRESS = 254
NAME_LENGTH = 8

_BATTERY = struct.Struct("<BHhHB")
_DETAILED = struct.Struct("<BBBBBHHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The 64 bit NAME by which a device claims its address; the lower one wins."""

    unique: int
    manufacturer: int
    function: int = 170  # battery
    device_class: int = 35  # electrical generation
    industry: int = 4  # marine
    device_instance: int = 0

    def pack(self) -> bytes:
        """Eight bytes, little endian."""
        value = (
            self.unique & 0x1FFFFF
            | self.manufacturer << 21
            | self.device_instance << 32
            | self.function << 40
            | self.device_class << 49
            | self.industry << 60
            | 1 << 63  # it can move to another address by itself
        )
        return value.to_bytes(8, "little")


def identifier(pgn: int, source: int, destination: int = BROADCAST, priority: int = 6) -> int:
    """The 29 bit identifier of a PGN; PGNs below 0xF0 in the format byte are addressed."""
    if pgn >> 8 & 0xFF < 0xF0:
        pgn |= destination
    return priority << 26 | pgn << 8 | source


def pgn_of(frame: CanFrame) -> int:
    """The PGN that a 29 bit identifier names."""
    pgn = frame.identifier >> 8 & 0x3FFFF
    return pgn if pgn >> 8 & 0xFF >= 0xF0 else pgn & 0x3FF00


def destination_of(frame: CanFrame) -> int:
    """Whom a frame of an addressed PGN is for; 255 is everybody."""
    return frame.identifier >> 8 & 0xFF


def source_of(frame: CanFrame) -> int:
    """The sender's address."""
    return frame.identifier & 0xFF


def address_claim(name: Name, source: int) -> Frame:
    """The claim of an address, to everybody."""
    return Frame(identifier(ADDRESS_CLAIM, source), name.pack())


def battery_status(
    source: int, instance: int, readings: tuple[float, float | None, float], sequence: int
) -> Frame:
    """PGN 127508: voltage (V), current (A, None: not available), temperature (degC)."""
    voltage_v, current_a, temperature_c = readings
    data = _BATTERY.pack(
        instance,
        min(max(round(voltage_v * 100), 0), 0xFFFD),
        0x7FFF if current_a is None else min(max(round(current_a * 10), -0x8000), 0x7FFD),
        0xFFFF
        if temperature_c != temperature_c
        else min(max(round((temperature_c + 273.15) * 100), 0), 0xFFFD),
        sequence,
    )
    return Frame(identifier(BATTERY_STATUS, source), data)


def detailed_status(
    source: int,
    instance: int,
    values: tuple[float | None, int | None, float | None],
    sequence: int,
) -> tuple[Frame, ...]:
    """PGN 127506: SOC (%), time remaining (min), remaining Ah; 11 bytes as a fast packet."""
    soc_pct, minutes, remaining_ah = values
    data = _DETAILED.pack(
        sequence,
        instance,
        0,  # DC type: battery
        0xFF if soc_pct is None else int(soc_pct),
        0xFF,  # SOH: not available
        0xFFFF if minutes is None else minutes,
        0xFFFF,  # ripple: not available
        0xFFFF if remaining_ah is None else min(round(remaining_ah), 0xFFFD),
    )
    return fast_packet(identifier(DC_DETAILED_STATUS, source), data, sequence)


def fast_packet(frame_identifier: int, data: bytes, sequence: int) -> tuple[Frame, ...]:
    """The frames of a message of up to 223 bytes; ``sequence`` is taken modulo 8."""
    head = (sequence & 7) << 5
    frames = [Frame(frame_identifier, bytes((head, len(data))) + data[:6].ljust(6, b"\xff"))]
    for index, start in enumerate(range(6, len(data), 7), 1):
        part = data[start : start + 7].ljust(7, b"\xff")
        frames.append(Frame(frame_identifier, bytes((head | index,)) + part))
    return tuple(frames)
