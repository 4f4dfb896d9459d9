"""Victron registers (VREG) over VE.Can: PGN 61184, manufacturer 358, little endian.

Public: communication guide of the Master LV, rev 8. An answer is always broadcast; a refusal goes
to the asker alone. Unused bytes are 0xFF.
"""

import struct
from dataclasses import dataclass

from bms.io import CanFrame, Frame

PROPRIETARY_SINGLE = 0xEF  # PDU format of PGN 61184
LENGTH = 8  # of every frame
BROADCAST = 0xFF
HEADER = b"\x66\x99"
REQUEST, ACKNOWLEDGE = 0x0001, 0x0002

ACK_OK = 0x0000
ACK_UNKNOWN_REQUEST = 0x8000
ACK_UNKNOWN_COMMAND = 0x8100
ACK_INVALID = 0x8300

PRODUCT_ID = 0x0100
FIRMWARE = 0x0102
DEVICE_MODE, DEVICE_STATE = 0x0200, 0x0201
RELAY_STATE = 0x034E
BMS_STATE = 0x0371
CELL_VOLTAGE_RANGE = 0x0385
CELL_TEMPERATURE_RANGE = 0x0386
CVL, CCL, DVL, DCL = 0x0390, 0x0391, 0x0392, 0x0393
TIME_TO_GO = 0x0FFE
SOC = 0x0FFF
AUTOMATIC_SYNCS = 0x0309
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
VOLTAGE, CURRENT = 0xED8D, 0xED8F

NA16, NA16_SIGNED, NA32 = 0xFFFF, 0x7FFF, 0xFFFFFFFF

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
    """The VREG message in a frame; None if it is something else."""
    if frame.identifier >> 16 & 0x3FF != PROPRIETARY_SINGLE:  # with both data page bits clear
        return None
    if len(frame.data) != LENGTH or frame.data[:2] != HEADER:
        return None
    return _message(frame)


def _message(frame: CanFrame) -> Message:
    data = frame.data
    identifier = frame.identifier
    register = data[2] | data[3] << 8
    return Message(register, identifier >> 8 & 0xFF, identifier & 0xFF, data[4:8])


def broadcast(source: int, register: int, data: bytes) -> Frame:
    """A register's value, to everybody; ``data`` is at most four bytes."""
    return _frame(source, BROADCAST, register, data)


def acknowledge(source: int, asker: int, register: int, code: int) -> Frame:
    """The addressed answer that carries an acknowledge code."""
    return _frame(source, asker, ACKNOWLEDGE, _U16.pack(register) + _U16.pack(code))


def _frame(source: int, destination: int, register: int, data: bytes) -> Frame:
    identifier = 0x1C000000 | PROPRIETARY_SINGLE << 16 | destination << 8 | source
    return Frame(identifier, HEADER + _U16.pack(register) + data.ljust(4, b"\xff"))


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


def u32(value: float | None, scale: float = 1.0) -> bytes:
    """An unsigned 32 bit value in steps of ``scale``; None is "not available"."""
    if value is None or value != value:
        return b"\xff\xff\xff\xff"
    return _U32.pack(min(max(round(value / scale), 0), NA32 - 1))


def firmware_version(major: int, minor: int) -> bytes:
    """The version as register 0x0102 carries it: an id of 0, then 1.38 as the un24 0x012600."""
    return bytes((0, 0, minor, major))
