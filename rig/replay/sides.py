"""Who is who in a log: which bus is which, who the DUT is, which release it says it runs.

Rules of this file: nothing but what is seen on the buses counts, and a role that was given. On
VE.Can the DUT is who tells a BMS's own registers or calls itself one; where none of that was
recorded, who claims an address as a battery; else who tells a battery's PGNs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bms.firmware import UnknownRelease, Version
from rig.can.fast_packet import FastPacketAssembler
from rig.can.frame import BROADCAST, Frame, header_of
from rig.can.vreg import LONG_PGN, MG, REQUEST, SINGLE_PGN, VICTRON
from rig.replay.log import Log, LoggedFrame, Role

# Public: NMEA 2000 device functions; PGNs 127506, 127508, 127513 are a battery's.
BATTERY_FUNCTION, GATEWAY_FUNCTION = 170, 130
ADDRESS_CLAIM, PRODUCT_INFORMATION = 60928, 126996
BATTERY_PGNS = frozenset({127506, 127508, 127513})
NAME_LENGTH = 8
MODELS = ("Lynx Ion BMS", "Master LV")
MAKERS = {b"\x66\x99": VICTRON, b"\x88\x9c": MG}
MANUFACTURERS = {VICTRON: "Victron Energy", MG: "MG Energy Systems"}
FIRMWARE_REGISTER = 0x0102
# State, errors, configuration, cell extremes, flags: nobody else on VE.Can tells these.
BMS_REGISTERS = frozenset({0x0371, 0x0372, 0x0380, 0x0385, 0x0386, 0x2100, 0x2101})
IDENTIFICATION = 0x35F

# The private bus, by the third byte of the identifier 0x18F0xxNN (rig/can/dbc/private.dbc).
PRIVATE_MASK, PRIVATE_ID = 0x1FFF0000, 0x18F00000
PRIVATE_MASTER = frozenset({0x00, 0x10, 0x50, 0x60, 0x70, 0x71, 0x72, 0x74, 0xA1})
PRIVATE_BATTERY = frozenset({0xFE, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x40, 0x51, 0x61, 0x73})
# 11 bit: what the DUT says on its external port, and what a GX device tells it there (public).
EXTERNAL_DUT = frozenset(
    {0x351, 0x355, 0x356, 0x35A, 0x35B, 0x35E, 0x35F, 0x373, 0x378, 0x380, 0x381, 0x075, 0x650}
)
EXTERNAL_GX = frozenset({0x305, 0x307})


class Sender(StrEnum):
    """Who sent a frame."""

    DUT = "dut"
    BATTERY = "battery"
    GX = "gx"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A node of VE.Can at one address, as far as it was heard of."""

    bus: int
    address: int
    sender: Sender
    frames: int
    """Of this address in the whole log."""
    from_us: int
    """When it claimed the address; 0 where that was not recorded."""
    name: bytes | None
    """The NAME that it claimed its address with."""
    manufacturer: int | None
    function: int | None
    model: str
    """From its product information; empty where that was not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRelease:
    """A release that the DUT said it runs."""

    t_us: int
    version: Version
    by: str
    """`VREG 0x0102`, `0x35F`, or `product information`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Who is who in a log."""

    roles: tuple[Role, ...]
    """One a bus."""
    devices: tuple[Device, ...]
    """Of VE.Can, by bus and address, each address' owners in the order of time."""
    releases: tuple[ToldRelease, ...]
    """In the order of time, the first of each row of equal ones of a kind."""
    _owners: Mapping[tuple[int, int], tuple[tuple[int, ...], tuple[Sender, ...]]]

    @property
    def dut_addresses(self) -> tuple[int, ...]:
        """Where the DUT was on VE.Can."""
        return tuple(each.address for each in self.devices if each.sender is Sender.DUT)

    @property
    def release(self) -> Version | None:
        """The release that the DUT told last; None if it told none."""
        return self.releases[-1].version if self.releases else None

    def buses(self, role: Role) -> tuple[int, ...]:
        """The buses of a role."""
        return tuple(bus for bus, each in enumerate(self.roles) if each is role)

    def sender(self, frame: LoggedFrame) -> Sender:
        """Who sent a frame; an error frame is nobody's: `OTHER`."""
        if frame.error:
            return Sender.OTHER
        if not frame.extended:
            if frame.can_id in EXTERNAL_DUT:
                return Sender.DUT
            return Sender.GX if frame.can_id in EXTERNAL_GX else Sender.OTHER
        if self.roles[frame.bus] is Role.PRIVATE:
            master = frame.can_id >> 8 & 0xFF in PRIVATE_MASTER
            return Sender.DUT if master else Sender.BATTERY
        known = self._owners.get((frame.bus, frame.can_id & 0xFF))
        if known is None:
            return Sender.OTHER
        since_us, senders = known
        return senders[max(bisect_right(since_us, frame.t_us) - 1, 0)]


