"""Frames that a GX device, a tool or another device on VE.Can sends to the DUT.

Rules of this file: written from the public documents, not from the firmware model; priorities are
those of the maker's examples (7 for VREGs, 6 for address claims and requests).
"""

from dataclasses import dataclass

from rig.can.fast_packet import split
from rig.can.frame import Frame, Header, identifier_of
from rig.can.vreg import LONG_PGN, REQUEST, SINGLE_PGN, VICTRON

ISO_REQUEST_PGN = 59904
ADDRESS_CLAIM_PGN = 60928
GROUP_FUNCTION_PGN = 126208
CONFIGURATION_INFORMATION_PGN = 126998
CANNOT_CLAIM = 254
"""The source address of a device that found none."""

_MARINE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceName:
    """The 64-bit NAME of an address claim; the lower one keeps the address."""

    unique: int
    manufacturer: int = VICTRON
    device_instance: int = 0
    function: int
    device_class: int
    system_instance: int = 0

    def value(self) -> int:
        """The NAME as a number."""
        return (
            self.unique & 0x1FFFFF
            | (self.manufacturer & 0x7FF) << 21
            | (self.device_instance & 0xFF) << 32
            | (self.function & 0xFF) << 40
            | (self.device_class & 0x7F) << 49
            | (self.system_instance & 0xF) << 56
            | _MARINE << 60
            | 1 << 63
        )


def vreg_request(
    source: int, destination: int, register: int, manufacturer: int = VICTRON
) -> Frame:
    """Ask a device for a register."""
    data = register.to_bytes(2, "little") + b"\xff\xff"
    return vreg_write(source, destination, REQUEST, data, manufacturer)


def vreg_write(
    source: int, destination: int, register: int, data: bytes, manufacturer: int = VICTRON
) -> Frame:
    """Write a register (to a device), or tell it (to 255). Raises ValueError over 4 bytes."""
    if len(data) > 4:
        raise ValueError(f"{len(data)} bytes: a single frame carries 4, see vreg_write_long")
    header = Header(priority=7, pgn=SINGLE_PGN, source=source, destination=destination)
    payload = _code(manufacturer) + register.to_bytes(2, "little") + data.ljust(4, b"\xff")
    return Frame(identifier_of(header), payload)


def vreg_write_long(
    source: int,
    destination: int,
    register: int,
    data: bytes,
    sequence: int = 0,
    manufacturer: int = VICTRON,
) -> tuple[Frame, ...]:
    """Write a string or another long value, as a fast packet."""
    header = Header(priority=7, pgn=LONG_PGN, source=source, destination=destination)
    payload = _code(manufacturer) + register.to_bytes(2, "little") + data
    return split(identifier_of(header), payload, sequence)


def address_claim(source: int, name: DeviceName | int) -> Frame:
    """Claim an address, or tell from `CANNOT_CLAIM` that there is none."""
    value = name if isinstance(name, int) else name.value()
    header = Header(priority=6, pgn=ADDRESS_CLAIM_PGN, source=source)
    return Frame(identifier_of(header), value.to_bytes(8, "little"))


def iso_request(source: int, destination: int, pgn: int) -> Frame:
    """Ask for a PGN; to 255, everybody's."""
    header = Header(priority=6, pgn=ISO_REQUEST_PGN, source=source, destination=destination)
    return Frame(identifier_of(header), pgn.to_bytes(3, "little"))


def group_command(
    source: int,
    destination: int,
    pgn: int,
    parameters: tuple[tuple[int, bytes], ...],
    sequence: int = 0,
) -> tuple[Frame, ...]:
    """Command fields of a PGN (126208): pairs of field number and its bytes."""
    keep_priority = 0xF8
    payload = b"\x01" + pgn.to_bytes(3, "little") + bytes([keep_priority, len(parameters)])
    for number, value in parameters:
        payload += bytes([number]) + value
    header = Header(priority=3, pgn=GROUP_FUNCTION_PGN, source=source, destination=destination)
    return split(identifier_of(header), payload, sequence)


def group_request(
    source: int,
    destination: int,
    pgn: int,
    interval_ms: int | None = None,
    sequence: int = 0,
) -> tuple[Frame, ...]:
    """Ask for a PGN by group function (126208), or for another interval of it."""
    interval = 0xFFFFFFFF if interval_ms is None else interval_ms
    payload = b"\x00" + pgn.to_bytes(3, "little") + interval.to_bytes(4, "little")
    payload += b"\xff\xff\x00"
    header = Header(priority=3, pgn=GROUP_FUNCTION_PGN, source=source, destination=destination)
    return split(identifier_of(header), payload, sequence)


def commanded_address(source: int, name: DeviceName | int, address: int) -> tuple[Frame, ...]:
    """Command whoever has this NAME to take an address (65240), announced to everybody (BAM)."""
    value = name if isinstance(name, int) else name.value()
    payload = value.to_bytes(8, "little") + bytes([address])
    packets = [payload[start : start + 7].ljust(7, b"\xff") for start in (0, 7)]
    announce = bytes([32]) + len(payload).to_bytes(2, "little") + bytes([len(packets), 0xFF])
    control = Header(priority=7, pgn=60416, source=source)
    data = identifier_of(Header(priority=7, pgn=60160, source=source))
    return (
        Frame(identifier_of(control), announce + (65240).to_bytes(3, "little")),
        *(Frame(data, bytes([number]) + each) for number, each in enumerate(packets, 1)),
    )


def rename_command(
    source: int, destination: int, text: str, installation_field: int = 1, sequence: int = 0
) -> tuple[Frame, ...]:
    """Command an installation description (126998), by which a device is given a name."""
    characters = text.encode("ascii")
    value = bytes([len(characters) + 2, 1]) + characters
    return group_command(
        source,
        destination,
        CONFIGURATION_INFORMATION_PGN,
        ((installation_field, value),),
        sequence,
    )


def _code(manufacturer: int) -> bytes:
    """Manufacturer 11 bits, reserved 2 bits set, industry 3 bits."""
    return (manufacturer | 3 << 11 | _MARINE << 13).to_bytes(2, "little")
