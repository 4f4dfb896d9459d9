"""The 11 bit protocols on the external port: SMA, and General BMS which adds to it.

Public: communication guide of the Master LV, rev 8: 500 kbit/s, little endian, every 500 ms;
un16 0xFFFF and sn16 0x8000 are "not available".
"""

import struct
from dataclasses import dataclass

from bms.io import Frame

MASTER_TYPE = 15003
_LIMITS = struct.Struct("<HhhH")
_STATE = struct.Struct("<HHHH")
_VALUES = struct.Struct("<hhhH")
_IDENTITY = struct.Struct("<H2sHH")
_EXTREMES = struct.Struct("<HHHH")
_ENERGY = struct.Struct("<II")
NA, NA_SIGNED = 0xFFFF, -0x8000
CLEARED = 0b10
RAISED = 0b01


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an inverter may do: volts and amperes."""

    charge_voltage_v: float
    charge_current_a: float
    discharge_current_a: float
    discharge_voltage_v: float


def _within(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)


def _signed(value: float) -> int:
    return _within(value, NA_SIGNED + 1, 0x7FFF)


def limits(values: Limits, current_raw_max: int) -> Frame:
    """0x351: voltages and currents in 0.1; no current above ``current_raw_max`` leaves us."""
    data = _LIMITS.pack(
        _within(values.charge_voltage_v * 10, 0, NA - 1),
        _within(values.charge_current_a * 10, 0, current_raw_max),
        _within(values.discharge_current_a * 10, 0, current_raw_max),
        _within(values.discharge_voltage_v * 10, 0, NA - 1),
    )
    return Frame(0x351, data, extended=False)


def state_of_charge(soc_pct: float) -> Frame:
    """0x355: SOC in 1 % and in 0.01 %; SOH is not available."""
    return Frame(0x355, _STATE.pack(int(soc_pct), NA, round(soc_pct * 100), NA), extended=False)


def measurements(voltage_v: float, current_a: float, temperature_c: float) -> Frame:
    """0x356: volts in 0.01, amperes and degC in 0.1."""
    temperature = NA_SIGNED if temperature_c != temperature_c else _signed(temperature_c * 10)
    data = _VALUES.pack(_signed(voltage_v * 100), _signed(current_a * 10), temperature, NA)
    return Frame(0x356, data, extended=False)


def alarms(raised: frozenset[int], warned: frozenset[int]) -> Frame:
    """0x35A: bit pairs 0 to 12, alarms in bytes 0 to 3, warnings in 4 to 7; raised or cleared."""
    return Frame(0x35A, _pairs(raised) + _pairs(warned), extended=False)


def events(*, preventive_shutdown: bool) -> Frame:
    """0x35B: the battery is about to be disconnected to protect it; the other bits are unused."""
    return Frame(0x35B, bytes((preventive_shutdown << 4,)) + bytes(7), extended=False)


def _pairs(raised: frozenset[int]) -> bytes:
    value = 0
    for pair in range(16):
        value |= (RAISED if pair in raised else CLEARED) << 2 * pair
    return value.to_bytes(4, "little")


def identity(version: tuple[int, int], capacity_ah: float | None, product_id: int) -> Frame:
    """0x35F: master type, version (major first), capacity, product id."""
    capacity = NA if capacity_ah is None else round(capacity_ah)
    return Frame(
        0x35F, _IDENTITY.pack(MASTER_TYPE, bytes(version), capacity, product_id), extended=False
    )


def maker() -> Frame:
    """0x35E: the maker's name."""
    return Frame(0x35E, b"MG-BMS\0\0", extended=False)


def extremes(cells_v: tuple[float, float], temperatures_c: tuple[float, float]) -> Frame:
    """0x373 (General): lowest and highest cell in mV, lowest and highest temperature in K."""
    low_v, high_v = cells_v
    low_c, high_c = temperatures_c
    data = _EXTREMES.pack(
        NA if low_v != low_v else round(low_v * 1000),
        NA if high_v != high_v else round(high_v * 1000),
        NA if low_c != low_c else _within(low_c + 273.15, 0, NA - 1),
        NA if high_c != high_c else _within(high_c + 273.15, 0, NA - 1),
    )
    return Frame(0x373, data, extended=False)


def energy(charged_kwh: float, discharged_kwh: float) -> Frame:
    """0x378 (General): energy charged and discharged in 0.01 kWh."""
    data = _ENERGY.pack(round(charged_kwh * 100), round(discharged_kwh * 100))
    return Frame(0x378, data, extended=False)


def serial_number(serial: str) -> tuple[Frame, Frame]:
    """0x380 and 0x381 (General): sixteen characters, eight each."""
    raw = serial.encode("ascii")[:16].ljust(16, b"\0")
    return Frame(0x380, raw[:8], extended=False), Frame(0x381, raw[8:], extended=False)