@dataclass(slots=True)
class _Node:
    """What an address of VE.Can was seen to do."""

    frames: int = 0
    claims: list[tuple[int, bytes]] = field(default_factory=list)
    tells: set[int] = field(default_factory=set)
    pgns: set[int] = field(default_factory=set)
    model: str = ""
    asks: bool = False


class Who:
    """Finds out, frame by frame, who is who; for a pass that reads the log for itself anyway."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, int, bool], int] = {}
        self._ids: dict[tuple[int, int, bool], int] = {}
        self._nodes: dict[tuple[int, int], _Node] = {}
        self._packets: dict[int, FastPacketAssembler] = {}
        self._told: list[tuple[ToldRelease, int, int]] = []

    def push(self, frame: LoggedFrame) -> None:
        """The next frame of the log."""
        if frame.error:
            return
        key = frame.bus, frame.can_id, frame.extended
        pgn = self._wanted.get(key)
        if pgn is None:
            pgn = self._wanted[key] = self._pgn_wanted(frame)
            self._ids[key] = 0
        self._ids[key] += 1
        if pgn:
            self._look(pgn, frame)

    def _pgn_wanted(self, frame: LoggedFrame) -> int:
        """The PGN of an identifier whose frames are to be read, or 0x35F; else 0."""
        if not frame.extended:
            return IDENTIFICATION if frame.can_id == IDENTIFICATION else 0
        if frame.can_id & PRIVATE_MASK == PRIVATE_ID:
            return 0
        pgn = header_of(frame.can_id).pgn
        return pgn if pgn in {ADDRESS_CLAIM, PRODUCT_INFORMATION, SINGLE_PGN, LONG_PGN} else 0

    def _node(self, frame: LoggedFrame) -> _Node:
        return self._nodes.setdefault((frame.bus, frame.can_id & 0xFF), _Node())

    def _look(self, pgn: int, frame: LoggedFrame) -> None:
        data = frame.data
        if pgn == IDENTIFICATION:
            if len(data) >= 4:
                self._release(frame, data[2], data[3], "0x35F", -1)
        elif pgn == ADDRESS_CLAIM:
            claims = self._node(frame).claims
            if len(data) == NAME_LENGTH and (not claims or claims[-1][1] != data):
                claims.append((frame.t_us, data))
        elif pgn == SINGLE_PGN:
            self._register(frame, data)
        else:
            packets = self._packets.setdefault(frame.bus, FastPacketAssembler())
            whole = packets.push(Frame(frame.can_id, data))
            if whole is not None and pgn == LONG_PGN:
                self._register(frame, whole)
            elif whole is not None:
                self._product(frame, whole)

    def _register(self, frame: LoggedFrame, data: bytes) -> None:
        if len(data) < 5 or data[:2] not in MAKERS:
            return
        register, node = data[2] | data[3] << 8, self._node(frame)
        if register == REQUEST:
            node.asks = True
            return
        if frame.can_id >> 8 & 0xFF != BROADCAST and register not in BMS_REGISTERS:
            node.asks = node.asks or register != FIRMWARE_REGISTER
        node.tells.add(register)
        if register == FIRMWARE_REGISTER and len(data) >= 8:
            self._release(frame, data[7], data[6], "VREG 0x0102", frame.can_id & 0xFF)

    def _product(self, frame: LoggedFrame, whole: bytes) -> None:
        model, release = (
            whole[start : start + 32].split(b"\xff")[0].rstrip(b" \0").decode("latin-1")
            for start in (4, 36)
        )
        self._node(frame).model = model
        try:
            version = Version.parse(release)
        except UnknownRelease:
            return
        self._release(
            frame, version.major, version.minor, "product information", frame.can_id & 0xFF
        )

    def _release(self, frame: LoggedFrame, major: int, minor: int, by: str, source: int) -> None:
        version = Version(major, minor)
        same = (one for one, of, on in reversed(self._told) if (of, on) == (source, frame.bus))
        last = next(same, None)
        if last is not None and (last.version, last.by) == (version, by):
            return
        if len(self._told) < 1000:  # chosen: noise shall not fill the memory
            told = ToldRelease(t_us=frame.t_us, version=version, by=by)
            self._told.append((told, source, frame.bus))

    def sides(self, buses: tuple[str, ...], given: Mapping[str, Role]) -> Sides:
        """Who is who, from what was pushed; `given`: roles of buses by their names."""
        roles = tuple(given.get(name, self._role_of(bus)) for bus, name in enumerate(buses))
        for (bus, can_id, extended), count in self._ids.items():
            if extended and roles[bus] is not Role.PRIVATE:
                node = self._nodes.setdefault((bus, can_id & 0xFF), _Node())
                node.frames += count
                node.pgns.add(header_of(can_id).pgn)
        devices = tuple(self._devices(roles))
        owners: dict[tuple[int, int], tuple[tuple[int, ...], tuple[Sender, ...]]] = {}
        for each in devices:
            since, senders = owners.get((each.bus, each.address), ((), ()))
            owners[each.bus, each.address] = (*since, each.from_us), (*senders, each.sender)
        duts = {(each.bus, each.address) for each in devices if each.sender is Sender.DUT}
        releases = tuple(
            told for told, source, bus in self._told if source < 0 or (bus, source) in duts
        )
        return Sides(roles=roles, devices=devices, releases=releases, _owners=owners)

    def _role_of(self, bus: int) -> Role:
        """What most of a bus's frames are."""
        votes = {Role.PRIVATE: 0, Role.VE_CAN: 0, Role.EXTERNAL: 0}
        for (on, can_id, extended), count in self._ids.items():
            if on != bus:
                continue
            if not extended:
                votes[Role.EXTERNAL] += count if can_id in EXTERNAL_DUT | EXTERNAL_GX else 0
            elif can_id & PRIVATE_MASK == PRIVATE_ID:
                known = can_id >> 8 & 0xFF in PRIVATE_MASTER | PRIVATE_BATTERY
                votes[Role.PRIVATE] += count if known else 0
            else:
                pgn = header_of(can_id).pgn
                votes[Role.VE_CAN] += count if pgn in _OF_VE_CAN or 126208 <= pgn < 131072 else 0
        role, most = max(votes.items(), key=lambda each: each[1])
        return role if most else Role.UNKNOWN

    def _devices(self, roles: tuple[Role, ...]) -> Iterator[Device]:
        nodes = {
            key: node
            for key, node in sorted(self._nodes.items())
            if roles[key[0]] in {Role.VE_CAN, Role.UNKNOWN} and (node.frames or node.claims)
        }
        surely = {key for key, node in nodes.items() if _is_bms(node)}
        for key, node in nodes.items():
            bus, address = key
            alone = not any(of == bus for of, _ in surely)
            for index, (from_us, name) in enumerate(node.claims or [(0, None)]):
                value = int.from_bytes(name, "little") if name is not None else None
                function = None if value is None else value >> 40 & 0xFF
                manufacturer = None if value is None else value >> 21 & 0x7FF
                yield Device(
                    bus=bus,
                    address=address,
                    sender=_sender(node, function, manufacturer, surely=key in surely, alone=alone),
                    frames=node.frames,
                    from_us=from_us if index else 0,
                    name=name,
                    manufacturer=manufacturer,
                    function=function,
                    model=node.model,
                )


