"""The Visedo protocol on the external port, and the Powerfinn charger that belongs to it.

Neither is public: the layouts are the project's own, and `rig/can/dbc/visedo.dbc` says so. The
charger is commanded by CANopen SDO (CiA 301), node 0x50: expedited writes, each of them answered.
"""

import struct

from bms.io import CanFrame, Frame

BATTERY = 0x075
REQUEST, ANSWER = 0x650, 0x5D0
WRITE_2, WRITE_1, WRITTEN, REFUSED = 0x2B, 0x2F, 0x60, 0x80
VOLTAGE, CURRENT, RUN = (0x2001, 1), (0x2001, 2), (0x2001, 3)
ALLOWED_TO_CHARGE, ALLOWED_TO_DISCHARGE, FAIL_SAFE = 1, 2, 4

_BATTERY = struct.Struct("<BBHhBB")
_SDO = struct.Struct("<BHBHH")


def battery(
    state: int, soc_pct: float, volts_and_amperes: tuple[float, float], flags: int, counter: int
) -> Frame:
    """State as in register 0x0371, SOC in 0.5 %, 0.01 V, 0.1 A, what is allowed, a counter."""
    voltage_v, current_a = volts_and_amperes
    data = _BATTERY.pack(
        state,
        min(max(round(soc_pct * 2), 0), 200),
        min(max(round(voltage_v * 100), 0), 0xFFFE),
        min(max(round(current_a * 10), -0x7FFF), 0x7FFF),
        flags,
        counter,
    )
    return Frame(BATTERY, data, extended=False)


def write(place: tuple[int, int], value: int) -> Frame:
    """Write an object of the charger: index and subindex; its switch has one byte, else two."""
    index, subindex = place
    command = WRITE_1 if place == RUN else WRITE_2
    data = _SDO.pack(command, index, subindex, min(max(value, 0), 0xFFFF), 0)
    return Frame(REQUEST, data, extended=False)


def answered(frame: CanFrame) -> tuple[int, int] | None:
    """Which object the charger's answer is about, written or refused; None for another frame."""
    data = frame.data
    if frame.extended or frame.identifier != ANSWER or len(data) != 8:
        return None
    return (data[1] | data[2] << 8, data[3]) if data[0] in {WRITTEN, REFUSED} else None
