"""NMEA 2000 as the master sends it: address claim, battery, who it is, that it is there.

Public: communication guide of the Master LV, rev 8, and the field layouts that decoders publish.
"""

import struct
from dataclasses import dataclass

from bms.io import CanFrame, Frame
from bms.wire import group_function

ADDRESS_CLAIM = 60928
ISO_REQUEST = 59904
ISO_ACKNOWLEDGE = 59392
COMMANDED_ADDRESS = 65240
PGN_LIST = 126464
HEARTBEAT = 126993
PRODUCT_INFORMATION = 126996
CONFIGURATION_INFORMATION = 126998
DC_DETAILED_STATUS = 127506
BATTERY_STATUS = 127508
BATTERY_CONFIGURATION = 127513
BROADCAST = 0xFF
NAME_LENGTH = 8
NMEA_2000_VERSION = 2100  # in 0.001
LOAD_EQUIVALENCY = 2  # of 50 mA each: what its transceiver takes from the bus, chosen
LITHIUM = 1
NOMINAL_VOLTAGES = {12: 1, 24: 2, 48: 6}  # V, and their codes

_BATTERY = struct.Struct("<BHhHB")
_DETAILED = struct.Struct("<BBBBBHHH")
_PRODUCT = struct.Struct("<HH32s32s32s32sBB")
_HEARTBEAT = struct.Struct("<HBB4s")
_BATTERY_CONFIGURATION = struct.Struct("<BBBHBBB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The 64 bit NAME by which a device claims its address; the lower one wins."""

    unique: int
    manufacturer: int
    function: int = 170  # battery
    device_class: int = 35  # electrical generation
    industry: int = 4  # marine
    device_instance: int = 0
    system_instance: int = 0

    def pack(self) -> bytes:
        """Eight bytes, little endian."""
        value = (
            self.unique & 0x1FFFFF
            | self.manufacturer << 21
            | self.device_instance << 32
            | self.function << 40
            | self.device_class << 49
            | self.system_instance << 56
            | self.industry << 60
            | 1 << 63  # it can move to another address by itself
        )
        return value.to_bytes(8, "little")


def unique_number(serial: str) -> int:
    """21 bits in which serial numbers of one make differ; the divisor is the last prime below."""
    return int.from_bytes(serial.encode(), "big") % 2_097_143


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


def address_claim(name: bytes, source: int) -> Frame:
    """The claim of an address, to everybody."""
    return Frame(identifier(ADDRESS_CLAIM, source), name)


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
    values: tuple[float | None, float | None, int | None, float | None],
    sequence: int,
) -> tuple[Frame, ...]:
    """PGN 127506: SOC, SOH (%), time remaining (min), remaining Ah; 11 bytes, a fast packet."""
    soc_pct, soh_pct, minutes, remaining_ah = values
    data = _DETAILED.pack(
        sequence,
        instance,
        0,  # DC type: battery
        0xFF if soc_pct is None else int(soc_pct),
        0xFF if soh_pct is None else int(soh_pct),
        0xFFFF if minutes is None else minutes,
        0xFFFF,  # ripple: not available
        0xFFFF if remaining_ah is None else min(round(remaining_ah), 0xFFFD),
    )
    return fast_packet(identifier(DC_DETAILED_STATUS, source), data, sequence)


def battery_configuration(instance: int, nominal_v: float, capacity_ah: float | None) -> bytes:
    """PGN 127513: a lithium battery that needs no equalisation; what is not known is all ones.

    The nominal voltage is the nearest of those that boats have; 0 is not known.
    """
    voltage = min(NOMINAL_VOLTAGES, key=lambda each: abs(each - nominal_v))
    return _BATTERY_CONFIGURATION.pack(
        instance,
        0xF | 0 << 4 | 0b11 << 6,  # flooded, gel or AGM: none of these
        (NOMINAL_VOLTAGES[voltage] if nominal_v else 0xF) | LITHIUM << 4,
        0xFFFF if capacity_ah is None else min(round(capacity_ah), 0xFFFD),
        0x7F,  # temperature coefficient, Peukert exponent, charge efficiency
        0xFF,
        0x7F,
    )


def heartbeat(period_us: int, counter: int) -> bytes:
    """PGN 126993: how often it comes, a counter, a controller and equipment that work."""
    return _HEARTBEAT.pack(round(period_us / 1000), counter, 0b11_00_11_00, b"\xff" * 4)


def product_information(product_code: int, texts: tuple[str, str, str, str]) -> bytes:
    """PGN 126996: 134 bytes: model, release, version of the model, serial; certified by nobody."""
    texts_raw = (text.encode("ascii", "replace")[:32].ljust(32, b"\xff") for text in texts)
    return _PRODUCT.pack(NMEA_2000_VERSION, product_code, *texts_raw, 0, LOAD_EQUIVALENCY)


def configuration_information(texts: tuple[str, str, str]) -> bytes:
    """PGN 126998: two descriptions of the installation, and what the maker tells of itself."""
    return b"".join(map(group_function.text, texts))


def pgn_list(function: int, pgns: tuple[int, ...]) -> bytes:
    """PGN 126464: what is sent (function 0), or understood (1)."""
    return bytes((function,)) + b"".join(pgn.to_bytes(3, "little") for pgn in pgns)


def iso_refusal(source: int, asker: int, pgn: int) -> Frame:
    """PGN 59392: a PGN that was asked for is not sent."""
    data = b"\x01\xff\xff\xff\xff" + pgn.to_bytes(3, "little")
    return Frame(identifier(ISO_ACKNOWLEDGE, source, asker), data)


def fast_packet(frame_identifier: int, data: bytes, sequence: int) -> tuple[Frame, ...]:
    """The frames of a message of up to 223 bytes; ``sequence`` is taken modulo 8."""
    head = (sequence & 7) << 5
    frames = [Frame(frame_identifier, bytes((head, len(data))) + data[:6].ljust(6, b"\xff"))]
    for index, start in enumerate(range(6, len(data), 7), 1):
        part = data[start : start + 7].ljust(7, b"\xff")
        frames.append(Frame(frame_identifier, bytes((head | index,)) + part))
    return tuple(frames)