_OF_VE_CAN = frozenset({ADDRESS_CLAIM, SINGLE_PGN, LONG_PGN, 59904, 59392, 60160, 60416})


def _is_bms(node: _Node) -> bool:
    # Two of them: a single one may be a write of somebody else.
    return node.model in MODELS or len(node.tells & BMS_REGISTERS) >= 2


def _sender(
    node: _Node, function: int | None, manufacturer: int | None, *, surely: bool, alone: bool
) -> Sender:
    """Who an owner of an address is; `alone`: nobody on its bus is surely a BMS."""
    if surely and function in {None, BATTERY_FUNCTION}:
        return Sender.DUT
    if alone and function == BATTERY_FUNCTION and manufacturer in MAKERS.values():
        return Sender.DUT
    if alone and function is None and node.pgns & BATTERY_PGNS:
        return Sender.DUT
    if (function == GATEWAY_FUNCTION and manufacturer == VICTRON) or node.asks:
        return Sender.GX
    return Sender.OTHER


def sides_of(log: Log) -> Sides:
    """Who is who, by one pass over the log. Raises LogError where it cannot be read."""
    who, reading = Who(), log.read()
    for frame in reading.frames():
        who.push(frame)
    return who.sides(reading.told.meta.buses, log.roles_given)


def release_in(log: Log) -> Version | None:
    """The release that the DUT told last, by one pass over the log; None if it told none."""
    return sides_of(log).release
