"""Victron registers (VREG) over VE.Can: PGN 61184, manufacturer 358, little endian.

Public: communication guide of the Master LV, rev 8. An answer is always broadcast; a refusal goes
to the asker alone. Unused bytes are 0xFF.
"""

import struct
from dataclasses import dataclass

from bms.io import CanFrame, Frame
from bms.wire.nmea2000 import fast_packet

PROPRIETARY_SINGLE = 0xEF  # PDU format of PGN 61184
LENGTH = 8  # of every frame
HEAD_LENGTH, DATA_LENGTH = 4, 4
BROADCAST = 0xFF
HEADER = b"\x66\x99"  # Victron Energy, marine
MG = b"\x88\x9c"  # MG Energy Systems, marine
REQUEST, ACKNOWLEDGE = 0x0001, 0x0002
UPDATE_ENABLE, UPDATE_END, UPDATE_DATA, UPDATE_BEGIN = 0x0010, 0x0011, 0x0012, 0x0013
UPDATE_START = b"VU"  # chosen: begins the frame, no VREG, that carries a device's unique id

ACK_OK = 0x0000
ACK_UNKNOWN_REQUEST = 0x8000
ACK_UNKNOWN_COMMAND = 0x8100
ACK_INVALID = 0x8300
ACK_CANNOT_UPDATE = 0xCC00

BLUETOOTH = 0x0090
CUSTOM_NAME = 0x010C
LAST_ERROR_TIMES = (0x2111, 0x2112, 0x2113, 0x2114)
PRODUCT_ID = 0x0100
FIRMWARE = 0x0102
DEVICE_MODE, DEVICE_STATE = 0x0200, 0x0201
RELAY_STATE = 0x034E
BMS_STATE = 0x0371
RESTART = 0x0379
COMBINED_VOLTAGE = 0x037A
CELL_VOLTAGE_RANGE = 0x0385
CELL_TEMPERATURE_RANGE = 0x0386
CVL, CCL, DVL, DCL = 0x0390, 0x0391, 0x0392, 0x0393
TIME_TO_GO = 0x0FFE
SOC = 0x0FFF
DEEPEST_DISCHARGE, CHARGE_DRAWN, LOWEST_VOLTAGE, HIGHEST_VOLTAGE = 0x0300, 0x0305, 0x0306, 0x0307
AUTOMATIC_SYNCS = 0x0309
DISCHARGED_ENERGY, CHARGED_ENERGY = 0x0310, 0x0311
HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE = 0x0312, 0x0313
CELL_VOLTAGE_EXTREMES = 0x0384
ERROR_SHUTDOWNS = 0xEEFC
SYNCHRONISE, SYNC_GROUP = 0x0373, 0x0374
CAPACITY = 0x1000
CONFIGURATION = 0x0380
START_ON_CHARGER = 0x0375
STRATEGY = 0x0376
COMBINED, COMBINED_STATE = 0x0377, 0x0378
BATTERIES_PARALLEL, BATTERIES_SERIES = 0x0387, 0x0388
FLAGS = 0x2100
ERROR = 0x2101
LAST_ERRORS = 0x2110
LINK_CURRENT_PERCENTAGE, LINK_CURRENT_LIMIT = 0x2014, 0x2015
VOLTAGE, CURRENT, CONSUMED = 0xED8D, 0xED8F, 0xEEFF

NA16, NA16_SIGNED, NA32, NA32_SIGNED = 0xFFFF, 0x7FFF, 0xFFFFFFFF, 0x7FFFFFFF

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Message:
    """A VREG frame: which register, for whom, from whom, and its four bytes of data."""

    register: int
    destination: int
    source: int
    data: bytes


def read(frame: CanFrame) -> Message | None:
    """The VREG message in a frame; None if it is something else.

    Of a frame that is cut short so is the data.
    """
    if frame.identifier >> 16 & 0x3FF != PROPRIETARY_SINGLE:  # with both data page bits clear
        return None
    if not HEAD_LENGTH <= len(frame.data) <= LENGTH or frame.data[:2] != HEADER:
        return None
    return _message(frame)


