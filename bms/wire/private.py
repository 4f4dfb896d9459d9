"""The private bus between the master and its batteries.

It is not public: this layout is the project's own, and its DBC (rig/can/dbc/private.dbc) says so.
29 bit identifiers, 250 kbit/s, little endian; the low byte of an identifier is the battery's node.
"""

import math
import struct
from collections.abc import Callable

from bms.io import Frame

BEACON = 0x18F000
ANNOUNCE = 0x18F0FE
ASSIGN = 0x18F010
CELLS = (0x18F020, 0x18F021, 0x18F022, 0x18F023)  # four cells each
TEMPERATURES = (0x18F030, 0x18F031)  # four sensors each
STATUS = 0x18F040
COMMAND = 0x18F050
ACKNOWLEDGE = 0x18F051
IDENTIFY, IDENTITY = 0x18F060, 0x18F061  # what the user calls a battery, in two parts
REPORTS = frozenset({*CELLS, *TEMPERATURES, STATUS})  # what a registered battery tells unasked
LENGTH = 8  # of every message
PING = 0x18F0A0
PONG = 0x18F0A1

COMMAND_FAN_ON, COMMAND_FAN_OFF, COMMAND_BALANCE = 1, 2, 3
FLAG_PERFORMANCE, FLAG_WAKE, FLAG_QUIET = 1, 2, 4  # of a beacon
STATUS_FAN, STATUS_BALANCING, STATUS_LEAKAGE, STATUS_SELF_TEST_FAILED = 1, 2, 4, 8
STATUS_BALANCER_FAILED = 16
TAKES_FROM_BIT = 16  # of a balance mask: below are the cells that give, or bleed

_FOUR_VOLTAGES = struct.Struct("<4H")
_FOUR_TEMPERATURES = struct.Struct("<4h")
_STATUS = struct.Struct("<hhBBBB")
_ANNOUNCE = struct.Struct("<IHBB")
_ASSIGN = struct.Struct("<IB3x")
_COMMAND = struct.Struct("<BIB2x")
_TOKEN = struct.Struct("<I4x")
_PART = 7  # characters of an identity in a frame
NO_VOLTAGE, NO_TEMPERATURE, NO_HUMIDITY = 0xFFFF, 0x7FFF, 0xFF
NO_SOH = 0xFF
_VOLTAGE_V_MAX = (NO_VOLTAGE - 1) / 10_000
_NAN = math.nan
Rounding = Callable[[float], int]


def kind_and_node(identifier: int) -> tuple[int, int]:
    """Which message an identifier names, and the node in it."""
    return identifier >> 8, identifier & 0xFF


def beacon(state: int, registered: int, flags: int, counter: int) -> Frame:
    """The master's sign of life, every 500 ms; batteries sleep when it stops."""
    return Frame(BEACON << 8, bytes((state, registered, flags, counter, 255, 255, 255, 255)))


def registered_in(data: bytes) -> int:
    """How many batteries a beacon says are registered."""
    return data[1]


def is_quiet(data: bytes) -> bool:
    """Whether a beacon lets the batteries repeat seldom what has not changed."""
    return bool(data[2] & FLAG_QUIET)


def announce(serial: int, type_code: int, cells: int, release: int) -> Frame:
    """A battery asks to be registered; ``release`` is the minor number of its firmware."""
    return Frame(ANNOUNCE << 8 | serial & 0xFF, _ANNOUNCE.pack(serial, type_code, cells, release))


def read_announce(data: bytes) -> tuple[int, int, int, int]:
    """Serial hash, type code, cells and firmware release of an announcing battery."""
    serial, type_code, cells, release = _ANNOUNCE.unpack(data)
    return serial, type_code, cells, release


def week_of(serial: int) -> int:
    """Year and week in which a battery was made, as its serial number has them: HQ1746... is 1746.

    The hash is the number after HQ: yy, ww and four digits.
    """
    return serial // 10_000


def assign(serial: int, node: int) -> Frame:
    """The master gives the battery of this serial hash its node number."""
    return Frame(ASSIGN << 8 | node, _ASSIGN.pack(serial, node))


def read_assign(data: bytes) -> tuple[int, int]:
    """Serial hash and node."""
    serial, node = _ASSIGN.unpack(data)
    return serial, node


def cells(node: int, group: int, voltages_v: tuple[float, ...]) -> Frame:
    """Up to four cell voltages in 0.1 mV; NaN and missing ones are marked invalid."""
    raw = [
        int(v * 10_000 + 0.5) if 0.0 <= v < _VOLTAGE_V_MAX else _voltage_out_of_range(v)
        for v in voltages_v
    ]
    raw += [NO_VOLTAGE] * (4 - len(raw))
    return Frame(CELLS[group] << 8 | node, _FOUR_VOLTAGES.pack(*raw))


def _voltage_out_of_range(voltage_v: float) -> int:
    if voltage_v != voltage_v:
        return NO_VOLTAGE
    return 0 if voltage_v < 0.0 else NO_VOLTAGE - 1