def is_update_start(frame: CanFrame, address: int) -> bool:
    """Whether a frame to this address begins an update: then six bytes say of which device."""
    return (
        frame.extended
        and frame.identifier >> 8 & 0x3FFFF == PROPRIETARY_SINGLE << 8 | address
        and len(frame.data) == LENGTH
        and frame.data[:2] == UPDATE_START
    )


def _message(frame: CanFrame) -> Message:
    data = frame.data
    identifier = frame.identifier
    register = data[2] | data[3] << 8
    return Message(register, identifier >> 8 & 0xFF, identifier & 0xFF, data[4:8])


def broadcast(source: int, register: int, data: bytes, header: bytes = HEADER) -> Frame:
    """A register's value, to everybody; ``data`` is at most four bytes, ``header`` whose it is."""
    return _frame(source, BROADCAST, register, data, header)


def tell(source: int, register: int, data: bytes, sequence: int) -> tuple[Frame, ...]:
    """A register's value, of any length, to everybody; a long one is a fast packet."""
    if len(data) <= DATA_LENGTH:
        return (broadcast(source, register, data),)
    identifier = 0x1D000000 | PROPRIETARY_SINGLE << 16 | BROADCAST << 8 | source
    return fast_packet(identifier, HEADER + _U16.pack(register) + data, sequence)


def acknowledge(source: int, asker: int, register: int, code: int) -> Frame:
    """The addressed answer that carries an acknowledge code."""
    return _frame(source, asker, ACKNOWLEDGE, _U16.pack(register) + _U16.pack(code))


def _frame(
    source: int, destination: int, register: int, data: bytes, header: bytes = HEADER
) -> Frame:
    identifier = 0x1C000000 | PROPRIETARY_SINGLE << 16 | destination << 8 | source
    return Frame(identifier, header + _U16.pack(register) + data.ljust(4, b"\xff"))


def is_padding(data: bytes) -> bool:
    """Whether bytes behind a value are none: a longer value is not the register's."""
    return all(byte == 0xFF for byte in data)


def requested_register(message: Message) -> int:
    """Which register a request asks for."""
    (register,) = _U16.unpack(message.data[:2])
    return int(register)


def u8(value: int) -> bytes:
    """One byte."""
    return bytes((value & 0xFF,))


def u16(value: float | None, scale: float = 1.0) -> bytes:
    """An unsigned 16 bit value in steps of ``scale``; None is "not available"."""
    if value is None or value != value:
        return b"\xff\xff"
    return _U16.pack(min(max(round(value / scale), 0), NA16 - 1))


def s16(value: float | None, scale: float = 1.0) -> bytes:
    """A signed 16 bit value in steps of ``scale``; None is "not available"."""
    if value is None or value != value:
        return _U16.pack(NA16_SIGNED)
    return struct.pack("<h", min(max(round(value / scale), -0x8000), NA16_SIGNED - 1))


def s32(value: float | None, scale: float = 1.0) -> bytes:
    """A signed 32 bit value in steps of ``scale``; None is "not available"."""
    if value is None or value != value:
        return _U32.pack(NA32_SIGNED)
    return struct.pack("<i", min(max(round(value / scale), -0x8000_0000), NA32_SIGNED - 1))


def u32(value: float | None, scale: float = 1.0) -> bytes:
    """An unsigned 32 bit value in steps of ``scale``; None is "not available"."""
    if value is None or value != value:
        return b"\xff\xff\xff\xff"
    return _U32.pack(min(max(round(value / scale), 0), NA32 - 1))


def firmware_version(major: int, minor: int) -> bytes:
    """The version as register 0x0102 carries it: an id of 0, then 1.38 as the un24 0x012600."""
    return bytes((0, 0, minor, major))