def read_cells(data: bytes) -> tuple[float, float, float, float]:
    """Four cell voltages in volts, NaN where invalid."""
    a, b, c, d = _FOUR_VOLTAGES.unpack(data)
    return (
        a / 10_000 if a != NO_VOLTAGE else _NAN,
        b / 10_000 if b != NO_VOLTAGE else _NAN,
        c / 10_000 if c != NO_VOLTAGE else _NAN,
        d / 10_000 if d != NO_VOLTAGE else _NAN,
    )


def _temperature(value_c: float | None, rounds: Rounding) -> int:
    return NO_TEMPERATURE if value_c is None or value_c != value_c else rounds(value_c * 10)


def temperatures(
    node: int, group: int, values_c: tuple[float, ...], rounds: Rounding = round
) -> Frame:
    """Up to four sensors in 0.1 degC; NaN and missing ones are marked invalid."""
    raw = [NO_TEMPERATURE] * 4
    for index, value_c in enumerate(values_c):
        raw[index] = _temperature(value_c, rounds)
    return Frame(TEMPERATURES[group] << 8 | node, _FOUR_TEMPERATURES.pack(*raw))


def read_temperatures(data: bytes) -> tuple[float, float, float, float]:
    """Four sensors in degC, NaN where invalid."""
    a, b, c, d = _FOUR_TEMPERATURES.unpack(data)
    return (
        a / 10 if a != NO_TEMPERATURE else _NAN,
        b / 10 if b != NO_TEMPERATURE else _NAN,
        c / 10 if c != NO_TEMPERATURE else _NAN,
        d / 10 if d != NO_TEMPERATURE else _NAN,
    )


def status(
    node: int,
    terminals_c: tuple[float | None, float | None],
    flags: int,
    humidity_pct: float | None,
    counter: int,
    rounds: Rounding = round,
    soh_pct: float | None = None,
) -> Frame:
    """Terminal temperatures, flags, humidity and state of health of a battery."""
    positive, negative = (_temperature(value_c, rounds) for value_c in terminals_c)
    humidity = NO_HUMIDITY if humidity_pct is None else round(humidity_pct)
    soh = NO_SOH if soh_pct is None else round(soh_pct)
    data = _STATUS.pack(positive, negative, flags, humidity, soh, counter & 0xFF)
    return Frame(STATUS << 8 | node, data)


def read_status(data: bytes) -> tuple[float | None, float | None, int, float | None]:
    """Positive and negative terminal temperature in degC, the flags, and humidity in percent.

    None: no sensor.
    """
    positive, negative, flags, humidity, _, _ = _STATUS.unpack(data)
    return (
        None if positive == NO_TEMPERATURE else positive / 10,
        None if negative == NO_TEMPERATURE else negative / 10,
        flags,
        None if humidity == NO_HUMIDITY else float(humidity),
    )


def read_soh(data: bytes) -> float | None:
    """The state of health in percent that a status tells; None: it has no gauge."""
    soh = data[6]
    return None if soh == NO_SOH else float(soh)


def command(node: int, code: int, mask: int, sequence: int) -> Frame:
    """What the master wants of a battery: fan on or off, cells that give and take charge."""
    return Frame(COMMAND << 8 | node, _COMMAND.pack(code, mask, sequence & 0xFF))


def read_command(data: bytes) -> tuple[int, int, int]:
    """Code, mask and sequence number."""
    code, mask, sequence = _COMMAND.unpack(data)
    return code, mask, sequence


def acknowledge(node: int, code: int, sequence: int) -> Frame:
    """A battery took a command."""
    return Frame(ACKNOWLEDGE << 8 | node, bytes((code, sequence, 255, 255, 255, 255, 255, 255)))


def read_acknowledge(data: bytes) -> tuple[int, int]:
    """Code and sequence number of the command that a battery took."""
    return data[0], data[1]


def identity(kind: int, node: int, text: bytes) -> tuple[Frame, Frame]:
    """What the user calls a battery, up to 14 characters: told to it, or told by it."""
    padded = text[: 2 * _PART].ljust(2 * _PART, b"\0")
    first, second = padded[:_PART], padded[_PART:]
    return Frame(kind << 8 | node, b"\0" + first), Frame(kind << 8 | node, b"\1" + second)


def put_together(known: bytes, data: bytes) -> bytes:
    """What is known of an identity, with the part that has come now; a wrong part changes nothing.

    Fourteen characters.
    """
    known = known.ljust(2 * _PART, b"\0")
    if data[0] > 1:
        return known
    begin = _PART * data[0]
    return known[:begin] + data[1:] + known[begin + _PART :]


def pong(asker: int, token: int) -> Frame:
    """The answer to a ping, with the token of the question."""
    return Frame(PONG << 8 | asker, _TOKEN.pack(token))


def read_token(data: bytes) -> int:
    """The token of a ping."""
    (token,) = _TOKEN.unpack(data)
    return int(token)
